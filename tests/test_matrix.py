"""Who may do what over HTTP, in which state of a parcel: one table, complete, and everything outside it tells nothing.

A route, a kind of scan, a purpose or a role that is missing from the table fails the test.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, get_args

import pytest

from api import documents
from api.app import create_app
from api.auth import OPEN
from api.documents import ORDER
from api.settings import ServiceSettings
from masking.access.people import Actor, Role
from masking.assign import Assign, assign
from masking.call import Route, call
from masking.checkout import Checkout, checkout
from masking.crypto import envelope
from masking.crypto.index import token_record, token_text
from masking.deliver import Deliver, deliver
from masking.label import Label, label
from masking.order import Plain
from masking.retire import Destroy, SealAway, retire
from masking.scan import Scan, scan
from masking.vault import journal, people, sources
from masking.waybill import Assigned, Delivered, LabelData, Scanned, VirtualNumber, Waybill
from masking.wire import order_from_json
from tests.cast import COURIER, DISPATCHER, OPERATOR, RECEIVER, SHOP, SWITCH, TENANT
from tests.serving import Service, serving

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
ANY = frozenset(STATES)
UNDER_WAY = frozenset({HERE, VAN, BACK})
NO_PARCEL = frozenset({"-"})
"""Where the answer does not depend on a parcel."""
EVERYBODY = dict.fromkeys(Role, NO_PARCEL)

TABLE: dict[str, dict[Role, frozenset[str]]] = {
    "POST /v1/resolve collect": {C: frozenset({FETCHED})},
    "POST /v1/resolve deliver": {C: frozenset({VAN})},
    "POST /v1/resolve change-address": {C: frozenset({VAN})},
    "POST /v1/resolve return": {C: frozenset({BACK})},
    "POST /v1/resolve call": {C: frozenset({FETCHED, VAN, BACK})},
    "POST /v1/resolve after-sale": {C: frozenset({FETCHED, VAN, BACK})},
    "POST /v1/looks": {C: frozenset({FETCHED, VAN, BACK})},
    "POST /v1/looks said": {C: frozenset({VAN})},
    "POST /v1/calls": {C: frozenset({FETCHED, VAN, BACK})},
    "GET /v1/calls/missed": {C: NO_PARCEL},
    "POST /v1/scans arrived": {O: frozenset({ORDERED, LABELLED, FETCHED}) | UNDER_WAY},
    "POST /v1/scans departed": {O: UNDER_WAY},
    "POST /v1/scans returned": {O: UNDER_WAY},
    "POST /v1/scans diverted": {O: UNDER_WAY},
    "POST /v1/scans collected": {C: frozenset({FETCHED, VAN, BACK})},
    "POST /v1/scans attempted": {C: frozenset({FETCHED, VAN, BACK})},
    "POST /v1/scans delivered": {C: frozenset({VAN, BACK, "delivered"})},  # again, by the same courier
    "POST /v1/assignments": {O: frozenset({ORDERED, LABELLED, FETCHED}) | UNDER_WAY},
    "POST /v1/labels": {M: frozenset({ORDERED}), O: UNDER_WAY},
    "POST /v1/labels preview": {M: frozenset({ORDERED}), O: UNDER_WAY},
    "POST /v1/waybills": {M: NO_PARCEL},
    "POST /v1/waybills/sealed": {M: NO_PARCEL},
    "GET /v1/sources": EVERYBODY,
    "POST /v1/waybills/find": {M: ANY - {"destroyed"}},
    "GET /v1/waybills/{id}": {M: ANY},
    "POST /v1/waybills/ship": {M: ANY - {"destroyed"}},
    "POST /v1/waybills/amend": {M: frozenset({ORDERED})},
    "POST /v1/waybills/cancel": {M: frozenset({ORDERED})},
    "POST /v1/calls/route": {W: frozenset({VAN})},
    "POST /v1/calls/reports": {W: frozenset({VAN})},
    "POST /v1/people": {S: NO_PARCEL},
    "POST /v1/revocations": {S: NO_PARCEL},
    "GET /v1/ledger/checkpoint": EVERYBODY,
    "GET /v1/ledger/consistency": EVERYBODY,
}
"""By route and what is asked of it: the roles that have business there, and the states of their own parcels in which."""

VARIANTS = {
    "POST /v1/resolve": get_args(documents.ResolveItem.model_fields["purpose"].annotation),
    "POST /v1/scans": get_args(documents.ScanItem.model_fields["kind"].annotation),
}
PAGES = re.compile(r"/outlet(/.*)?|/openapi\.json")
"""Files that hold nothing of anybody."""
numbers = count(1)


@dataclass(kw_only=True)
class Parcel:
    """A parcel in some state; `courier` has the duty where somebody has one."""

    state: str
    courier: Actor = COURIER
    body: dict[str, Any] = field(default_factory=dict)
    waybill_number: str = "YT999999999999"
    id: str = token_text(bytes(16))
    code: str = ""
    number: VirtualNumber | None = None
    call: str = "00" * 16


def person(role: Role, name: str) -> Actor:
    """Somebody new of a role: at the unit that these parcels belong to, at another one, or of another carrier."""
    home = {M: "shop", O: "sh-01", C: "sh-01"}.get(role, "head-office")
    unit, tenant = (home if name != "neighbour" else "elsewhere"), (TENANT if name != "stranger" else "another-carrier")
    return Actor(id=f"{role.value[:3]}-{name}-{next(numbers)}", tenant=tenant, role=role, unit=unit)


def enrol(service: Service, actors: list[Actor]) -> None:
    world, store = service.clock.world, service.store
    with store.transaction() as tx:
        for actor in actors:
            phone = Plain(f"1390000{next(numbers):04}") if actor.role is C else None
            people.enrol(world, store.keys, tx, actor, world.now(), phone=phone)


def bring(service: Service, parcels: list[Parcel]) -> None:
    """Bring new parcels into their states, all at once."""
    world, store = service.clock.world, service.store

    def those(*states: str) -> list[Parcel]:
        return [each for each in parcels if each.state in states]

    def all_done(outcomes: list[Any], kind: type) -> None:
        assert {type(each) for each in outcomes} <= {kind}, outcomes

    def assigned(some: list[Parcel]) -> None:
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
        each.code = store.write_code(token_record(waybill.id) or b"", 1, world, world.now())
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


def request_of(service: Service, case: str, actor: Actor, parcel: Parcel) -> tuple[str, Any, dict[str, str]]:
    """The address, the body and the headers of one cell."""
    route, _, what = case.partition(" ")[2].partition(" ")
    named = parcel.code if actor.role is C else parcel.waybill_number
    new = f"new-{next(numbers)}"
    items: dict[str, Any] = {
        "/v1/resolve": {"code": parcel.code, "purpose": what},
        "/v1/looks": {"code": parcel.code} | ({"phone": "13800000001"} if what else {}),
        "/v1/calls": {"code": parcel.code},
        "/v1/scans": {"what": named, "kind": what} | ({"to": "sh-09"} if what == "diverted" else {}),
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
        "/v1/people": {"id": new, "role": "courier", "unit": "sh-01"},
    }
    bodies: dict[str, Any] = {
        "/v1/waybills": {"orders": [ORDER | {"reference": new}]},
        "/v1/waybills/sealed": {"envelopes": [sealed(service, actor, ORDER | {"reference": new})]},
        "/v1/waybills/find": {"reference": parcel.body.get("reference", "never")},
        "/v1/waybills/cancel": {"ids": [parcel.id]},
        "/v1/labels": {"ids": [parcel.id], "job": new, "reason": "damaged"},
        "/v1/revocations": {"ids": ["to-go"]},
    }
    body = bodies.get(route, {"items": [items[route]]} if route in items else None)
    headers = {"Accept": "image/png"} if what == "preview" else {}
    path = route.replace("{id}", parcel.id) + ("?from=0&to=0" if route.endswith("consistency") else "")
    return path, body, headers


def sealed(service: Service, actor: Actor, order: dict[str, Any]) -> str:
    store, world = service.store, service.clock.world
    note = sources.directory(world, store)
    key = envelope.read_directory(note, store.settings.origin, journal.log_key(world, store).public)[-1]
    blob = envelope.seal(key, TENANT, actor.unit, world.entropy(16), key.until, json.dumps(order).encode())
    return base64.b64encode(blob).decode()


def asked(service: Service, case: str, actor: Actor, parcel: Parcel) -> tuple[bool, bytes]:
    """Whether an actor got what was asked, and the bytes of the answer; no answer ever holds a label code."""
    path, body, headers = request_of(service, case, actor, parcel)
    answer = service.ask(actor, path, body, headers=headers)
    assert answer.status_code < 500, (case, actor, answer.text)
    assert not re.search(rb"WB1[0-9A-Z]{56}", answer.content), case
    if answer.status_code != 200:
        return False, answer.content
    if answer.headers["content-type"] == "image/png":
        return True, answer.content
    document = answer.json()
    given = document.get("outcomes", [document] if document.get("waybills", True) else [])
    first = given[0] if given else {"refused": {}}
    return not {"refused", "rejected"} & first.keys() and first.get("seen", {}).get(
        "matches"
    ) is not False, answer.content


@pytest.fixture(scope="module")
def service(tmp_path_factory) -> Iterator[Service]:
    with serving(tmp_path_factory.mktemp("matrix") / "deployment") as running:
        enrol(running, [Actor(id="to-go", tenant=TENANT, role=C, unit="sh-01")])
        yield running


def test_every_route_kind_and_purpose_is_in_the_table_and_nothing_else():
    app = create_app(ServiceSettings(folder=Path("nowhere")))
    routes = {
        f"{method} {route.path}"
        for route in app.routes
        for method in route.methods - {"HEAD"}
        if route.path not in OPEN
    }
    routes = {route for route in routes if not PAGES.fullmatch(route.split()[1])}
    told = {" ".join(case.split()[:2]) for case in TABLE}
    assert told == routes, "a route without a row in TABLE is open to nobody knows whom"
    for route, words in VARIANTS.items():
        assert {case.split()[2] for case in TABLE if case.startswith(f"{route} ")} == set(words)


@pytest.mark.parametrize("case", TABLE)
def test_who_has_business_there_has_it_in_these_states_and_everybody_else_learns_nothing(service, case):
    world, store = service.clock.world, service.store
    entitled = TABLE[case]
    staff = {role: SWITCH if role is W else person(role, "own") for role in Role}
    enrol(service, [actor for role, actor in staff.items() if role is not W])
    whole = {
        role: [Parcel(state=state, courier=staff[C]) for state in STATES]
        for role, states in entitled.items()
        if states != NO_PARCEL
    }
    bystanders = Parcel(state=VAN, courier=COURIER)
    never = Parcel(state="never issued", code=store.write_code(world.record_id(world.now()), 1, world, world.now()))
    bring(service, [bystanders, *(each for some in whole.values() for each in some)])

    for role, states in entitled.items():  # what is in the table works, and nothing more of it
        for parcel in whole.get(role, [never]):
            if "reports" in case and parcel.state == VAN:
                back = Route(
                    actor=SWITCH,
                    caller=Plain("13800000001"),
                    main=parcel.number.main,
                    extension=parcel.number.extension,
                )
                parcel.call = call(world, store, [back])[0].call
            got, answer = asked(service, case, staff[role], parcel)
            wanted = states == NO_PARCEL or parcel.state in states
            assert got == wanted, (case, role, parcel.state, answer)

    for role in Role:  # whoever has no business there hears of a parcel what they hear of none
        names = ("neighbour", "stranger") if role in entitled else ("own", "neighbour", "stranger")
        if entitled.get(role) == NO_PARCEL:
            names = ("stranger",) if role is M and entitled is not EVERYBODY else ()
        for outsider in [person(role, name) for name in names]:
            enrol(service, [outsider])
            got, about_it = asked(service, case, outsider, bystanders)
            assert not got, (case, outsider, about_it)
            if any(states != NO_PARCEL for states in entitled.values()):
                assert asked(service, case, outsider, never)[1] == about_it, (case, outsider)

    path, body, headers = request_of(service, case, COURIER, bystanders)
    unknown = service.ask(None, path, body, headers=headers)
    assert (unknown.status_code, unknown.json()["type"]) == (401, "urn:waybill-masking:problem:unauthenticated")
