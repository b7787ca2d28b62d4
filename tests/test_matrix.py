"""Who may do what over HTTP, in which state of a parcel: one table, complete, and everything outside it tells nothing.

A route, a kind of scan, a purpose or a role that is missing from the table fails the test.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from api.service.app import create_app
from api.service.auth import OPEN
from api.service.settings import ServiceSettings
from masking.access.duty import Purpose
from masking.access.people import Actor, Role
from masking.steps.route import Route, route
from masking.values.plaintext import Plain
from masking.values.printable import ScanKind
from tests.support.matrix_cases import (
    BACK,
    FETCHED,
    HERE,
    LABELLED,
    ORDERED,
    STATES,
    VAN,
    C,
    M,
    MatrixParcel,
    O,
    S,
    W,
    enrol_all,
    new_person,
    prepare_parcels,
    request_of,
)
from tests.support.people import COURIER, SWITCH, TENANT
from tests.support.running_service import Service

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
    "POST /v1/confirmations": {O: NO_PARCEL, S: NO_PARCEL},
    "POST /v1/confirmations merchant": {M: NO_PARCEL, S: NO_PARCEL},
    "POST /v1/shifts": {O: NO_PARCEL, C: NO_PARCEL},  # of the outlet's couriers; one's own, to end it
    "POST /v1/people": {S: NO_PARCEL},
    "POST /v1/revocations": {S: NO_PARCEL},
    "POST /v1/reinstatements": {S: NO_PARCEL},
    "POST /v1/lost-devices": {S: NO_PARCEL},
    "POST /v1/unlocks": {S: NO_PARCEL},
    "GET /v1/ledger/checkpoint": EVERYBODY,
    "GET /v1/ledger/consistency": EVERYBODY,
    "GET /v1/ledger/inclusion": EVERYBODY,
}
"""By route and what is asked of it: the roles that have business there, and the states of their own parcels in which."""

VARIANTS = {
    "POST /v1/resolve": tuple(Purpose),
    "POST /v1/scans": tuple(ScanKind),
}
PAGES = re.compile(r"/outlet(/.*)?|/openapi\.json")
"""Files that hold nothing of anybody."""


def asked(service: Service, case: str, actor: Actor, parcel: MatrixParcel) -> tuple[bool, bytes]:
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
    first = given[0] if given else {"outcome": "refused"}
    granted = first.get("outcome") not in {"refused", "rejected"} and first.get("matches") is not False
    return granted, answer.content


@pytest.fixture(scope="module")
def service(service) -> Service:
    enrol_all(service, [Actor(id=id_, tenant=TENANT, role=C, unit="sh-01") for id_ in ("to-go", "to-lose")])
    return service


def test_table_has_every_route_kind_and_purpose_and_nothing_else():
    app = create_app(ServiceSettings(folder=Path("nowhere")))
    routes = {
        f"{method} {route.path}"
        for route in app.routes
        for method in route.methods - {"HEAD"}
        if route.path not in OPEN
    }
    routes = {route for route in routes if not PAGES.fullmatch(route.split()[1])}
    told = {" ".join(case.split()[:2]) for case in TABLE}
    assert told == routes, "each route needs a row in TABLE that says who may call it"
    for address, words in VARIANTS.items():
        assert {case.split()[2] for case in TABLE if case.startswith(f"{address} ")} == set(words)


@pytest.mark.parametrize("case", TABLE)
def test_route_answers_entitled_callers_in_listed_states_only(service, case):
    world, store = service.clock.world, service.store
    entitled = TABLE[case]
    staff = {role: SWITCH if role is W else new_person(role, "own") for role in Role}
    enrol_all(service, [actor for role, actor in staff.items() if role is not W])
    whole = {
        role: [MatrixParcel(state=state, courier=staff[C]) for state in STATES]
        for role, states in entitled.items()
        if states != NO_PARCEL
    }
    bystanders = MatrixParcel(state=VAN, courier=COURIER)
    never = MatrixParcel(
        state="never issued", code=store.write_code(world.record_id(world.now()), 1, world, world.now())
    )
    prepare_parcels(service, [bystanders, *(each for some in whole.values() for each in some)])

    for role, states in entitled.items():  # what is in the table works, and nothing more of it
        for parcel in whole.get(role, [never]):
            if "reports" in case and parcel.state == VAN:
                back = Route(
                    actor=SWITCH,
                    caller=Plain("13800000001"),
                    main=parcel.number.main,
                    extension=parcel.number.extension,
                )
                parcel.call = route(world, store, [back])[0].call
            got, answer = asked(service, case, staff[role], parcel)
            wanted = states == NO_PARCEL or parcel.state in states
            assert got == wanted, (case, role, parcel.state, answer)

    for role in Role:  # a role without business there gets the same answer for a parcel and for none
        names = ("neighbour", "stranger") if role in entitled else ("own", "neighbour", "stranger")
        if entitled.get(role) == NO_PARCEL:
            names = ("stranger",) if role is M and entitled is not EVERYBODY else ()
        for outsider in [new_person(role, name) for name in names]:
            enrol_all(service, [outsider])
            got, about_it = asked(service, case, outsider, bystanders)
            assert not got, (case, outsider, about_it)
            if any(states != NO_PARCEL for states in entitled.values()):
                assert asked(service, case, outsider, never)[1] == about_it, (case, outsider)

    path, body, headers = request_of(service, case, COURIER, bystanders)
    unknown = service.ask(None, path, body, headers=headers)
    assert (unknown.status_code, unknown.json()["type"]) == (401, "urn:waybill-masking:problem:unauthenticated")
