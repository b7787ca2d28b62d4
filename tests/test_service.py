"""The path of an order over HTTP; and that every caller gets what the steps say, no more."""

from __future__ import annotations

import base64
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from api.service.auth import KNOWN
from api.service.request_models import ORDER
from masking.access.people import Actor, Role
from masking.journal import journal
from masking.ledger import checkpoint
from masking.store.rows.credentials import TokenHolder
from tests.support.parcels import limit_remaining
from tests.support.people import COURIER, DISPATCHER, OTHER_COURIER, PHONES, RECEIVER, RIVAL, SHOP, SWITCH, TENANT
from tests.support.running_service import SUPERVISOR, Service, run_service
from tests.support.service_parcels import counter, labelled, on_the_van, ordered

NUMBERS = {"waybill_number": "YT0000000001001", "routing_code": "342-081-00 052"}
DOOR = "上海市浦东新区世纪大道100号3栋2单元501室"


def status_of(service: Service, waybill: dict) -> str:
    return service.ask(SHOP, f"/v1/waybills/{waybill['id']}").json()["waybill_number"]


def resolve_over_http(service: Service, who, code: str) -> dict:
    return service.outcomes(who, "/v1/resolve", {"items": [{"code": code, "purpose": "deliver"}]})[0]


def test_courier_gets_the_door_code_that_the_label_hides(service):
    waybill, code = on_the_van(service, remark="单元门密码2580#，放门口，别打电话给张三丰")
    assert "2580" not in waybill["masked"]["remark"]["text"]
    fields = resolve_over_http(service, COURIER, code)["fields"]
    assert fields == {"recipient.address": DOOR, "recipient.surname": "欧阳", "recipient.door_code": "单元门密码2580#"}


def test_order_goes_the_whole_way_over_http(service):
    waybill, code = on_the_van(service)
    fields = resolve_over_http(service, COURIER, code)["fields"]
    assert fields == {"recipient.address": DOOR, "recipient.surname": "欧阳"}

    [dial] = service.outcomes(COURIER, "/v1/calls", {"items": [{"code": code}]})
    number = dial["number"]
    asked = {"caller": PHONES[COURIER.id], "main": number["main"], "extension": number["extension"]}
    [connected] = service.outcomes(SWITCH, "/v1/calls/route", {"items": [asked]})
    assert connected["to"].endswith("13800000001")
    [again] = service.outcomes(SWITCH, "/v1/calls/route", {"items": [asked]})
    assert again == {"outcome": "refused", "reason": "intent-used", "retry_after": None}
    told = {"call": connected["call"], "event": "missed", "at": "2026-11-24T10:00:00+08:00"}
    kept = {"outcome": "reported", "call": told["call"], "event": "missed"}
    assert service.outcomes(SWITCH, "/v1/calls/reports", {"items": [told, told]}) == [kept, kept]
    [stranger] = service.outcomes(SWITCH, "/v1/calls/route", {"items": [asked | {"caller": "13900009999"}]})
    assert stranger == {"outcome": "refused", "reason": "not-connected", "retry_after": None}
    [missed] = service.ask(COURIER, "/v1/calls/missed").json()["outcomes"]
    assert [each["waybill_number"] for each in missed["calls"]] == [status_of(service, waybill)]

    done = {"items": [{"what": code, "kind": "delivered"}]}
    [delivered] = service.outcomes(COURIER, "/v1/scans", done)
    assert service.outcomes(COURIER, "/v1/scans", done) == [delivered]  # a lost answer may be asked for again
    assert resolve_over_http(service, COURIER, code) == {"outcome": "refused", "reason": "unknown", "retry_after": None}
    status = service.ask(SHOP, f"/v1/waybills/{waybill['id']}").json()
    assert (status["reference"], status["number"]) == (waybill["reference"], None)


def test_bad_order_does_not_block_the_good_ones(service):
    orders = [ORDER | {"reference": "B-1"}, ORDER | {"reference": ""}, ORDER | {"reference": "B-2", "remark": "\ud7ff"}]
    found = service.outcomes(SHOP, "/v1/waybills", {"orders": orders})
    assert [each["outcome"] for each in found] == ["waybill", "rejected", "rejected"]
    assert found[1]["field"] == "reference"


def test_repeated_checkout_enters_nothing_twice(service):
    order = ORDER | {"reference": "T-1"}
    [first] = service.outcomes(SHOP, "/v1/waybills", {"orders": [order]})
    [second] = service.outcomes(SHOP, "/v1/waybills", {"orders": [order]})
    assert first.pop("created") is True
    assert second.pop("created") is False
    assert first == second


def test_merchant_finds_ships_amends_and_cancels_its_own_orders(service):
    waybill = ordered(service, recipient=ORDER["recipient"] | {"phone": "13800009876"})
    found = service.ask(SHOP, "/v1/waybills/find", {"phone": "138-0000-9876"}).json()["waybills"]
    assert [each["id"] for each in found] == [waybill["id"]]
    assert service.ask(RIVAL, "/v1/waybills/find", {"phone": "13800009876"}).json()["waybills"] == []
    assert service.ask(RIVAL, f"/v1/waybills/{waybill['id']}").status_code == 404

    shipped = {"items": [{"id": waybill["id"], "waybill_number": "YT9990000001", "routing_code": "1-2"}]}
    assert service.outcomes(SHOP, "/v1/waybills/ship", shipped)[0]["outcome"] == "waybill"
    assert service.outcomes(RIVAL, "/v1/waybills/ship", shipped)[0]["reason"] == "unknown"
    corrected = ORDER | {"reference": waybill["reference"], "goods": "鞋"}
    [amended] = service.outcomes(SHOP, "/v1/waybills/amend", {"items": [{"id": waybill["id"], "order": corrected}]})
    assert amended["masked"] != waybill["masked"]
    cancel = {"ids": [waybill["id"]]}
    [gone] = service.outcomes(SHOP, "/v1/waybills/cancel", cancel)
    assert (gone["state"], gone["masked"]) == ("destroyed", None)
    assert service.outcomes(SHOP, "/v1/waybills/cancel", cancel) == [gone]
    assert service.outcomes(RIVAL, "/v1/waybills/cancel", cancel)[0]["reason"] == "unknown"


def test_label_code_is_never_sent_as_data(service):
    waybill, code = on_the_van(service)
    again = service.ask(SHOP, "/v1/labels", {"ids": [waybill["id"]], "job": "job-1"})
    assert code not in again.text
    assert labelled(service, waybill) == code  # the same job draws the same print
    [refused] = service.ask(SHOP, "/v1/labels", {"ids": [waybill["id"]], "job": "job-2"}).json()["outcomes"]
    assert refused["reason"] == "reprint-needs-outlet-and-reason"


def test_refusal_does_not_reveal_whose_parcel_it_is(service):
    _, code = on_the_van(service)
    forged = code[:-1] + ("0" if code[-1] != "0" else "1")
    bodies = [
        service.ask(OTHER_COURIER, "/v1/resolve", {"items": [{"code": each, "purpose": "deliver"}]})
        for each in (code, forged, "YT0000000001001")
    ]
    assert len({each.content for each in bodies}) == 1


def test_find_takes_either_a_phone_or_a_reference(service):
    for body in ({}, {"phone": "13800000001", "reference": "R-1"}):
        answer = service.ask(SHOP, "/v1/waybills/find", body)
        assert (answer.status_code, answer.json()["errors"][0]["rule"]) == (422, "give-a-phone-or-a-reference")


def test_find_answers_a_page_and_where_the_next_one_begins(service):
    party = ORDER["recipient"] | {"phone": "13800007654"}
    made = [ordered(service, recipient=party)["id"] for _ in range(3)]
    asked = {"phone": "13800007654", "limit": 2}
    first = service.ask(SHOP, "/v1/waybills/find", asked).json()
    last = service.ask(SHOP, "/v1/waybills/find", asked | {"after": first["next"]}).json()
    assert [each["id"] for each in first["waybills"] + last["waybills"]] == made
    assert (first["next"], last["next"]) == (made[1], None)
    for wrong in ({"limit": 101}, {"after": "not a token"}):
        assert service.ask(SHOP, "/v1/waybills/find", asked | wrong).status_code == 422


def test_worker_remembers_a_limited_number_of_tokens(service):
    known = service.app.state.service.known
    held = TokenHolder(SHOP, None)
    known.update((n.to_bytes(32, "big"), held) for n in range(KNOWN))
    service.secret(SHOP)  # for callers with a token that it does not know
    assert service.ask(SHOP, "/v1/waybills/find", {"reference": "R-1"}).status_code == 200
    assert len(known) < KNOWN


def test_scan_repeated_under_its_key_is_recorded_once(service):
    number = f"YT{next(counter):012}"
    ordered(service, **(NUMBERS | {"waybill_number": number}))
    asked = {"items": [{"what": number, "kind": "arrived"}, {"what": number, "kind": "departed"}]}
    key = {"headers": {"Idempotency-Key": "van-3/2026-11-24/77"}}
    first = service.outcomes(RECEIVER, "/v1/scans", asked, **key)
    service.clock.ahead += timedelta(seconds=5)
    assert service.outcomes(RECEIVER, "/v1/scans", asked, **key) == first
    assert service.outcomes(RECEIVER, "/v1/scans", asked) != first
    other = {"items": [{"what": number, "kind": "departed"}]}
    [reused] = service.outcomes(RECEIVER, "/v1/scans", other, **key)
    assert reused["reason"] == "event-of-another-scan"
    [own] = service.outcomes(DISPATCHER, "/v1/scans", other, **key)  # a key is its owner's alone
    assert own["outcome"] == "scanned"


def test_longest_key_serves_a_hundred_items_and_a_longer_one_is_refused(service):
    number = f"YT{next(counter):012}"
    ordered(service, **(NUMBERS | {"waybill_number": number}))
    asked = {"items": [{"what": number, "kind": "arrived"}] * 100}
    found = service.outcomes(RECEIVER, "/v1/scans", asked, headers={"Idempotency-Key": "k" * 125})
    assert Counter(each["outcome"] for each in found) == {"scanned": 100}
    refused = service.ask(RECEIVER, "/v1/scans", asked, headers={"Idempotency-Key": "k" * 126})
    assert refused.json()["errors"] == [{"field": "Idempotency-Key", "rule": "string-too-long"}]


def test_two_items_of_one_request_see_each_other(service):
    _, code = on_the_van(service)
    body = {"items": [{"what": code, "kind": kind} for kind in ("delivered", "delivered", "attempted")]}
    first, second, third = service.outcomes(COURIER, "/v1/scans", body)
    assert first == second
    assert third["reason"] == "unknown"


def test_every_answer_to_a_unit_carries_the_latest_checkpoint(service):
    key = journal.log_key(service.clock.world, service.store)
    for who in (SHOP, RECEIVER, COURIER):
        for answer in (service.ask(who, "/v1/ledger/checkpoint"), service.ask(who, "/v1/nothing")):
            note = base64.b64decode(answer.headers["waybill-checkpoint"]).decode()
            assert checkpoint.read(note, key).origin == "waybill-masking/carrier"
    assert "waybill-checkpoint" not in service.ask(SWITCH, "/v1/ledger/checkpoint").headers


def test_ledger_proves_consistency_with_an_earlier_checkpoint(service):
    key = journal.log_key(service.clock.world, service.store)
    ordered(service)
    notes = []
    for _ in range(2):
        journal.sequence(service.clock.world, service.store)
        notes.append(checkpoint.read(service.ask(SHOP, "/v1/ledger/checkpoint").json()["note"], key))
        ordered(service)
    earlier, later = notes
    answer = service.ask(SHOP, f"/v1/ledger/consistency?from={earlier.size}&to={later.size}").json()
    assert checkpoint.follows(earlier, later, [base64.b64decode(each) for each in answer["proof"]]) is None
    for wrong in ("from=2&to=1", f"from=1&to={later.size + 10**6}", "from=-1&to=1", "from=x&to=1", "to=1"):
        assert service.ask(SHOP, f"/v1/ledger/consistency?{wrong}").status_code == 422


def test_no_answer_leaves_before_its_login_is_checked(service):
    assert service.outcomes(
        SUPERVISOR, "/v1/people", {"items": [{"id": "courier-97", "role": "courier", "unit": "sh-01"}]}
    )
    who = Actor(id="courier-97", tenant=TENANT, role=Role.COURIER, unit="sh-01")
    asked = [("/v1/ledger/checkpoint", None), ("/v1/sources", None), ("/v1/calls/missed", None), ("/v1/scans", {})]
    answered = [service.ask(who, path, body).status_code for path, body in asked]
    assert answered == [200, 200, 200, 422]  # the worker has seen this token
    service.outcomes(SUPERVISOR, "/v1/revocations", {"ids": ["courier-97"]})
    for path, body in asked:
        answer = service.ask(who, path, body)
        assert (answer.status_code, answer.json()["type"].rsplit(":", 1)[1]) == (401, "unauthenticated")


def test_revocation_by_a_supervisor_applies_to_the_next_request(service):
    person = {"id": "courier-99", "role": "courier", "unit": "sh-01", "phone": "13900000099"}
    [enrolled] = service.outcomes(SUPERVISOR, "/v1/people", {"items": [person]})
    code = enrolled["code"]
    assert service.http.post("/v1/token", json={"code": code}).status_code == 401  # no dispatcher has confirmed it
    stated = {"items": [person]}
    assert service.outcomes(DISPATCHER, "/v1/confirmations", stated) == [{"outcome": "confirmed", "id": "courier-99"}]
    shift = {"items": [{"courier": "courier-99", "hours": 8}]}
    [working] = service.outcomes(DISPATCHER, "/v1/shifts", shift)
    assert working["courier"] == "courier-99"
    given = service.http.post("/v1/token", json={"code": code}).json()
    token, secret = given["token"], given["secret"]
    as_them = {"headers": {"Authorization": f"Bearer {token}"}}
    assert service.ask(None, "/v1/ledger/checkpoint", **as_them).status_code == 200
    with run_service(service.folder) as other_worker:
        assert other_worker.ask(None, "/v1/ledger/checkpoint", **as_them).status_code == 200
        [gone] = service.outcomes(SUPERVISOR, "/v1/revocations", {"ids": ["courier-99"]})
        assert gone == {"outcome": "revoked", "id": "courier-99"}
        for worker in (other_worker, service):
            assert worker.ask(None, "/v1/ledger/checkpoint", **as_them).status_code == 401
    assert service.http.post("/v1/token", json={"secret": secret}).status_code == 401
    assert service.outcomes(SUPERVISOR, "/v1/revocations", {"ids": ["courier-99"]}) == [gone]
    [taken] = service.outcomes(SUPERVISOR, "/v1/people", {"items": [person]})
    assert taken["reason"] == "id-taken"
    for who in (SHOP, COURIER):
        [refused] = service.outcomes(who, "/v1/revocations", {"ids": [RECEIVER.id]})
        assert refused["reason"] == "unknown"


def test_token_expires_after_an_hour(service):
    assert service.ask(COURIER, "/v1/ledger/checkpoint").status_code == 200
    service.clock.ahead += timedelta(minutes=61)
    answer = service.ask(COURIER, "/v1/ledger/checkpoint")
    service.clock.ahead -= timedelta(minutes=61)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'DPoP algs="ES256", error="invalid_token"'


def test_secret_is_refused_as_a_token_and_a_token_as_a_secret(service):
    token, secret = service.token(RIVAL), service.secret(RIVAL)
    assert service.http.post("/v1/token", json={"secret": token}).status_code == 401
    for wrong in (secret, "x", "wbt1_" + "A" * 43):
        headers = {"Authorization": f"Bearer {wrong}"}
        assert service.http.get("/v1/ledger/checkpoint", headers=headers).status_code == 401


def test_health_readiness_and_metrics_are_open_and_name_no_person(service):
    ordered(service)
    assert service.ask(None, "/healthz").json() == {"alive": True}
    assert service.ask(None, "/readyz").json() == {"ready": True, "risks": []}
    text = service.ask(None, "/metrics").text
    assert 'waybill_requests_total{method="POST",route="/v1/waybills",status="200"}' in text
    assert "waybill_numbers_leased" in text
    for who in (SHOP, COURIER, RECEIVER):
        assert who.id not in text.replace('reason="shop', "")


def test_concurrent_requests_of_one_actor_see_each_other(service):
    codes = [on_the_van(service)[1] for _ in range(6)]
    limit_remaining(service.clock.world, service.store, 1)
    service.token(COURIER)
    with ThreadPoolExecutor(6) as together:
        outcomes = list(together.map(lambda code: resolve_over_http(service, COURIER, code), codes))
    kinds = Counter(outcome["outcome"] for outcome in outcomes)
    assert kinds == {"granted": 1, "refused": 5}
    assert {each["reason"] for each in outcomes if each["outcome"] == "refused"} == {"daily-budget-spent"}


def test_full_queue_answers_when_to_retry_and_nothing_else(tmp_path):
    with run_service(tmp_path / "deployment", max_queued_items=1, max_batch_items=1) as busy:
        busy.token(SHOP)

        def order(n: int) -> tuple[int, str | None, str]:
            answer = busy.ask(SHOP, "/v1/waybills", {"orders": [ORDER | {"reference": f"Q-{n}"}]})
            return answer.status_code, answer.headers.get("retry-after"), answer.headers["content-type"]

        with ThreadPoolExecutor(24) as together:
            answers = Counter(together.map(order, range(72)))
    assert answers.keys() == {(200, None, "application/json"), (503, "1", "application/problem+json")}
