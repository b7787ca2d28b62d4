"""The cells of the matrix of roles, routes and states: who asks, parcels in every state, and what is sent."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from api.service.request_models import ORDER
from masking.access.people import Actor, Role
from masking.crypto import envelope
from masking.crypto.index import record_of_waybill_id, waybill_id_of
from masking.journal import journal
from masking.steps.assign import Assign, assign
from masking.steps.checkout import Checkout, checkout
from masking.steps.deliver import Deliver, deliver
from masking.steps.enrol import new_code
from masking.steps.label import Label, label
from masking.steps.retire import Destroy, SealAway, retire
from masking.steps.scan import Scan, scan
from masking.store import sealed_orders
from masking.store.rows import interventions, people
from masking.values.json import order_from_json
from masking.values.outcomes import Assigned, Delivered, Scanned
from masking.values.plaintext import Plain
from masking.values.printable import LabelData, VirtualNumber, Waybill, WaybillId
from tests.support.people import COURIER, DISPATCHER, OPERATOR, RECEIVER, SHOP, TENANT
from tests.support.running_service import Service

M, O, C, W, S = Role.MERCHANT, Role.OUTLET, Role.COURIER, Role.SWITCH, Role.SUPERVISOR
ORDERED, LABELLED, FETCHED, HERE, VAN, BACK = (
    "ordered",
    "labelled",
    "to be fetched",
    "here",
    "on the van",
    "coming back",
)
GONE = ("delivered", "sealed away", "destroyed")
STATES = (ORDERED, LABELLED, FETCHED, HERE, VAN, BACK, *GONE)
numbers = count(1)


@dataclass(kw_only=True)
class MatrixParcel:
    """A parcel in some state; `courier` has the duty if there is one."""

    state: str
    courier: Actor = COURIER
    body: dict[str, Any] = field(default_factory=dict)
    waybill_number: str = "YT999999999999"
    id: WaybillId = field(default_factory=lambda: waybill_id_of(bytes(16)))
    code: str = ""
    number: VirtualNumber | None = None
    call: str = "00" * 16


def new_person(role: Role, name: str) -> Actor:
    """A new person of a role: at the unit that these parcels belong to, at another one, or of another carrier."""
    home = {M: "shop", O: "sh-01", C: "sh-01"}.get(role, "head-office")
    unit, tenant = (home if name != "neighbour" else "elsewhere"), (TENANT if name != "stranger" else "another-carrier")
    return Actor(id=f"{role.value[:3]}-{name}-{next(numbers)}", tenant=tenant, role=role, unit=unit)


FAR_CLERK = Actor(id="sh-09-receiver", tenant=TENANT, role=O, unit="sh-09")
"""At the unit to which parcels are diverted here."""


def enrol_all(service: Service, actors: list[Actor]) -> None:
    world, store = service.clock.world, service.store
    with store.transaction() as tx:
        for actor in (FAR_CLERK, *actors):
            phone = Plain(f"1390000{next(numbers):04}") if actor.role is C else None
            people.enrol(world, store.keys, tx, actor, world.now(), phone=phone)


def prepare_parcels(service: Service, parcels: list[MatrixParcel]) -> None:
    """Bring new parcels into their states, all at once."""
    world, store = service.clock.world, service.store

    def those(*states: str) -> list[MatrixParcel]:
        return [each for each in parcels if each.state in states]

    def all_done(outcomes: list[Any], kind: type) -> None:
        assert {type(each) for each in outcomes} <= {kind}, outcomes

    def assigned(some: list[MatrixParcel]) -> None:
        asked = [Assign(actor=DISPATCHER, what=p.waybill_number, courier=p.courier.id) for p in some]
        all_done(assign(world, store, asked), Assigned)

    for each in parcels:
        n = next(numbers)
        each.waybill_number = f"YT{n:012}"
        own = {"reference": f"M-{n}", "waybill_number": each.waybill_number, "routing_code": "342-081-00 052"}
        each.body = ORDER | own
    made = checkout(world, store, [Checkout(merchant=SHOP, order=order_from_json(p.body)) for p in parcels])
    for each, waybill in zip(parcels, made, strict=True):
        assert isinstance(waybill, Waybill)
        each.id, each.number = waybill.id, waybill.number
        each.code = store.write_code(record_of_waybill_id(waybill.id) or b"", 1, world, world.now())
    printed = [p for p in parcels if p.state != ORDERED]
    asked = [Label(actor=SHOP, id=p.id, job="matrix", station="st-1") for p in printed]
    all_done(label(world, store, asked), LabelData)
    assigned(those(FETCHED))
    moved = [p for p in printed if p.state not in {LABELLED, FETCHED}]
    all_done(scan(world, store, [Scan(actor=RECEIVER, what=p.code, kind="arrived") for p in moved]), Scanned)
    all_done(scan(world, store, [Scan(actor=DISPATCHER, what=p.code, kind="returned") for p in those(BACK)]), Scanned)
    assigned(those(VAN, BACK, *GONE))
    all_done(deliver(world, store, [Deliver(actor=p.courier, code=p.code) for p in those("delivered")]), Delivered)
    retire(world, store, [SealAway(actor=OPERATOR, id=p.id) for p in those("sealed away")])
    retire(world, store, [Destroy(actor=OPERATOR, id=p.id, reason="test") for p in those("destroyed")])


def request_of(service: Service, case: str, actor: Actor, parcel: MatrixParcel) -> tuple[str, Any, dict[str, str]]:
    """The address, the body and the headers of one cell."""
    route, _, what = case.partition(" ")[2].partition(" ")
    named = parcel.code if actor.role is C else parcel.waybill_number
    new = f"new-{next(numbers)}"
    items: dict[str, Any] = {
        "/v1/resolve": {"code": parcel.code, "purpose": what},
        "/v1/looks": {"code": parcel.code} | ({"phone": "13800000001"} if what else {}),
        "/v1/calls": {"code": parcel.code},
        "/v1/scans": {"what": named, "kind": what} | ({"to": FAR_CLERK.unit} if what == "diverted" else {}),
        "/v1/assignments": {"what": parcel.waybill_number, "courier": COURIER.id},
        "/v1/waybills/ship": {
            "id": parcel.id,
            "waybill_number": parcel.waybill_number,
            "routing_code": "342-081-00 052",
        },
        "/v1/waybills/amend": {"id": parcel.id, "order": parcel.body or ORDER},
        "/v1/calls/route": {
            "caller": "13800000001",
            "main": parcel.number.main if parcel.number else "17000000000",
            "extension": parcel.number.extension if parcel.number else "0000",
        },
        "/v1/calls/reports": {"call": parcel.call, "event": "ringing", "at": "2026-11-24T00:30:00Z"},
        "/v1/shifts": {
            "courier": actor.id if actor.role is C else COURIER.id,
            "hours": 0 if actor.role is C else 8,
        },
        "/v1/people": {"id": new, "role": "courier", "unit": "sh-01"},
    }
    if route == "/v1/confirmations":
        role, unit = (M, "shop") if what else (C, "sh-01")
        items[route] = {"id": enrol_unconfirmed(service, new, role, unit), "role": role.value, "unit": unit}
    bodies: dict[str, Any] = {
        "/v1/waybills": {"orders": [ORDER | {"reference": new}]},
        "/v1/waybills/sealed": {"envelopes": [seal_order(service, actor, ORDER | {"reference": new})]},
        "/v1/waybills/find": {"reference": parcel.body.get("reference", "never")},
        "/v1/waybills/cancel": {"ids": [parcel.id]},
        "/v1/labels": {"ids": [parcel.id], "job": new, "reason": "damaged"},
        "/v1/revocations": {"ids": ["to-go"]},
        "/v1/lost-devices": {"ids": ["to-lose"]},
        "/v1/unlocks": {"ids": [COURIER.id]},
    }
    if route == "/v1/reinstatements":
        bodies[route] = {"ids": [enrol_and_revoke(service, new)]}
    body = bodies.get(route, {"items": [items[route]]} if route in items else None)
    headers = {"Accept": "image/png"} if what == "preview" else {}
    queries = {"/v1/ledger/consistency": "?from=0&to=0", "/v1/ledger/inclusion": "?leaf=0&size=1"}
    path = route.replace("{id}", parcel.id) + queries.get(route, "")
    return path, body, headers


def enrol_unconfirmed(service: Service, name: str, role: Role, unit: str) -> str:
    """A new person, enrolled by a supervisor of another office and not confirmed."""
    world, store = service.clock.world, service.store
    with store.transaction() as tx:
        boss = Actor(id="boss", tenant=TENANT, role=S, unit="other-office")
        for actor in (boss, Actor(id=name, tenant=TENANT, role=role, unit=unit)):
            people.enrol(world, store.keys, tx, actor, world.now())
        new_code(world, tx, name, "boss", world.now())
    return name


def enrol_and_revoke(service: Service, name: str) -> str:
    """A person enrolled for a test, whose revocation can be taken back."""
    world, store = service.clock.world, service.store
    with store.transaction() as tx:
        people.enrol(world, store.keys, tx, Actor(id=name, tenant=TENANT, role=C, unit="sh-01"), world.now())
        people.revoke(tx, [name])
        interventions.add(world, tx, "revoke", name, "boss", world.now())
    return name


def seal_order(service: Service, actor: Actor, order: dict[str, Any]) -> str:
    store, world = service.store, service.clock.world
    note = sealed_orders.directory(world, store)
    key = envelope.read_directory(note, journal.log_key(world, store))[-1]
    blob = envelope.seal(key, TENANT, actor.unit, world.entropy(16), key.until, json.dumps(order).encode())
    return base64.b64encode(blob).decode()
