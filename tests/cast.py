"""The people of the tests: none of them exists. The worlds they live in have hands that the tests move."""

from __future__ import annotations

import hashlib
import string
from datetime import UTC, datetime, timedelta
from itertools import count

from masking.access.duty import Purpose
from masking.access.network import Network
from masking.access.people import Actor, Role
from masking.database import key_schema, schema
from masking.runtime import World
from masking.steps.assign import Assign, assign
from masking.steps.checkout import Checkout, checkout
from masking.steps.label import Label, label
from masking.steps.resolve import Resolve, resolve
from masking.steps.scan import Scan, scan
from masking.store.rows import budgets
from masking.store.store import Store
from masking.values.plaintext import Grant, Order
from masking.values.printable import Assigned, LabelData, Refusal, Scanned, Waybill

TENANT = "carrier"
SHOP = Actor(id="shop", tenant=TENANT, role=Role.MERCHANT, unit="shop")
RIVAL = Actor(id="rival", tenant=TENANT, role=Role.MERCHANT, unit="rival")
RECEIVER = Actor(id="sh-01-receiver", tenant=TENANT, role=Role.OUTLET, unit="sh-01")
DISPATCHER = Actor(id="sh-01-dispatcher", tenant=TENANT, role=Role.OUTLET, unit="sh-01")
COURIER = Actor(id="courier-7", tenant=TENANT, role=Role.COURIER, unit="sh-01")
OTHER_COURIER = Actor(id="courier-8", tenant=TENANT, role=Role.COURIER, unit="sh-01")
SWITCH = Actor(id="switch", tenant=TENANT, role=Role.SWITCH, unit="switch")
OPERATOR = Actor(id="operator", tenant=TENANT, role=Role.OPERATOR, unit="operator")
STAFF = (SHOP, RIVAL, RECEIVER, DISPATCHER, COURIER, OTHER_COURIER, SWITCH, OPERATOR)
NETWORK = Network(
    collects={"*": "sh-01", "far-shop": "hz-01"},
    delivers={"*": "sh-01", "571": "hz-01"},
    numbers_of={"*": [*string.digits, *string.ascii_letters]},
)
"""The shop is round the corner from the outlet that delivers its parcels; the far shop is in another city.

All merchants share all waybill numbers.
"""
PHONES = {COURIER.id: "13900000007", OTHER_COURIER.id: "13900000008"}


class Hands:
    """A clock that stands still until it is moved, and dice that fall the same way every time."""

    def __init__(self, seed: str = "") -> None:
        self.time = datetime(2026, 11, 24, 0, 30, tzinfo=UTC)  # half past eight in China
        self._seed = seed.encode()
        self._drawn = count(1)  # safe for threads
        self.world = World(now=lambda: self.time, entropy=self._entropy)

    def _entropy(self, size: int) -> bytes:
        return hashlib.shake_256(self._seed + next(self._drawn).to_bytes(8, "big")).digest(size)

    def move(self, **delta: float) -> None:
        """Move the clock forward."""
        self.time += timedelta(**delta)


def leave_only(world: World, store: Store, parcels: int, actor: Actor = COURIER) -> None:
    """Let this actor have only so many parcels left to open today."""
    now = world.now()
    with store.transaction() as tx:
        tallies = budgets.open_tallies(tx, [actor.id], now)
        tallies[actor.id].opened_today += tallies[actor.id].remaining - parcels
        budgets.save_tallies(tx, tallies, now, world)


def checked_out(world: World, store: Store, order: Order) -> Waybill:
    [waybill] = checkout(world, store, [Checkout(merchant=SHOP, order=order)])
    assert isinstance(waybill, Waybill)
    return waybill


def labelled(world: World, store: Store, waybill: Waybill, job: str = "job-1") -> LabelData:
    [data] = label(world, store, [Label(actor=SHOP, id=waybill.id, job=job, station="st-1")])
    assert isinstance(data, LabelData)
    return data


def arrived(world: World, store: Store, data: LabelData) -> None:
    [done] = scan(world, store, [Scan(actor=RECEIVER, what=data.waybill_number, kind="arrived")])
    assert isinstance(done, Scanned)


def assigned(world: World, store: Store, data: LabelData, courier: Actor = COURIER) -> None:
    [done] = assign(world, store, [Assign(actor=DISPATCHER, what=data.code, courier=courier.id)])
    assert done == Assigned(courier=courier.id, at=world.now())


def on_its_van(world: World, store: Store, order: Order) -> tuple[Waybill, LabelData]:
    """A parcel that its courier has the duty for, from checkout on."""
    waybill = checked_out(world, store, order)
    data = labelled(world, store, waybill)
    arrived(world, store, data)
    assigned(world, store, data)
    return waybill, data


def looked(
    world: World, store: Store, code: str, actor: Actor = COURIER, purpose: Purpose = Purpose.DELIVER
) -> Grant | Refusal:
    return resolve(world, store, [Resolve(actor=actor, code=code, purpose=purpose)])[0]


def broken(store, record, how, column="recipient_phone"):
    """Let a parcel not open: by one column of its seals ("seal"), without their row ("row"), or by its key ("wrap")."""
    sealed, wrap = schema.sealed, key_schema.wrap
    match how:
        case "seal":
            act = sealed.update().where(sealed.c.waybill == record).values({column: bytes(60)})
        case "row":
            act = sealed.delete().where(sealed.c.waybill == record)
        case _:
            act = wrap.update().where(wrap.c.waybill == record).values(online=bytes(60))
    with (store.keys.engine if how == "wrap" else store.data).begin() as connection:
        assert connection.execute(act).rowcount == 1
