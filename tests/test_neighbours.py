"""Items of one batch: a bad one never fails its neighbours, and items about one parcel see each other."""

from __future__ import annotations

import pytest

from masking.access.duty import Purpose
from masking.change import Amend, Cancel, Ship, change
from masking.crypto.index import token_record
from masking.order import Grant, Party
from masking.resolve import Resolve, resolve
from masking.vault import parcels
from masking.waybill import Refusal, Waybill
from tests.cast import COURIER, SHOP
from tests.test_story import arrived, assigned, checked_out, labelled

HERE = Party(name="欧阳测试", phone="13800000001", address="上海市浦东新区世纪大道101号3栋2单元501室")
THERE = Party(name="欧阳测试", phone="13800000001", address="上海市浦东新区世纪大道102号3栋2单元501室")


def wrapped(store, waybill):
    """Whether the waybill's key is at hand, for the generation its row names."""
    record = token_record(waybill.id)
    with store.transaction() as tx:
        return record in parcels.of_ids(store, tx, [record]).wraps


def test_an_order_amended_twice_in_one_batch_opens_as_the_last_said(store, world, order):
    waybill = checked_out(world, store, order())
    twice = [Amend(merchant=SHOP, id=waybill.id, order=order(recipient=to)) for to in (HERE, THERE)]
    assert all(isinstance(each, Waybill) for each in change(world, store, twice))
    assert wrapped(store, waybill)
    data = labelled(world, store, waybill)
    arrived(world, store, data)
    assigned(world, store, data)
    [grant] = resolve(world, store, [Resolve(actor=COURIER, code=data.code, purpose=Purpose.DELIVER)])
    assert isinstance(grant, Grant)
    assert grant.fields["recipient.address"] == THERE.address


def test_a_batch_of_amendments_that_is_rolled_back_leaves_the_order_as_it_was(store, world, order):
    waybill = checked_out(world, store, order())
    twice = [Amend(merchant=SHOP, id=waybill.id, order=order(recipient=to)) for to in (HERE, THERE)]
    broken = Amend(merchant=SHOP, id=waybill.id, order=None)
    with pytest.raises(AttributeError):
        change(world, store, [*twice, broken])
    assert wrapped(store, waybill)


def test_changes_of_one_waybill_in_one_batch_are_decided_in_order(store, world, order):
    waybill = checked_out(world, store, order())
    asked = [
        Amend(merchant=SHOP, id=waybill.id, order=order(recipient=HERE)),
        Cancel(merchant=SHOP, id=waybill.id),
        Ship(merchant=SHOP, id=waybill.id, waybill_number="YT000000000009", routing_code="301-007-00 013"),
        Amend(merchant=SHOP, id=waybill.id, order=order(recipient=THERE)),
        Cancel(merchant=SHOP, id=waybill.id),
    ]
    amended, cancelled, *late, again = change(world, store, asked)
    assert isinstance(amended, Waybill)
    assert cancelled == again
    assert cancelled.state == "destroyed"
    assert late == [Refusal(reason="unknown")] * 2
    assert not wrapped(store, waybill)
