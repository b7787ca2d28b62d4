"""Masked views for those with a duty, and the match that hands a parcel over at a station."""

from __future__ import annotations

import pytest

from masking.access.budget import FULL
from masking.access.duty import UNKNOWN
from masking.crypto.index import record_of_waybill_id
from masking.journal import journal
from masking.steps.assign import Assign, assign
from masking.steps.look import MISSES, VIEWS, Look, look
from masking.steps.scan import Scan, scan
from masking.values.outcomes import MaskedLookup
from masking.values.plaintext import Plain
from masking.values.printable import Refusal
from tests.support.calls import call_alarms
from tests.support.parcels import assign_courier, check_out, print_label
from tests.support.people import COURIER, DISPATCHER, OTHER_COURIER, RECEIVER, SHOP

RECIPIENT, SENDER = "13800000001", "13700000002"


def look_at(world, store, data, phone=None, actor=COURIER):
    return look(world, store, [Look(actor=actor, code=data.code, phone=Plain(phone) if phone else None)])[0]


def test_courier_with_the_duty_sees_the_masked_view_only(world, store, parcel):
    waybill, data = parcel
    assert look_at(world, store, data) == MaskedLookup(view=waybill.masked, matches=None)
    for actor in (OTHER_COURIER, DISPATCHER, SHOP):
        assert look_at(world, store, data, RECIPIENT, actor) == UNKNOWN


@pytest.mark.parametrize("said", [RECIPIENT, "+86 138-0000-0001", "１３８００００ ０００１"])
def test_recipients_whole_phone_matches_in_any_spelling(world, store, parcel, said):
    assert look_at(world, store, parcel[1], said).matches is True


@pytest.mark.parametrize(
    "said", ["0001", "00000001", "1380000000", "138****0001", SENDER, "13800000011", "x", "*" * 11]
)
def test_part_of_a_phone_or_another_phone_does_not_match(world, store, parcel, said):
    assert look_at(world, store, parcel[1], said).matches is False


def test_wrong_phones_are_counted_for_the_waybill_over_all_assignments(world, store, parcel, fake_world):
    _, data = parcel
    wrong = (f"1380000{n:04}" for n in range(2, 100))
    assert look_at(world, store, data, next(wrong)).matches is False
    assert look_at(world, store, data, RECIPIENT).matches is True
    assign_courier(world, store, data, OTHER_COURIER)
    assert look_at(world, store, data, next(wrong), OTHER_COURIER).matches is False
    assert call_alarms(store) == []
    fake_world.advance(days=1)
    assign_courier(world, store, data, COURIER)
    assert look_at(world, store, data, next(wrong)).matches is False
    assert MISSES == 3
    assert call_alarms(store) == [("wrong-phones", COURIER.id)]
    for courier in (OTHER_COURIER, COURIER):
        assign_courier(world, store, data, courier)
        assert look_at(world, store, data, RECIPIENT, courier) == Refusal(reason="said-wrong-too-often")
        assert isinstance(look_at(world, store, data, actor=courier), MaskedLookup)


def test_wrong_phones_of_one_batch_are_counted_in_its_order(world, store, parcel):
    _, data = parcel
    said = ["13800000002", "13800000003", "13800000004", RECIPIENT]
    found = look(world, store, [Look(actor=COURIER, code=data.code, phone=Plain(phone)) for phone in said])
    assert [each.matches for each in found[:3]] == [False] * 3
    assert found[3] == Refusal(reason="said-wrong-too-often")


def test_views_are_paced_within_one_batch_too(world, store, parcel):
    _, data = parcel
    answers = look(world, store, [Look(actor=COURIER, code=data.code)] * (VIEWS + 2))
    assert [type(each) for each in answers] == [MaskedLookup] * VIEWS + [Refusal] * 2
    assert look_at(world, store, data) == Refusal(reason="looked-too-often")


def test_refused_looks_lock_the_caller(world, store, parcel):
    answers = look(world, store, [Look(actor=OTHER_COURIER, code=parcel[1].code)] * (FULL.refusals + 1))
    assert answers[:-1] == [UNKNOWN] * FULL.refusals
    assert answers[-1].reason == "locked"


def test_phone_match_is_for_the_courier_who_delivers_not_who_collects(world, store, order):
    data = print_label(world, store, check_out(world, store, order()))
    assert assign(world, store, [Assign(actor=DISPATCHER, what=data.code, courier=COURIER.id)]) != [UNKNOWN]
    assert isinstance(look_at(world, store, data), MaskedLookup)
    assert look_at(world, store, data, SENDER) == Refusal(reason="wrong-leg")
    scan(world, store, [Scan(actor=RECEIVER, what=data.code, kind="arrived")])
    assert look_at(world, store, data) == UNKNOWN


def test_each_look_is_on_the_ledger_with_its_duty_and_result(world, store, parcel):
    waybill, data = parcel
    for said in (None, "13800000002", RECIPIENT):
        look_at(world, store, data, said)
    leaves = journal.who_saw(world, store, record_of_waybill_id(waybill.id))
    [duty] = [leaf.detail["duty"] for leaf in leaves if leaf.kind == "assign"]
    assert {leaf.detail["duty"] for leaf in leaves if leaf.kind == "look"} == {duty}
    assert sorted(str(leaf.detail.get("matched")) for leaf in leaves if leaf.kind == "look") == ["None", "no", "yes"]
