"""No merchant empties the pool of virtual numbers: what one may hold depends on what is left for the others."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest
import sqlalchemy as sa

from masking.config import read_settings
from masking.crypto.index import record_of_waybill_id
from masking.database import schema
from masking.steps.checkout import Checkout, checkout
from masking.steps.retire import Destroy, retire
from masking.store.rows import people, slots
from masking.store.store import Settings
from tests.support.calls import call_alarms
from tests.support.people import OPERATOR, RIVAL, SHOP


@pytest.fixture
def shared(store):
    """A pool of ten numbers, leased at checkout, of which a merchant may hold half of those left."""
    store.settings = replace(store.settings, number_share=50)
    with store.transaction() as tx:
        tx.execute(schema.slot.delete().where(schema.slot.c.extension >= "1010"))
    return store


REFERENCES = count(1)


def numbered(world, store, order, merchant, many):
    """Of so many new waybills of a merchant those that got a number."""
    orders = [order(f"S-{next(REFERENCES)}", waybill_number=None, routing_code=None) for _ in range(many)]
    made = checkout(world, store, [Checkout(merchant=merchant, order=each) for each in orders])
    return [waybill for waybill in made if waybill.number]


def test_merchant_leases_no_more_than_its_share_of_the_rest(world, shared, order):
    mine = numbered(world, shared, order, RIVAL, 8)
    assert len(mine) == 5
    assert call_alarms(shared) == [("numbers-share", RIVAL.unit)]
    assert numbered(world, shared, order, RIVAL, 1) == []
    assert len(numbered(world, shared, order, SHOP, 2)) == 2
    assert len(numbered(world, shared, order, SHOP, 2)) == 0  # 2 of 3 + 2 is the share
    retire(world, shared, [Destroy(actor=OPERATOR, id=each.id, reason="test") for each in mine])
    with shared.transaction() as tx:
        held = tx.execute(sa.select(schema.slot.c.merchant).where(schema.slot.c.waybill.is_(None))).scalars()
        assert set(held) == {None}
    assert len(numbered(world, shared, order, RIVAL, 4)) == 4


def test_only_merchant_of_a_deployment_may_hold_all_numbers(world, shared, order):
    with shared.transaction() as tx:
        people.revoke(tx, [RIVAL.id])
    assert len(numbered(world, shared, order, SHOP, 10)) == 10
    assert call_alarms(shared) == []


def test_exhausted_pool_names_the_merchant_who_holds_most(world, shared, order):
    shared.settings = replace(shared.settings, number_share=100)
    assert len(numbered(world, shared, order, SHOP, 3)) == 3
    assert len(numbered(world, shared, order, RIVAL, 8)) == 7
    query = sa.select(schema.alarm.c.actor, schema.alarm.c.partner).where(schema.alarm.c.kind == "numbers-dry")
    with shared.reading() as tx:
        assert tx.execute(query).all() == [("pool", RIVAL.unit)]


def test_quarantined_number_counts_for_no_merchant(world, shared, order):
    [waybill] = numbered(world, shared, order, RIVAL, 1)
    with shared.transaction() as tx:
        slots.withdraw(tx, slots.SlotAct.QUARANTINE, waybill.number.main, [waybill.number.extension], world.now())
        query = sa.select(schema.slot.c.merchant).where(schema.slot.c.extension == waybill.number.extension)
        assert tx.execute(query).scalars().all() == [None]
        assert slots.leases(tx, [record_of_waybill_id(waybill.id)]) == {}


def test_numbers_are_leased_with_the_first_label_by_default(tmp_path):
    (tmp_path / "waybill.toml").write_text("[numbers]\nshare = 25\n")
    read = read_settings(tmp_path / "waybill.toml")
    assert (read.lease_at_print, read.number_share) == (True, 25)
    assert (Settings().lease_at_print, Settings().number_share) == (True, 50)
