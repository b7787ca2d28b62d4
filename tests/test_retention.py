"""The nightly run: what falls due goes, what is held stays, and what is sealed away opens with the offline key alone."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from pathlib import Path

import pytest
import sqlalchemy as sa

from masking import config
from masking.crypto import archive
from masking.crypto.index import record_of_waybill_id
from masking.deployment import create, open_folder
from masking.errors import InputError, IntegrityError, RefusedError, SettingsError, UnknownWaybillError
from masking.journal import journal
from masking.keys import lifecycle
from masking.steps.change import Cancel, change
from masking.steps.deliver import Deliver, deliver
from masking.steps.retire import Destroy, Hold, HoldState, Release, Retired, SealAway, retire
from masking.store.rows import waybills
from masking.store.store import Settings
from masking.upkeep.archive import open_archived
from masking.upkeep.retention_run import nightly
from masking.upkeep.unfinished import finish_destructions
from masking.values.printable import Refusal
from masking.values.states import Retention, State
from tests.support.parcels import check_out, damage, load_on_van
from tests.support.people import COURIER, OPERATOR, SHOP

ROOT = Path(__file__).parents[1]


def test_every_period_is_documented_and_in_new_settings():
    document = (ROOT / "docs" / "retention.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `(\w+)_days` \| (\d+) \|", document, re.MULTILINE))
    periods = {name: str(period.days) for name, period in dataclasses.asdict(Retention()).items()}
    assert rows == periods
    new = tomllib.loads(config.written(Settings(tenant="carrier", carrier="x"), None))
    assert new["retention"] == {f"{name}_days": int(days) for name, days in periods.items()}


@pytest.fixture
def offline(store, world):
    """The private half of an offline key that the days of this test are sealed to."""
    name, private = lifecycle.new_offline(store.keys)
    lifecycle.use_offline(store.keys, name, private, world, world.now())
    return private


@pytest.fixture
def delivered(offline, store, world, order):
    waybill, data = load_on_van(world, store, order())
    deliver(world, store, [Deliver(actor=COURIER, code=data.code)])
    return waybill


def gone(id_):
    return Destroy(actor=OPERATOR, id=id_, reason="test")


def night(world, store, **options):
    return {line.what: line.times for line in nightly(world, store, OPERATOR, **options)}


def state(store, waybill):
    record = record_of_waybill_id(waybill.id)
    with store.transaction() as tx:
        return waybills.by_id(tx, [record])[record].state


def acts(world, store, waybill):
    return [leaf.kind for leaf in journal.who_saw(world, store, record_of_waybill_id(waybill.id))]


def reopened(world, store, private, waybill, reason="dispute"):
    opened = open_archived(world, store, private, record_of_waybill_id(waybill.id), actor=OPERATOR.id, reason=reason)
    return {name: plain.reveal() for name, plain in opened.items()}


def test_delivered_waybill_is_sealed_away_and_later_destroyed_on_schedule(world, store, delivered, fake_world):
    fake_world.advance(days=6)
    assert night(world, store)["waybills sealed away"] == 0
    fake_world.advance(days=2)
    assert night(world, store)["waybills sealed away"] == 1
    assert state(store, delivered) == State.SEALED_AWAY
    fake_world.advance(days=179)
    assert night(world, store)["waybills destroyed"] == 0
    fake_world.advance(days=2)
    assert night(world, store)["waybills destroyed"] == 1
    assert state(store, delivered) == State.DESTROYED
    assert night(world, store)["waybills destroyed"] == 0


def test_undelivered_waybill_is_sealed_away_after_its_own_time(world, store, order, fake_world):
    waybill = check_out(world, store, order())
    fake_world.advance(days=59)
    assert night(world, store)["waybills sealed away"] == 0
    fake_world.advance(days=2)
    assert night(world, store)["waybills sealed away"] == 1
    assert state(store, waybill) == State.SEALED_AWAY


def test_dry_run_counts_and_changes_nothing(world, store, delivered, fake_world):
    fake_world.advance(days=40)
    first = night(world, store, dry_run=True)
    assert night(world, store, dry_run=True) == first
    assert (first["waybills sealed away"], first["days closed"], first["online keys destroyed"]) == (1, 1, 1)
    assert state(store, delivered) == State.ACTIVE
    assert store.keys.existing("archive", "2026-11-24")
    second = night(world, store)
    assert {name: second[name] for name in ("waybills sealed away", "days closed", "online keys destroyed")} == {
        "waybills sealed away": 1,
        "days closed": 1,
        "online keys destroyed": 1,
    }


def test_more_than_one_batch_can_fall_due_in_one_night(world, store, order, fake_world):
    for n in range(103):
        check_out(world, store, order(f"B-{n}"))
    fake_world.advance(days=61)
    assert night(world, store)["waybills sealed away"] == 103


def statements(store, work):
    """How many statements on the data `work` takes."""
    seen = []

    def note(*_):
        seen.append(1)

    sa.event.listen(store.data, "before_cursor_execute", note)
    work()
    sa.event.remove(store.data, "before_cursor_execute", note)
    return len(seen)


@pytest.mark.parametrize("act", [lambda id_: SealAway(actor=OPERATOR, id=id_), gone])
def test_batch_takes_as_many_statements_as_one_waybill(world, store, order, act):
    ids = [check_out(world, store, order(f"A-{n}", waybill_number=None)).id for n in range(21)]
    one, twenty = (
        statements(store, lambda some=some: retire(world, store, [act(id_) for id_ in some]))
        for some in (ids[:1], ids[1:])
    )
    assert twenty <= one + 2


def test_request_of_a_batch_sees_the_results_of_earlier_ones(world, store, order):
    one, two = (check_out(world, store, order(f"A-{n}", waybill_number=None)).id for n in range(2))
    hold, release = Hold(actor=OPERATOR, id=one, reason="dispute"), Release(actor=OPERATOR, id=one)
    away, away_again = (SealAway(actor=OPERATOR, id=two) for _ in range(2))
    outcomes = retire(world, store, [hold, gone(one), release, gone(one), gone(one), away, away_again, gone(two)])
    reasons = [each.reason if isinstance(each, Refusal) else None for each in outcomes]
    assert reasons == [None, "held", None, None, "unknown", None, "already-sealed-away", None]
    kinds = sorted(
        leaf.kind for leaf in journal.who_saw(world, store, record_of_waybill_id(two))
    )  # of one millisecond: no order
    assert kinds == ["checkout", "destroy", "refusal", "seal-away"]
    assert finish_destructions(world, store) == 0


def test_held_waybill_stays_until_released_past_its_schedule(world, store, delivered, fake_world):
    assert retire(world, store, [Hold(actor=OPERATOR, id=delivered.id, reason="dispute")]) == [HoldState(held=True)]
    fake_world.advance(days=40)
    assert night(world, store)["waybills sealed away"] == 0
    for request in (
        SealAway(actor=OPERATOR, id=delivered.id),
        Destroy(actor=OPERATOR, id=delivered.id, reason="retention"),
    ):
        assert retire(world, store, [request]) == [Refusal(reason="held")]
    fake_world.advance(seconds=1)  # leaves of one millisecond have no order
    assert retire(world, store, [Release(actor=OPERATOR, id=delivered.id)]) == [HoldState(held=False)]
    fake_world.advance(seconds=1)
    assert night(world, store)["waybills sealed away"] == 1
    assert [kind for kind in acts(world, store, delivered) if kind in {"hold", "release", "seal-away"}] == [
        "hold",
        "release",
        "seal-away",
    ]


def test_held_order_is_not_cancelled_by_its_merchant(world, store, order):
    waybill = check_out(world, store, order())
    retire(world, store, [Hold(actor=OPERATOR, id=waybill.id, reason="inquiry")])
    assert change(world, store, [Cancel(merchant=SHOP, id=waybill.id)]) == [Refusal(reason="held")]


def test_only_the_operator_holds_and_only_for_a_listed_reason(world, store, delivered):
    assert retire(world, store, [Hold(actor=SHOP, id=delivered.id, reason="dispute")]) == [Refusal(reason="unknown")]
    asked = [Hold(actor=OPERATOR, id=delivered.id, reason="because"), Release(actor=OPERATOR, id=delivered.id)]
    assert retire(world, store, asked) == [Refusal(reason="no-such-reason"), Refusal(reason="not-held")]


def test_sealed_away_data_opens_with_the_offline_key_a_reason_and_a_leaf(world, store, offline, delivered, fake_world):
    fake_world.advance(days=8)
    night(world, store)
    assert store.keys.existing("archive", "2026-11-24") is None  # no online key opens that day any more
    fake_world.advance(seconds=1)  # leaves of one millisecond have no order
    fields = reopened(world, store, offline, delivered)
    assert fields["recipient.phone"] == "13800000001"
    assert fields["recipient.address"] == "上海市浦东新区世纪大道100号3栋2单元501室"
    assert acts(world, store, delivered)[-1] == "archive-open"


def test_another_offline_key_opens_nothing_and_leaves_no_leaf(world, store, delivered, fake_world):
    fake_world.advance(days=8)
    night(world, store)
    before = acts(world, store, delivered)
    with pytest.raises(IntegrityError):
        reopened(world, store, archive.generate()[0], delivered)
    assert acts(world, store, delivered) == before


@pytest.mark.parametrize("how", ["seal", "row"])
def test_damaged_record_is_not_shown_in_part_from_the_archive(world, store, offline, delivered, fake_world, how):
    fake_world.advance(days=8)
    night(world, store)
    damage(store, record_of_waybill_id(delivered.id), how)
    before = acts(world, store, delivered)
    with pytest.raises(IntegrityError):
        reopened(world, store, offline, delivered)
    assert acts(world, store, delivered) == before


def test_archive_bypasses_neither_duty_nor_destruction(world, store, offline, delivered):
    with pytest.raises(RefusedError, match="not-sealed-away"):
        reopened(world, store, offline, delivered)
    retire(world, store, [SealAway(actor=OPERATOR, id=delivered.id)])
    with pytest.raises(InputError, match="not-listed"):
        reopened(world, store, offline, delivered, reason="curiosity")
    [gone] = retire(world, store, [Destroy(actor=OPERATOR, id=delivered.id, reason="erasure-request")])
    assert isinstance(gone, Retired)
    with pytest.raises(UnknownWaybillError):
        reopened(world, store, offline, delivered)


def test_schedule_is_read_from_the_settings(tmp_path, world):
    create(tmp_path / "d", world, Settings())
    settings = tmp_path / "d" / "waybill.toml"
    settings.write_text(settings.read_text("utf-8").replace("destroy_after_days = 180", "destroy_after_days = 30"))
    store = open_folder(tmp_path / "d", world)
    assert store.settings.retention.destroy_after.days == 30
    assert store.settings.retention.seal_away_after == Retention().seal_away_after
    store.close()


@pytest.mark.parametrize(
    "line",
    [
        "destroy_after_days = -1",
        "destroy_after_days = true",
        "destroy_after_days = 1.5",
        "destroy_after = 30",
        'x_days = "a"',
    ],
)
def test_contradictory_schedule_is_refused(tmp_path, world, line):
    create(tmp_path / "d", world, Settings())
    settings = tmp_path / "d" / "waybill.toml"
    text = settings.read_text("utf-8").split("[retention]")[0]
    settings.write_text(f"{text}[retention]\n{line}\n", "utf-8")
    with pytest.raises(SettingsError, match=r"\[retention\] takes seal_away_after_days"):
        open_folder(tmp_path / "d", world)
