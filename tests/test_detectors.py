"""What stands out on a ledger: each detector at its threshold, in any order of a millisecond's leaves; the command."""

from __future__ import annotations

import random
import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby

import pytest

import masking
from api.cli.main import main
from masking.access.detectors import Finding, Thresholds, detect
from masking.config import SETTINGS, read_settings
from masking.database import schema
from masking.errors import SettingsError
from masking.journal import journal, watch
from masking.ledger.log import Leaf

USUAL = Thresholds()
NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)


def leaf(kind, actor, parcel, minute=0, **detail):
    return Leaf(
        id=random.Random(f"{kind}{actor}{parcel}{minute}").randbytes(16),
        at=NOON + timedelta(minutes=minute),
        kind=kind,
        actor=actor,
        subject=parcel.to_bytes(16, "big"),
        detail=detail,
    )


def duty(parcel, courier="courier-7", giver="clerk", minute=0, leg="delivery"):
    name = f"d-{parcel}-{courier}"
    return leaf("assign", giver, parcel, minute, courier=courier, leg=leg, duty=name), name


def opened_leaves(parcels, *, courier="courier-7", giver="clerk", then=None, what=None, leg="delivery"):
    found = []
    for parcel in parcels:
        given, name = duty(parcel, courier, giver, leg=leg)
        found += [given, leaf("grant", courier, parcel, 1, duty=name, purpose="deliver")]
        if then:
            found.append(leaf(then, courier, parcel, 2, **({"what": what} if what else {"duty": name})))
    return found


def kinds(leaves, canaries=(), thresholds=USUAL):
    together = sorted(leaves, key=lambda leaf: leaf.subject)  # as the ledger is read; within a parcel as they came
    return [(each.kind, each.who, each.times, each.among) for each in detect(together, canaries, thresholds)]


@pytest.mark.parametrize("few", [USUAL, Thresholds(withdrawn=5, unfinished=9, absent=9, pair=4, strangers=2, copies=2)])
@pytest.mark.parametrize("short", [False, True])
def test_each_detector_reports_at_its_threshold_and_not_below(short, few):
    delivered = opened_leaves(range(100, 115), courier="courier-8", then="deliver")
    many = few.unfinished - short
    assert kinds(opened_leaves(range(many)), (), few) == (
        [] if short else [("views-without-delivery", "courier-7", many, many)]
    )
    absent = opened_leaves(range(few.absent - short), then="scan", what="attempted")
    assert bool(kinds(absent, (), few)) is not short
    pair = opened_leaves(range(few.pair - short)) + delivered
    assert [each[0] for each in kinds(pair, (), few)] == ([] if short else ["pair-stands-out"])
    asked = [leaf("refusal", "clerk", n, reason="unknown", step="scan") for n in range(few.strangers - short)]
    assert bool(kinds(asked, (), few)) is not short
    copies = [leaf("reprint", "clerk", n, number="2") for n in range(few.copies - short)]
    assert bool(kinds(copies, (), few)) is not short
    tried = [leaf("look", "courier-7", n, duty="d", matched="no") for n in range(few.wrong_phones - short)]
    tried += [leaf("look", "courier-8", n, duty="d", matched="yes") for n in range(100)]
    found = [] if short else [("wrong-phones", "courier-7", few.wrong_phones, few.wrong_phones)]
    assert kinds(tried, (), few) == found
    taken = opened_leaves(range(few.withdrawn - short), courier="courier-9") + delivered
    taken += [duty(n, "courier-8", minute=3)[0] for n in range(few.withdrawn - short)]
    assert ("looked-then-withdrawn" in {each[0] for each in kinds(taken, (), few)}) is not short


@pytest.mark.parametrize("more", [0, 1])
def test_views_beyond_half_are_reported_and_half_is_not(more):
    delivered = opened_leaves(range(100, 120), then="deliver")
    left = opened_leaves(range(20 + more)) + delivered
    absent = opened_leaves(range(20 + more), then="scan", what="attempted") + delivered
    assert [each[0] for each in kinds(left)] == ["views-without-delivery"] * more
    assert [each[0] for each in kinds(absent)] == ["absent-everywhere"] * more


def test_delivery_without_a_view_counts_as_no_view():
    given = [duty(parcel) for parcel in range(30)]
    unseen = [leaf("deliver", "courier-7", parcel, 2, duty=name) for parcel, (_, name) in enumerate(given)]
    left = opened_leaves(range(100, 120))
    assert kinds([each for each, _ in given] + unseen + left) == [("views-without-delivery", "courier-7", 20, 20)]


@pytest.mark.parametrize(("leg", "finished"), [("collection", True), ("delivery", False)])
def test_collection_ends_with_the_pickup_and_a_delivery_does_not(leg, finished):
    assert (kinds(opened_leaves(range(20), then="scan", what="collected", leg=leg)) == []) is finished


def test_factor_above_the_others_is_a_setting():
    leaves = opened_leaves(range(12)) + opened_leaves(range(100, 104), courier="courier-8")
    leaves += opened_leaves(range(200, 204), courier="courier-8", then="deliver")  # half of these, all of the others
    assert [kinds(leaves, (), Thresholds(stands_out=times)) != [] for times in (2, 3)] == [True, False]


def test_absurd_thresholds_are_refused_by_name(tmp_path):
    with masking.connect(tmp_path / "d"):
        pass
    path = tmp_path / "d" / SETTINGS
    text = path.read_text("utf-8")
    path.write_text(f"{text}[watch]\ncopies = 1\nstands_out = 1000\n", "utf-8")
    assert read_settings(path).watch == replace(USUAL, copies=1, stands_out=1000)
    for line in ("copies = 0", "copies = -5", "copies = 1001", "copies = true", "copies = 5.0", 'copies = "5"'):
        path.write_text(f"{text}[watch]\n{line}\n", "utf-8")
        with pytest.raises(SettingsError, match="copies must be a whole number from 1 to 1000"):
            read_settings(path)
    for lines in ("[watch]\nstands_out = 1", "[watch]\ncopy = 5", "[[watch]]\ncopies = 5"):
        path.write_text(f"{text}{lines}\n", "utf-8")
        with pytest.raises(SettingsError, match="watch"):
            read_settings(path)


def test_order_within_a_millisecond_changes_no_finding():
    leaves = opened_leaves(range(30)) + opened_leaves(range(50, 70), courier="courier-8", then="deliver")
    expected = kinds(leaves)
    assert expected
    for seed in range(20):
        assert kinds(random.Random(seed).sample(leaves, len(leaves))) == expected


def peak(act):
    """The bytes that are held at most while this is done, beyond those before."""
    tracemalloc.start()
    try:
        act()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_reading_a_day_needs_memory_for_its_staff_not_its_parcels():
    def day():
        for n in range(2_000):  # 2.5 MB of leaves
            yield from opened_leaves([n], courier=f"courier-{n % 20}", then="deliver" if n % 3 else None)

    assert peak(lambda: detect(day())) < 200_000


def test_damaged_assignment_hides_no_other_finding():
    spoilt = [
        replace(leaf("assign", "clerk", 1), detail={name: "courier-7"}) for name in ("courier", "duty", "bourier")
    ]
    assert kinds(opened_leaves(range(20)) + spoilt) == kinds(opened_leaves(range(20))) != []


@pytest.mark.parametrize("urls", ["file", "postgresql"], indirect=True)
def test_sliced_reading_sees_each_leaf_once_with_those_of_its_parcel(store):
    dice = random.Random(4)
    parcels = [dice.randrange(2**128) for _ in range(60)]
    day = [leaf("look", "courier-7", parcel, minute) for minute in range(5) for parcel in parcels]
    day += [replace(leaf("refusal-count", "courier-7", n), subject=None) for n in range(9)]
    day = [replace(each, id=(int(each.at.timestamp() * 1000)).to_bytes(6, "big") + each.id[6:]) for each in day]
    old = replace(day[0], id=bytes(16))
    with store.transaction() as tx:
        journal.append(tx, [*day, old])
    for sorting in (1, 50, 10**6):
        found = list(watch.parcel_by_parcel(store, NOON, sorting=sorting))
        assert sorted(found, key=lambda each: each.id) == sorted(day, key=lambda each: each.id)
        groups = [(subject, list(about)) for subject, about in groupby(found, lambda each: each.subject)]
        assert len(groups) == len(parcels) + 1
        for subject, about in groups:
            assert subject is None or [each.at for each in about] == sorted(each.at for each in about)


@pytest.mark.parametrize("urls", ["memory"], indirect=True)
def test_watch_reads_the_latest_leaves_only(store):
    with store.reading() as tx:
        for query in watch.slices(schema.leaf.c.id >= bytes(16), 64):
            asked = query.compile(store.data)
            values = tuple(asked.params[name] for name in asked.positiontup)
            plan = [row[3] for row in tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}", values)]
            assert plan == ["SEARCH leaf USING INDEX sqlite_autoindex_leaf_1 (id>?)", "USE TEMP B-TREE FOR ORDER BY"]


@pytest.mark.parametrize("urls", ["file"], indirect=True)
def test_detectors_do_not_load_the_ledger_into_memory(store, world):
    now = world.now()
    with store.transaction() as tx:
        for n in range(0, 5_000, 500):  # 6.5 MB, if they were all kept
            made = opened_leaves(range(n, n + 250), then="deliver")
            early = (int(now.timestamp() * 1000)).to_bytes(6, "big")
            journal.append(tx, [replace(each, id=early + each.id[6:], at=now) for each in made])
    assert peak(lambda: watch.watch(world, store)) < 2_500_000  # the names of 2,500 parcels without an arrival are kept


def test_any_view_of_a_canary_is_found_and_its_ordinary_way_is_not():
    parcel = 7
    ordinary = [
        leaf("checkout", "shop", parcel),
        leaf("print", "shop", parcel),
        leaf("scan", "clerk", parcel, what="arrived"),
    ]
    assert kinds(ordinary, {parcel.to_bytes(16, "big")}) == []
    tried = [
        leaf("refusal", "courier-8", parcel, step="resolve", reason="wrong-leg"),
        leaf("look", "courier-7", parcel),
    ]
    found = detect(ordinary + tried, {parcel.to_bytes(16, "big")})
    assert found == [Finding(kind="canary", who=who, times=1, among=1) for who in ("courier-7", "courier-8")]


def test_canary_command_marks_one_and_reports_nothing_on_a_quiet_ledger(tmp_path, order, capsys):
    with masking.connect(tmp_path / "d") as shop:
        [waybill] = shop.checkout([order()])
    folder = ["--folder", str(tmp_path / "d")]
    assert main(["watch", "--canary", waybill.id, *folder]) == 0
    assert main(["watch", *folder]) == 0
    assert capsys.readouterr().out == ""
    assert main(["watch", "--canary", "13800000001", *folder]) == 2


@pytest.mark.parametrize("kind", ["grant", "intent", "deliver"])
def test_act_without_an_assignment_is_found(kind):
    given, name = duty(1)
    forged = leaf(kind, "courier-8", 1, 2, duty="d-none")
    assert kinds([given, leaf(kind, "courier-7", 1, 1, duty=name)]) == []
    assert ("duty-never-given", "courier-8", 1, 1) in kinds([given, forged])
    assert ("duty-never-given", "courier-8", 1, 1) in kinds([leaf(kind, "courier-8", 1, 2)])
    elsewhere = duty(2)[0]
    assert ("duty-never-given", "courier-7", 1, 1) in kinds(
        [elsewhere, leaf(kind, "courier-7", 1, 1, duty="d-2-courier-7")]
    )


def test_act_under_a_duty_handed_over_before_is_found():
    first, name = duty(1, "courier-7")
    second, later = duty(1, "courier-8", minute=5)
    after = [leaf("grant", "courier-7", 1, minute, duty=name) for minute in (4, 6, 7)]
    assert kinds([first, second, *after[:2], leaf("grant", "courier-8", 1, 7, duty=later)]) == []  # 6: at the same time
    assert kinds([first, second, *after]) == [("duty-was-over", "courier-7", 1, 1)]


def test_duty_assigned_before_the_day_explains_acts_and_counts_no_more():
    early, name = duty(1, minute=0)
    acts = [early, leaf("grant", "courier-7", 1, 1, duty=name), leaf("reprint", "clerk", 1, 2, number="2")]
    late = leaf("deliver", "courier-7", 1, 90, duty=name)
    least = Thresholds(copies=1, unfinished=1, pair=1)
    assert detect([*acts, late], thresholds=least, since=NOON + timedelta(hours=1)) == []
    assert {each.kind for each in detect([*acts, late], thresholds=least)} == {"reprints"}
