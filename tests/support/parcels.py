"""The steps of one parcel, from checkout to the courier's van, each checked for success."""

from __future__ import annotations

import sqlalchemy as sa

from masking.access.duty import Purpose
from masking.access.people import Actor
from masking.database import key_schema, schema
from masking.runtime import World
from masking.steps.assign import Assign, assign
from masking.steps.checkout import Checkout, checkout
from masking.steps.label import Label, label
from masking.steps.resolve import Resolve, resolve
from masking.steps.scan import Scan, scan
from masking.store.rows import budgets
from masking.store.store import Store
from masking.values.outcomes import Assigned, Scanned
from masking.values.plaintext import Grant, Order
from masking.values.printable import LabelData, Refusal, Waybill
from tests.support.people import COURIER, DISPATCHER, RECEIVER, SHOP


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
