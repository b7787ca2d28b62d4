"""The steps of one parcel, from checkout to the courier's van, each checked for success."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

from masking.access.duty import Purpose
from masking.access.people import Actor
from masking.crypto.index import record_of_waybill_id
from masking.crypto.seal import open_fields
from masking.database import key_schema, schema
from masking.runtime import World
from masking.steps.assign import Assign, assign
from masking.steps.checkout import Checkout, checkout
from masking.steps.label import Label, label
from masking.steps.resolve import Resolve, resolve
from masking.steps.scan import Scan, scan
from masking.store.rows import budgets, waybills
from masking.store.store import Store
from masking.values.outcomes import Assigned, Scanned
from masking.values.plaintext import Grant, Order
from masking.values.printable import LabelData, Refusal, Waybill
from tests.support.people import COURIER, DISPATCHER, RECEIVER, SHOP, TENANT


def limit_remaining(world: World, store: Store, parcels: int, actor: Actor = COURIER) -> None:
    """Leave this actor a budget of so many parcels to open today."""
    now = world.now()
    with store.transaction() as tx:
        tallies = budgets.open_tallies(tx, [actor.id], now)
        tallies[actor.id].opened_today += tallies[actor.id].remaining - parcels
        budgets.save_tallies(tx, tallies, now, world)


def check_out(world: World, store: Store, order: Order) -> Waybill:
    [waybill] = checkout(world, store, [Checkout(merchant=SHOP, order=order)])
    assert isinstance(waybill, Waybill)
    return waybill


def print_label(world: World, store: Store, waybill: Waybill, job: str = "job-1") -> LabelData:
    [data] = label(world, store, [Label(actor=SHOP, id=waybill.id, job=job, station="st-1")])
    assert isinstance(data, LabelData)
    return data


def scan_arrival(world: World, store: Store, data: LabelData) -> None:
    [done] = scan(world, store, [Scan(actor=RECEIVER, what=data.waybill_number, kind="arrived")])
    assert isinstance(done, Scanned)


def assign_courier(world: World, store: Store, data: LabelData, courier: Actor = COURIER) -> None:
    [done] = assign(world, store, [Assign(actor=DISPATCHER, what=data.code, courier=courier.id)])
    assert done == Assigned(courier=courier.id, at=world.now())


def load_on_van(world: World, store: Store, order: Order) -> tuple[Waybill, LabelData]:
    """A parcel, from checkout to its courier's van."""
    waybill = check_out(world, store, order)
    data = print_label(world, store, waybill)
    scan_arrival(world, store, data)
    assign_courier(world, store, data)
    return waybill, data


def resolve_one(
    world: World, store: Store, code: str, actor: Actor = COURIER, purpose: Purpose = Purpose.DELIVER
) -> Grant | Refusal:
    return resolve(world, store, [Resolve(actor=actor, code=code, purpose=purpose)])[0]


def resolving(
    world: World, store: Store, codes: list[str], actor: Actor = COURIER
) -> Callable[[], list[Grant | Refusal]]:
    """A call that resolves these label codes in one batch."""
    return lambda: resolve(world, store, [Resolve(actor=actor, code=code, purpose=Purpose.DELIVER) for code in codes])


def lock_out(world: World, store: Store, actor: Actor = COURIER) -> None:
    """Ask for unknown labels until this actor is locked."""
    reasons = []
    for _ in range(21):
        refused = resolve_one(world, store, "no label", actor)
        assert isinstance(refused, Refusal)
        reasons.append(refused.reason)
    assert reasons == ["unknown"] * 20 + ["locked"]


def open_recipient_name(store: Store, waybill: Waybill) -> str:
    """The recipient's name as the online keys open it."""
    name, record = "recipient.name", record_of_waybill_id(waybill.id)
    assert record is not None
    with store.transaction() as tx:
        sealed = waybills.sealed_fields(tx, [record], [name])[record]
        generation = waybills.by_id(tx, [record])[record].key
    [wrapped] = store.keys.online_wraps([generation]).values()
    return open_fields(store.keys.unwrap(wrapped), TENANT, record, sealed)[name].reveal()


def damage(store: Store, record: bytes, how: str, column: str = "recipient_phone") -> None:
    """Damage a parcel's data: one sealed column ("seal"), the row of sealed fields ("row"), or its wrap ("wrap")."""
    sealed, wrap = schema.sealed, key_schema.wrap
    act: sa.Update | sa.Delete
    match how:
        case "seal":
            act = sealed.update().where(sealed.c.waybill == record).values({column: bytes(60)})
        case "row":
            act = sealed.delete().where(sealed.c.waybill == record)
        case _:
            act = wrap.update().where(wrap.c.waybill == record).values(online=bytes(60))
    with (store.keys.engine if how == "wrap" else store.data).begin() as connection:
        assert connection.execute(act).rowcount == 1
