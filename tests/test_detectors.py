"""What stands out on a ledger: each detector at its threshold, in whatever order a millisecond's leaves come; the command."""

from __future__ import annotations

import random
import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby

import pytest

import masking
from api.cli import main
from masking.access import detectors
from masking.access.detectors import Finding, detect
from masking.ledger.log import Leaf
from masking.vault import journal, watching

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


def duty(parcel, courier="courier-7", giver="clerk", minute=0):
    name = f"d-{parcel}-{courier}"
    return leaf("assign", giver, parcel, minute, courier=courier, leg="delivery", duty=name), name


def looked(parcels, *, courier="courier-7", giver="clerk", then=None, what=None):
    found = []
    for parcel in parcels:
        given, name = duty(parcel, courier, giver)
        found += [given, leaf("grant", courier, parcel, 1, duty=name, purpose="deliver")]
        if then:
            found.append(leaf(then, courier, parcel, 2, **({"what": what} if what else {})))
    return found


def kinds(leaves, canaries=()):
    together = sorted(leaves, key=lambda leaf: leaf.subject)  # as the ledger is read; within a parcel as they came
    return [(each.kind, each.who, each.times, each.among) for each in detect(together, canaries)]


@pytest.mark.parametrize("short", [0, 1])
def test_each_detector_speaks_at_its_threshold_and_not_below(short):
    delivered = looked(range(100, 115), courier="courier-8", then="deliver")
    many = detectors.UNFINISHED - short
    assert kinds(looked(range(many))) == ([] if short else [("views-without-delivery", "courier-7", many, many)])
    absent = looked(range(detectors.ABSENT - short), then="scan", what="attempted")
    assert bool(kinds(absent)) is not short
    pair = looked(range(detectors.PAIR - short)) + delivered
    assert [each[0] for each in kinds(pair)] == ([] if short else ["pair-stands-out"])
    asked = [leaf("refusal", "clerk", n, reason="unknown", step="scan") for n in range(detectors.STRANGERS - short)]
    assert bool(kinds(asked)) is not short
    copies = [leaf("reprint", "clerk", n, number="2") for n in range(detectors.COPIES - short)]
    assert bool(kinds(copies)) is not short
    taken = looked(range(detectors.WITHDRAWN - short), courier="courier-9") + delivered
    taken += [duty(n, "courier-8", minute=3)[0] for n in range(detectors.WITHDRAWN - short)]
    assert ("looked-then-withdrawn" in {each[0] for each in kinds(taken)}) is not short


def test_the_order_within_a_millisecond_changes_no_finding():
    leaves = looked(range(30)) + looked(range(50, 70), courier="courier-8", then="deliver")
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


def test_a_day_takes_the_memory_of_its_staff_and_not_of_its_parcels():
    def day():
        for n in range(2_000):  # 2.5 MB of leaves
            yield from looked([n], courier=f"courier-{n % 20}", then="deliver" if n % 3 else None)

    assert peak(lambda: detect(day())) < 200_000


@pytest.mark.parametrize("urls", ["file", "postgresql"], indirect=True)
def test_however_the_ledger_is_sliced_each_leaf_is_read_once_beside_those_of_its_parcel(store):
    dice = random.Random(4)
    parcels = [dice.randrange(2**128) for _ in range(60)]
    day = [leaf("look", "courier-7", parcel, minute) for minute in range(5) for parcel in parcels]
    day += [replace(leaf("no-label-code", "courier-7", n), subject=None) for n in range(9)]
    day = [replace(each, id=(int(each.at.timestamp() * 1000)).to_bytes(6, "big") + each.id[6:]) for each in day]
    old = replace(day[0], id=bytes(16))
    with store.transaction() as tx:
        journal.append(tx, [*day, old])
    for sorting in (1, 50, 10**6):
        found = list(watching.parcel_by_parcel(store, NOON, sorting=sorting))
        assert sorted(found, key=lambda each: each.id) == sorted(day, key=lambda each: each.id)
        groups = [(subject, list(about)) for subject, about in groupby(found, lambda each: each.subject)]
        assert len(groups) == len(parcels) + 1
        for subject, about in groups:
            assert subject is None or [each.at for each in about] == sorted(each.at for each in about)


@pytest.mark.parametrize("urls", ["file"], indirect=True)
def test_the_ledger_is_not_read_into_memory(store, world):
    now = world.now()
    with store.transaction() as tx:
        for n in range(0, 5_000, 500):  # 6.5 MB, if they were all kept
            made = looked(range(n, n + 250), then="deliver")
            early = (int(now.timestamp() * 1000)).to_bytes(6, "big")
            journal.append(tx, [replace(each, id=early + each.id[6:], at=now) for each in made])
    assert peak(lambda: watching.watch(world, store)) < 1_000_000


def test_any_look_at_a_canary_is_found_and_its_ordinary_way_is_not():
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


def test_the_command_marks_a_canary_and_is_quiet_on_a_quiet_ledger(tmp_path, order, capsys):
    with masking.connect(tmp_path / "d") as shop:
        [waybill] = shop.checkout([order()])
    folder = ["--folder", str(tmp_path / "d")]
    assert main(["watch", "--canary", waybill.id, *folder]) == 0
    assert main(["watch", *folder]) == 0
    assert capsys.readouterr().out == ""
    assert main(["watch", "--canary", "13800000001", *folder]) == 2
