"""What the service does with proofs: whose token works for whom, once, in every worker; and what costs a store nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric import ec

from masking.access.people import Role
from masking.client.device import Device
from masking.database import schema
from masking.deployment import open_folder
from masking.runtime import World
from masking.store.rows import credentials
from tests.support.dpop_proofs import KEY, OTHER_KEY, hashed, jwk, proof
from tests.support.ledger import count_leaves
from tests.support.people import COURIER, OTHER_COURIER, SHOP, SWITCH
from tests.support.running_service import (
    Service,
    make_deployment,
    run_service,
    run_service_process,
    sign_in,
    wait_until_ready,
)

DEVICE, OTHER_DEVICE = Device.of_key(KEY), Device.of_key(OTHER_KEY)
PATH = "/v1/ledger/checkpoint"
BODY = b'{"items": [{"code": "WB1", "purpose": "deliver"}]}'


@pytest.fixture(scope="module")
def service(tmp_path_factory) -> Iterator[Service]:
    with run_service(
        tmp_path_factory.mktemp("service") / "deployment", bearer_roles=frozenset({Role.SWITCH})
    ) as running:
        yield running


@pytest.fixture
def token(service) -> str:
    return sign_in(service.clock.world, service.store, COURIER, DEVICE)


def signed(service: Service, path: str, token: str, body: bytes = b"", device: Device = DEVICE) -> dict[str, str]:
    method, at = "POST" if body else "GET", service.clock.world.now().timestamp()
    made = device.proof(method, service.url + path, at=at, body=body, token=token)
    return {"Authorization": f"DPoP {token}", "DPoP": made}


def said(answer: httpx.Response) -> tuple[int, str, str | None, str]:
    document = answer.json()
    return (
        answer.status_code,
        document["type"].rsplit(":", 1)[1],
        document.get("reason"),
        answer.headers["www-authenticate"],
    )


INVALID_TOKEN = (401, "unauthenticated", None, 'DPoP algs="ES256", error="invalid_token"')


def invalid_proof(reason: str) -> tuple[int, str, str, str]:
    return 401, "proof-refused", reason, 'DPoP algs="ES256", error="invalid_dpop_proof"'


def test_bound_token_with_a_proof_of_its_key_is_accepted(service, token):
    assert service.http.get(PATH, headers=signed(service, PATH, token)).status_code == 200
    answer = service.http.post("/v1/resolve", content=BODY, headers=signed(service, "/v1/resolve", token, BODY))
    assert answer.json() == {"outcomes": [{"outcome": "refused", "reason": "unknown", "retry_after": None}]}


def test_bound_token_is_refused_as_a_bearer_token(service, token):
    headers = signed(service, PATH, token)
    for authorization in (f"Bearer {token}", f"bearer {token}"):
        answer = service.http.get(PATH, headers=headers | {"Authorization": authorization})
        assert said(answer) == INVALID_TOKEN
        assert said(service.http.get(PATH, headers={"Authorization": authorization})) == INVALID_TOKEN


def test_token_of_another_key_is_refused(service, token):
    sign_in(service.clock.world, service.store, OTHER_COURIER, OTHER_DEVICE)
    headers = signed(service, PATH, token, device=OTHER_DEVICE)
    assert said(service.http.get(PATH, headers=headers)) == INVALID_TOKEN


def test_proof_is_valid_once(service, token):
    headers = signed(service, PATH, token)
    assert service.http.get(PATH, headers=headers).status_code == 200
    assert said(service.http.get(PATH, headers=headers)) == invalid_proof("replayed")
    body = signed(service, "/v1/resolve", token, BODY)
    assert service.http.post("/v1/resolve", content=BODY, headers=body).status_code == 200
    before = count_leaves(service.store)
    assert said(service.http.post("/v1/resolve", content=BODY, headers=body)) == invalid_proof("replayed")
    assert count_leaves(service.store) == before


def test_one_of_many_concurrent_uses_of_a_proof_is_accepted(service, token):
    headers = signed(service, "/v1/resolve", token, BODY)
    with ThreadPoolExecutor(12) as together:
        answers = list(
            together.map(lambda _: service.http.post("/v1/resolve", content=BODY, headers=headers), range(12))
        )
    assert sorted(each.status_code for each in answers) == [200] + [401] * 11


def test_invalid_request_uses_up_its_proof_only_when_recorded(service, token):
    wrong = b'{"items": []}'
    headers = signed(service, "/v1/resolve", token, wrong)
    assert service.http.post("/v1/resolve", content=wrong, headers=headers).status_code == 422
    assert said(service.http.post("/v1/resolve", content=wrong, headers=headers)) == invalid_proof("replayed")


REFUSED: dict[str, tuple[Any, Any]] = {
    "no authorization": (lambda h: {"DPoP": h["DPoP"]}, (401, "unauthenticated", None, 'DPoP algs="ES256"')),
    "two authorizations": (
        lambda h: [("Authorization", h["Authorization"]), *h.items()],
        (401, "unauthenticated", None, 'DPoP algs="ES256", error="invalid_token"'),
    ),
    "another scheme": (lambda h: h | {"Authorization": "Basic eDp5"}, INVALID_TOKEN),
    "no token": (lambda h: h | {"Authorization": "DPoP"}, invalid_proof("ath")),
    "no proof": (lambda h: {"Authorization": h["Authorization"]}, invalid_proof("missing")),
    "two proofs": (lambda h: [("DPoP", h["DPoP"]), *h.items()], invalid_proof("twice")),
    "two different proofs": (lambda h: [("DPoP", "x.y.z"), *h.items()], invalid_proof("twice")),
    "a list of proofs": (lambda h: h | {"DPoP": f"{h['DPoP']}, {h['DPoP']}"}, invalid_proof("form")),
    "an oversized proof": (lambda h: h | {"DPoP": "A" * 20_000}, invalid_proof("too-long")),
    "garbage": (lambda h: {**h, "DPoP": "é.\xff.金".encode()}, invalid_proof("form")),
}


@pytest.mark.parametrize("rule", REFUSED)
def test_request_with_an_invalid_proof_is_refused(rule, service, token):
    change, expected = REFUSED[rule]
    assert said(service.http.get(PATH, headers=change(signed(service, PATH, token)))) == expected


def test_body_changed_in_transit_is_refused(service, token):
    headers = signed(service, "/v1/resolve", token, BODY)
    changed = BODY.replace(b"deliver", b"collect")
    assert said(service.http.post("/v1/resolve", content=changed, headers=headers)) == invalid_proof("bsh")
    assert said(service.http.post("/v1/resolve", content=b"", headers=headers)) == invalid_proof("bsh")
    in_parts = iter([changed[:9], changed[9:]])
    assert said(service.http.post("/v1/resolve", content=in_parts, headers=headers)) == invalid_proof("bsh")
    whole = iter([BODY[:9], BODY[9:]])
    assert service.http.post("/v1/resolve", content=whole, headers=headers).status_code == 200


def test_proof_for_another_address_is_refused_with_any_host_header(service, token):
    at = service.clock.world.now().timestamp()
    made = DEVICE.proof("GET", f"https://mask.example{PATH}", at=at, token=token)
    headers = {"Authorization": f"DPoP {token}", "DPoP": made, "Host": "mask.example", "X-Forwarded-Proto": "https"}
    assert said(service.http.get(PATH, headers=headers)) == invalid_proof("htu")


@pytest.mark.parametrize("public", ["https://mask.example", "https://mask.example/some/prefix"])
def test_proofs_behind_a_proxy_are_made_for_the_configured_address(public, tmp_path):
    with run_service(tmp_path / "d", address=public) as behind:
        held = sign_in(behind.clock.world, behind.store, COURIER, DEVICE)
        at = behind.clock.world.now().timestamp()
        for address, status in ((public + PATH, 200), (behind.url + PATH, 401)):
            headers = {
                "Authorization": f"DPoP {held}",
                "DPoP": DEVICE.proof("GET", address, at=at, token=held),
            }
            assert behind.http.get(PATH, headers=headers).status_code == status


def test_plain_token_is_accepted_only_for_listed_roles(service):
    world, store = service.clock.world, service.store
    for who, status in ((SWITCH, 200), (SHOP, 401), (COURIER, 401)):
        plain = sign_in(world, store, who)
        answer = service.http.get(PATH, headers={"Authorization": f"Bearer {plain}"})
        assert answer.status_code == status
        secret = service.secret(who)
        answer = service.http.post("/v1/token", json={"secret": secret})
        assert answer.status_code == status
    plain = sign_in(world, store, SWITCH)
    assert said(service.http.get(PATH, headers=signed(service, PATH, plain))) == INVALID_TOKEN


def test_request_without_a_proof_asks_the_store_nothing_and_leaves_no_leaf(service, token):
    statements: list[str] = []
    engine = service.app.state.service.store.data

    def heard(_c: Any, _cu: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    before = count_leaves(service.store)
    at = int(service.clock.world.now().timestamp())
    claims = {"jti": "0" * 32, "htm": "GET", "htu": service.url + PATH, "iat": at, "ath": hashed(token)}
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk()}
    sa.event.listen(engine, "before_cursor_execute", heard)
    try:
        for n in range(200):
            forged = proof(header, claims | {"jti": f"{n:032}"}, OTHER_KEY)
            headers = {"Authorization": f"DPoP {token}", "DPoP": forged}
            assert said(service.http.get(PATH, headers=headers)) == invalid_proof("signature")
    finally:
        sa.event.remove(engine, "before_cursor_execute", heard)
    assert not [each for each in statements if "credential" in each or "INSERT INTO proof" in each]
    assert count_leaves(service.store) == before


def test_unauthenticated_request_writes_nothing(service):
    before = count_leaves(service.store), proofs(service)
    for body in (b"{}", b'{"code": "wbc1_%s"}' % (b"A" * 43)):
        at = service.clock.world.now().timestamp()
        stranger = Device.of_key(ec.generate_private_key(ec.SECP256R1()))
        made = stranger.proof("POST", f"{service.url}/v1/token", at=at, body=body)
        assert said(service.http.post("/v1/token", content=body, headers={"DPoP": made})) == INVALID_TOKEN
    assert (count_leaves(service.store), proofs(service)) == before


def test_token_request_is_valid_once(service, token):
    at = service.clock.world.now().timestamp()
    made = {"DPoP": DEVICE.proof("POST", f"{service.url}/v1/token", at=at, body=b"{}")}
    assert service.http.post("/v1/token", content=b"{}", headers=made).json()["type"] == "DPoP"
    assert said(service.http.post("/v1/token", content=b"{}", headers=made)) == invalid_proof("replayed")
    assert said(service.http.post("/v1/token", content=b"{ }", headers=made)) == invalid_proof("bsh")


def test_used_proofs_are_forgotten_once_they_are_stale(service, token):
    assert service.http.get(PATH, headers=signed(service, PATH, token)).status_code == 200
    now = service.clock.world.now()
    with service.store.transaction() as tx:
        kept = tx.execute(sa.select(sa.func.count()).select_from(schema.proof)).scalar_one()
        assert kept >= 1
        credentials.forget_proofs(tx, now)
        left = tx.execute(sa.select(schema.proof.c.until)).scalars().all()
        assert left
        assert all(until >= int(now.timestamp()) for until in left)


@pytest.mark.parametrize("urls", ["postgresql"], indirect=True)
def test_proof_taken_by_one_worker_is_a_replay_in_another(tmp_path, urls):
    world = World()
    make_deployment(tmp_path / "d", world, addresses=urls)
    store = open_folder(tmp_path / "d", world)
    held = sign_in(world, store, COURIER, DEVICE)
    store.close()
    environ = {"WAYBILL_ADDRESS": "https://mask.example"}
    with (
        run_service_process("--folder", tmp_path / "d", **environ) as (_, one),
        run_service_process("--folder", tmp_path / "d", **environ) as (_, other),
    ):
        for url in (one, other):
            wait_until_ready(url)
        for _ in range(6):
            address = f"https://mask.example{PATH}"
            made = DEVICE.proof("GET", address, at=time.time(), token=held)
            headers = {"Authorization": f"DPoP {held}", "DPoP": made}
            asked = [(url + PATH, headers) for url in (one, other) * 4]
            with ThreadPoolExecutor(8) as together:
                answers = list(together.map(lambda each: httpx.get(each[0], headers=each[1]).status_code, asked))
            assert sorted(answers) == [200] + [401] * 7


def proofs(service: Service) -> int:
    with service.store.reading() as tx:
        return tx.execute(sa.select(sa.func.count()).select_from(schema.proof)).scalar_one()
