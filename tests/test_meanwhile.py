"""What another worker does between a step's reading and its commit: one of the two comes first, and nothing is half of each."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa

from masking.access.duty import UNKNOWN, Purpose
from masking.crypto.index import record_of_waybill_id
from masking.journal import journal
from masking.steps.assign import Assign, assign
from masking.steps.call import Call, call
from masking.steps.change import Cancel, Ship, change
from masking.steps.resolve import Resolve, resolve
from masking.steps.retire import Destroy, Retired, SealAway, retire
from masking.steps.route import Route, route
from masking.steps.scan import Scan, scan
from masking.values.outcomes import Assigned, Dial, Scanned
from masking.values.plaintext import Connect, Grant, Plain
from masking.values.printable import Refusal, Rejected, Waybill
from tests.support.parcels import check_out
from tests.support.people import COURIER, DISPATCHER, OPERATOR, OTHER_COURIER, PHONES, RECEIVER, SHOP, SWITCH


def meanwhile(store, first, second, *, after="FROM waybill"):
    """What both return, where `second` begins when `first` has run its first statement that contains `after`.

    `first` waits half a second for it: time enough unless `second` waits for `first`, which is as good an order.
    """
    outcome, me = {}, threading.get_ident()

    def run():
        try:
            outcome["second"] = second()
        except Exception as error:
            outcome["second"] = error

    other = threading.Thread(target=run)

    def interrupt(connection, cursor, statement, *rest):
        if threading.get_ident() == me and after in statement and other.ident is None:
            other.start()
            other.join(0.5)

    sa.event.listen(store.data, "after_cursor_execute", interrupt)
    try:
        outcome["first"] = first()
    finally:
        sa.event.remove(store.data, "after_cursor_execute", interrupt)
    other.join()
    assert not isinstance(outcome["second"], Exception), outcome["second"]
    return outcome["first"][0], outcome["second"][0]


@pytest.mark.parametrize("after", ["FROM waybill", "FROM assignment", "FROM budget"])
@pytest.mark.parametrize("act", [SealAway, Destroy])
def test_parcel_retired_during_a_view_is_seen_whole_or_not_at_all(world, store, parcel, act, after):
    waybill, data = parcel
    reason = {"reason": "test"} if act is Destroy else {}
    seen, gone = meanwhile(
        store,
        lambda: resolve(world, store, [Resolve(actor=COURIER, code=data.code, purpose=Purpose.DELIVER)]),
        lambda: retire(world, store, [act(actor=OPERATOR, id=waybill.id, **reason)]),
        after=after,
    )
    assert isinstance(gone, Retired)
    assert isinstance(seen, Grant) or seen == UNKNOWN
    assert resolve(world, store, [Resolve(actor=COURIER, code=data.code, purpose=Purpose.DELIVER)]) == [UNKNOWN]


@pytest.mark.parametrize("after", ["FROM slot", "FROM waybill", "FROM intent"])
def test_parcel_destroyed_during_a_call_connects_or_does_not(world, store, parcel, after):
    waybill, data = parcel
    [dial] = call(world, store, [Call(actor=COURIER, code=data.code)])
    asked = Route(
        actor=SWITCH, caller=Plain(PHONES[COURIER.id]), main=dial.number.main, extension=dial.number.extension
    )
    rung, gone = meanwhile(
        store,
        lambda: route(world, store, [asked]),
        lambda: retire(world, store, [Destroy(actor=OPERATOR, id=waybill.id, reason="test")]),
        after=after,
    )
    assert isinstance(gone, Retired)
    assert isinstance(rung, Connect | Refusal)


def test_call_announced_during_a_handover_connects_only_the_duty_holder(world, store, parcel):
    _, data = parcel
    dial, given = meanwhile(
        store,
        lambda: call(world, store, [Call(actor=COURIER, code=data.code)]),
        lambda: assign(world, store, [Assign(actor=DISPATCHER, what=data.code, courier=OTHER_COURIER.id)]),
        after="FROM budget",
    )
    assert isinstance(dial, Dial)
    assert isinstance(given, Assigned)
    asked = Route(
        actor=SWITCH, caller=Plain(PHONES[COURIER.id]), main=dial.number.main, extension=dial.number.extension
    )
    assert isinstance(route(world, store, [asked])[0], Refusal)


def test_order_scanned_while_cancelled_is_one_of_the_two(world, store, order):
    waybill = check_out(world, store, order())
    cancelled, scanned = meanwhile(
        store,
        lambda: change(world, store, [Cancel(merchant=SHOP, id=waybill.id)]),
        lambda: scan(world, store, [Scan(actor=RECEIVER, what=waybill.waybill_number, kind="arrived")]),
    )
    assert (type(cancelled), scanned) in [(Waybill, UNKNOWN), (Refusal, Scanned(kind="arrived", at=world.now()))]


def test_two_concurrent_shipments_under_one_number_ship_one(world, store, order):
    one, two = (check_out(world, store, order(ref, waybill_number=None)) for ref in ("A-1", "A-2"))

    def ship(waybill):
        asked = Ship(merchant=SHOP, id=waybill.id, waybill_number="YT000000000007", routing_code="301-007-00 013")
        return change(world, store, [asked])

    outcomes = meanwhile(store, lambda: ship(one), lambda: ship(two), after="UPDATE waybill")
    assert {type(outcome) for outcome in outcomes} == {Waybill, Rejected}
    kinds = [leaf.kind for w in (one, two) for leaf in journal.who_saw(world, store, record_of_waybill_id(w.id))]
    assert kinds.count("ship") == 1
