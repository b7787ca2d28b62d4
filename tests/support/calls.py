"""Calls in the tests of numbers: who announces, who dials, what they hear, and the traces that this leaves."""

from __future__ import annotations

from masking.access.people import Actor, Role
from masking.numbers.pool import DEMO
from masking.runtime import World
from masking.steps.call import Call, call
from masking.steps.route import Route, route
from masking.store.store import Store
from masking.values.outcomes import Dial
from masking.values.plaintext import Connect, Plain
from masking.values.printable import LabelData, Refusal, VirtualNumber, Waybill
from tests.support.ledger import alarms_of
from tests.support.people import COURIER, PHONES, SWITCH, TENANT

RECIPIENT, SENDER, STRANGER = "13800000001", "13700000002", "13900009999"
OTHER_SWITCH = Actor(id="switch-2", tenant=TENANT, role=Role.SWITCH, unit="switch-2")


def announce_call(world: World, store: Store, data: LabelData, actor: Actor = COURIER) -> Dial:
    [answer] = call(world, store, [Call(actor=actor, code=data.code)])
    assert isinstance(answer, Dial)
    return answer


def dial(
    world: World, store: Store, number: VirtualNumber | None, caller: str, switch: Actor = SWITCH
) -> Connect | Refusal:
    main, extension = (number.main, number.extension) if number else (DEMO.main, "1999")
    return route(world, store, [Route(actor=switch, caller=Plain(caller), main=main, extension=extension)])[0]


def reason_heard(world: World, store: Store, number: VirtualNumber | None, caller: str, switch: Actor = SWITCH) -> str:
    refusal = dial(world, store, number, caller, switch)
    assert isinstance(refusal, Refusal)
    return refusal.reason


def connect_call(world: World, store: Store, parcel: tuple[Waybill, LabelData]) -> Connect:
    """The answer to a courier who has announced a call and made it."""
    waybill, data = parcel
    announce_call(world, store, data)
    answer = dial(world, store, waybill.number, PHONES[COURIER.id])
    assert isinstance(answer, Connect)
    return answer


def call_alarms(store: Store) -> list[tuple[str, str]]:
    """Kind and actor of each alarm, except that of a pool that is almost empty."""
    return alarms_of(store, without="numbers-low")
