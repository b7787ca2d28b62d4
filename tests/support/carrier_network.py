"""A carrier's network for tests: a far shop, the outlet that collects from it, a hub, and two outlets that deliver."""

from __future__ import annotations

from collections.abc import Callable

from masking.access.duty import Purpose
from masking.access.people import Actor, Role
from masking.runtime import World
from masking.steps.assign import Assign, assign
from masking.steps.checkout import Checkout, checkout
from masking.steps.deliver import Deliver, deliver
from masking.steps.label import Label, label
from masking.steps.resolve import Resolve, resolve
from masking.steps.scan import Scan, scan
from masking.store.rows import people
from masking.store.store import Store
from masking.values.outcomes import Assigned, Delivered, Scanned
from masking.values.plaintext import Grant, Order
from masking.values.printable import LabelData, Refusal, Waybill, WaybillId
from tests.support.people import TENANT


def carrier_person(id_: str, role: Role = Role.OUTLET, unit: str | None = None) -> Actor:
    return Actor(id=id_, tenant=TENANT, role=role, unit=unit or id_[:5])


FAR_SHOP = carrier_person("far-shop", Role.MERCHANT, "far-shop")
HZ_RECEIVER, HZ_DISPATCHER = carrier_person("hz-01-receiver"), carrier_person("hz-01-dispatcher")
HZ_COURIER = carrier_person("hz-01-courier", Role.COURIER)
HUB_IN, HUB_OUT = carrier_person("hub-1-in"), carrier_person("hub-1-out")
NEXT_HUB_IN = carrier_person("hub-2-in")
ASIDE, ASIDE_TOO = carrier_person("sh-02-receiver"), carrier_person("sh-02-dispatcher")
ASIDE_COURIER = carrier_person("sh-02-courier", Role.COURIER)
MORE = (
    FAR_SHOP,
    HZ_RECEIVER,
    HZ_DISPATCHER,
    HZ_COURIER,
    HUB_IN,
    HUB_OUT,
    NEXT_HUB_IN,
    ASIDE,
    ASIDE_TOO,
    ASIDE_COURIER,
)


class TrackedParcel:
    """One parcel, and what people do with it."""

    def __init__(self, world: World, store: Store, data: LabelData, id_: WaybillId) -> None:
        self.world, self.store, self.data, self.id = world, store, data, id_

    def scanned(self, actor: Actor, kind: str, to: str | None = None) -> Scanned | Refusal:
        what = self.data.code if actor.role is Role.COURIER else self.data.waybill_number
        return scan(self.world, self.store, [Scan(actor=actor, what=what, kind=kind, to=to)])[0]

    def moves(self, *steps: tuple[Actor, str] | tuple[Actor, str, str]) -> None:
        for actor, kind, *to in steps:
            outcome = self.scanned(actor, kind, *to)
            assert isinstance(outcome, Scanned), (actor.id, kind, outcome)

    def given(self, actor: Actor, courier: Actor) -> Assigned | Refusal:
        return assign(self.world, self.store, [Assign(actor=actor, what=self.data.waybill_number, courier=courier.id)])[
            0
        ]

    def seen(self, actor: Actor, purpose: Purpose) -> set[str] | Refusal:
        asked = [Resolve(actor=actor, code=self.data.code, purpose=purpose)]
        found = resolve(self.world, self.store, asked)[0]
        return set(found.fields) if isinstance(found, Grant) else found

    def signed(self, actor: Actor) -> Delivered | Refusal:
        return deliver(self.world, self.store, [Deliver(actor=actor, code=self.data.code)])[0]

    def reprinted(self, actor: Actor, job: str = "again") -> LabelData | Refusal:
        asked = [Label(actor=actor, id=self.id, job=job, station="st-1", reason="damaged")]
        return label(self.world, self.store, asked)[0]


def label_far_parcel(world: World, store: Store, order: Callable[..., Order]) -> TrackedParcel:
    """A parcel that the far shop has labelled and no courier has collected; all its people are enrolled."""
    with store.transaction() as tx:
        for actor in MORE:
            people.enrol(world, store.keys, tx, actor, world.now())
    [waybill] = checkout(world, store, [Checkout(merchant=FAR_SHOP, order=order())])
    assert isinstance(waybill, Waybill)
    [data] = label(world, store, [Label(actor=FAR_SHOP, id=waybill.id, job="j", station="s")])
    assert isinstance(data, LabelData)
    return TrackedParcel(world, store, data, waybill.id)


FETCHED = ((HZ_COURIER, "collected"), (HZ_RECEIVER, "arrived"))
SENT = ((HZ_DISPATCHER, "departed"), (HUB_IN, "arrived"), (HUB_OUT, "departed"))


def send_to_outlet(parcel: TrackedParcel) -> None:
    """Bring a labelled parcel on its way to the outlet that delivers it."""
    assert isinstance(parcel.given(HZ_DISPATCHER, HZ_COURIER), Assigned)
    parcel.moves(*FETCHED, *SENT)
