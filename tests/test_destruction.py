"""Destruction in the face of crashes: keys go first, rows follow, and the next start finishes what was cut in two."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from masking.access.duty import UNKNOWN
from masking.crypto.index import record_of_waybill_id
from masking.database.engine import transaction
from masking.database.key_schema import wrap
from masking.errors import UnavailableError
from masking.journal import journal
from masking.keys.keystore import Destruction, Generation
from masking.steps.retire import Destroy, SealAway, retire
from masking.store import parcels
from masking.store.erasing import clear_rows
from masking.store.rows import waybills
from masking.upkeep import orphans
from masking.upkeep.unfinished import finish_destructions
from masking.values.states import State
from tests.support.commit_faults import fail_checkout
from tests.support.parcels import check_out, load_on_van, resolve_one
from tests.support.people import OPERATOR


@pytest.fixture
def cut_in_two(store, world, order):
    """A waybill whose keys are destroyed and whose rows are not, as a crash in between leaves it; and its label."""
    waybill, data = load_on_van(world, store, order())
    record = record_of_waybill_id(waybill.id)
    with pytest.raises(ZeroDivisionError), store.transaction() as tx:
        clear_rows(tx, [record], "erasure-request", world.now())
        store.keys.destroy([Destruction(record, OPERATOR.id, "erasure-request")], world.now())
        _ = 1 / 0
    return record, data


def state(store, record):
    with store.transaction() as tx:
        return waybills.by_id(tx, [record])[record].state


def test_destruction_cut_by_a_crash_leaves_nothing_readable(store, world, cut_in_two):
    record, data = cut_in_two
    assert state(store, record) == State.ACTIVE
    assert resolve_one(world, store, data.code) == UNKNOWN


def test_next_start_clears_the_rows_and_leaves_the_leaf(store, world, cut_in_two):
    record, _ = cut_in_two
    assert finish_destructions(world, store) == 1
    assert state(store, record) == State.DESTROYED
    with store.transaction() as tx:
        assert not waybills.sealed_fields(tx, [record], ["recipient.phone"])
    assert "destroy" in [leaf.kind for leaf in journal.who_saw(world, store, record)]


def test_finishing_a_destruction_twice_changes_nothing(store, world, cut_in_two):
    record, _ = cut_in_two
    finish_destructions(world, store)
    before = journal.who_saw(world, store, record)
    assert finish_destructions(world, store) == 0
    assert journal.who_saw(world, store, record) == before


def test_completed_destruction_leaves_nothing_to_finish(store, world, order):
    waybill = check_out(world, store, order())
    retire(world, store, [Destroy(actor=OPERATOR, id=waybill.id, reason="test")])
    assert finish_destructions(world, store) == 0


def test_wraps_without_a_row_are_swept_after_an_hour(store, world, order, fake_world):
    kept = check_out(world, store, order("A-1"))
    with pytest.raises(UnavailableError):
        fail_checkout(world, store, order("A-2"))
    fake_world.advance(minutes=30)
    assert orphans.sweep(store, world.now()) == 0
    fake_world.advance(minutes=31)
    assert orphans.sweep(store, world.now()) == 1
    assert orphans.wrapped(store.keys, after=b"", made_before=b"\xff" * 16, limit=9) == {
        record_of_waybill_id(kept.id): True
    }


def test_key_left_by_an_interrupted_amendment_is_swept(store, world, order):
    waybill = check_out(world, store, order())
    record = record_of_waybill_id(waybill.id)
    store.keys.add_wraps("carrier", [Generation(record, 2)], world, world.now())
    assert orphans.sweep(store, world.now()) == 1
    assert orphans.with_several_keys(store.keys, limit=9) == []
    with store.transaction() as tx:
        assert parcels.of_ids(store, tx, [record]).wraps[record].generation == 1


def test_sealed_waybill_returned_by_a_restored_key_store_is_sealed_again(store, world, order, fake_world):
    away, _ = (check_out(world, store, order(name)) for name in ("A-1", "A-2"))
    with transaction(store.keys.engine) as tx:
        before = [dict(row) for row in tx.execute(sa.select(wrap)).mappings()]
    retire(world, store, [SealAway(actor=OPERATOR, id=away.id)])
    sealed = wraps(store)
    with transaction(store.keys.engine) as tx:
        tx.execute(wrap.delete())
        tx.execute(wrap.insert(), before)
    fake_world.advance(hours=2)
    assert wraps(store) != sealed
    assert orphans.sweep(store, world.now()) == 1
    assert wraps(store) == sealed
    assert orphans.sweep(store, world.now()) == 0


def wraps(store):
    with transaction(store.keys.engine) as tx:
        return set(map(tuple, tx.execute(sa.select(wrap))))


def test_sweep_goes_through_more_waybills_than_a_page(store, world, fake_world):
    ids = [world.record_id(world.now()) for _ in range(21)]
    store.keys.add_wraps("carrier", [Generation(each, 1) for each in ids], world, world.now())
    fake_world.advance(hours=2)
    assert orphans.sweep(store, world.now(), page=10) == len(ids)
    store.keys.destroy([Destruction(each, OPERATOR.id, "test") for each in ids], world.now())
    assert finish_destructions(world, store) == len(ids)


def test_sweep_goes_through_spans_that_agree_and_spans_that_do_not(store, world, order, fake_world):
    for n in range(6):
        check_out(world, store, order(f"A-{n}"))
        fake_world.advance(seconds=1)
        if n in {1, 5}:
            store.keys.add_wraps("carrier", [Generation(world.record_id(world.now()), 1)], world, world.now())
    fake_world.advance(hours=2)
    assert orphans.sweep(store, world.now(), page=2, span=3) == 2
    asked = []
    sa.event.listen(store.data, "before_cursor_execute", lambda *given: asked.append(given[2]))
    assert orphans.sweep(store, world.now(), page=2, span=3) == 0
    by_row = [each for each in asked if each.startswith("SELECT waybill.id, waybill.state")]
    assert bool(by_row) == (store.data.dialect.name == "sqlite")  # servers that agree give no rows


def test_history_of_a_waybill_is_found_years_later(store, world, order, fake_world):
    waybill = check_out(world, store, order())
    before = journal.who_saw(world, store, record_of_waybill_id(waybill.id))
    fake_world.advance(days=800)
    retire(world, store, [Destroy(actor=OPERATOR, id=waybill.id, reason="retention")])
    kinds = [leaf.kind for leaf in journal.who_saw(world, store, record_of_waybill_id(waybill.id))]
    assert kinds == [*(leaf.kind for leaf in before), "destroy"]
