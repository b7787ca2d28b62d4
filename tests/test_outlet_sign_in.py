"""Signing in at the outlet's page in a real browser: enrolled once, by the computer's own key, and what ends it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from masking.crypto.index import record_of_waybill_id
from masking.journal import journal
from masking.store.rows import credentials, people
from tests.support.outlet_page import open_sign_in, parcel_at_outlet, row_of, sign_in_at
from tests.support.people import DISPATCHER, RECEIVER
from tests.support.running_service import run_service

pytestmark = pytest.mark.system("chromium", "bash")


def test_key_renews_the_sign_in_after_an_hour(service, page):
    one, two = parcel_at_outlet(service)[0], parcel_at_outlet(service)[0]
    page.scan(one)
    row_of(page, one)
    service.clock.ahead += timedelta(minutes=61)
    try:
        page.scan(two)
        assert row_of(page, two)[0] == "ready"
        assert page.see("document.querySelector('#door').hidden")
    finally:
        service.clock.ahead -= timedelta(minutes=61)  # what the others hold ends in an hour
    page.tab_to("#leave")
    page.press("Enter")
    page.until("document.querySelectorAll('#list li').length === 0")


def test_secret_sign_in_ends_after_an_hour_and_the_list_stays(service, window):
    open_sign_in(window, service)
    window.scan(service.secret(DISPATCHER))
    window.until("!document.querySelector('#desk').hidden")
    number, _ = parcel_at_outlet(service)
    service.clock.ahead += timedelta(minutes=61)
    try:
        window.scan(number)
        window.until("document.querySelector('#desk').hidden")
    finally:
        service.clock.ahead -= timedelta(minutes=61)
    assert window.text("#refused") == "Your sign-in has ended. Sign in again; the list is still there."
    window.scan(service.secret(DISPATCHER))
    window.until("!document.querySelector('#desk').hidden")
    assert row_of(window, number)[0] == "ready"


def test_computer_enrols_once_signs_in_by_its_key_and_can_be_forgotten(service, window):
    open_sign_in(window, service)
    window.see("indexedDB.deleteDatabase('waybill-device')")
    open_sign_in(window, service)
    assert "enter the code of your enrolment" in window.text("#secret-hint")
    window.press("Enter")
    assert window.see("document.querySelector('#desk').hidden")
    window.scan(service.code(DISPATCHER))
    window.until("!document.querySelector('#desk').hidden")
    held = """new Promise((done) => { const o = indexedDB.open('waybill-device'); o.onsuccess = () => {
      const all = o.result.transaction('keys').objectStore('keys').getAllKeys(), one = o.result.transaction('keys').objectStore('keys').get('device');
      one.onsuccess = async () => { o.result.close(); done([all.result, one.result.privateKey.extractable, one.result.privateKey.usages,
        await crypto.subtle.exportKey('jwk', one.result.privateKey).then(() => 'read', (e) => e.name)]); }; }; })"""
    assert window.see(held) == [["device"], False, ["sign"], "InvalidAccessError"]
    open_sign_in(window, service)
    window.until("document.querySelector('#secret-hint').innerText.includes('is enrolled')")
    window.press("Enter")
    window.until("!document.querySelector('#desk').hidden")
    number, _ = parcel_at_outlet(service)
    window.scan(number)
    assert row_of(window, number)[0] == "ready"
    window.tab_to("#leave")
    window.press("Enter")
    window.tab_to("#forget")
    window.press("Enter")
    window.until("document.querySelector('#refused').textContent.includes('need a new code')")
    window.until("document.querySelector('#forget').hidden")


def test_computer_reported_lost_is_signed_out(service, page):
    number, _ = parcel_at_outlet(service)
    with service.store.transaction() as tx:
        people.unbind(tx, [DISPATCHER.id])
        credentials.end(tx, [DISPATCHER.id])
    page.scan(number)
    page.until("document.querySelector('#desk').hidden")
    page.press("Enter")
    page.until("document.querySelector('#refused').textContent.includes('not enrolled')")


def test_lost_answer_to_a_code_loses_no_enrolment(service, window):
    open_sign_in(window, service)
    code = service.code(DISPATCHER)
    window.lose_answers(lose=True)
    window.scan(code)
    window.until("document.querySelector('#refused').textContent.includes('does not answer')")
    window.lose_answers(lose=False)
    window.scan(code)
    window.until("!document.querySelector('#desk').hidden")


def test_computer_with_a_wrong_clock_uses_the_services_time(service, window):
    service.clock.ahead += timedelta(minutes=10)
    try:
        sign_in_at(window, service)
        number, _ = parcel_at_outlet(service)
        window.scan(number)
        assert row_of(window, number)[0] == "ready"
    finally:
        service.clock.ahead -= timedelta(minutes=10)


def test_page_accepts_secrets_where_the_service_does(service, window):
    open_sign_in(window, service)
    window.scan(service.secret(DISPATCHER))
    window.until("!document.querySelector('#desk').hidden")
    number, _ = parcel_at_outlet(service)
    window.scan(number)
    assert row_of(window, number)[0] == "ready"


def test_browser_key_signs_in_and_needs_a_code_once(tmp_path, window):
    with run_service(tmp_path / "d", bearer_roles=frozenset()) as strict:
        for shown in ("", strict.code(DISPATCHER), ""):
            open_sign_in(window, strict)
            window.scan(shown)
            if not shown and strict.clock.ahead == timedelta(0):
                window.until("document.querySelector('#refused').textContent.includes('not enrolled')")
                strict.clock.ahead += timedelta(minutes=10)  # the browser's clock is wrong from now on
                continue
            window.until("!document.querySelector('#desk').hidden")
            window.scan("YT999999999999")
            assert row_of(window, "YT999999999999")[0] == "bad"  # asked, answered, and still signed in
            assert window.see("document.querySelector('#door').hidden")


def test_computer_changes_hands_with_a_new_code(service, page):
    number, token = parcel_at_outlet(service)
    page.tab_to("#leave")
    page.press("Enter")
    page.scan(service.code(RECEIVER))
    page.until("!document.querySelector('#desk').hidden")
    page.scan(number)
    assert row_of(page, number)[0] == "ready"
    leaves = journal.who_saw(service.clock.world, service.store, record_of_waybill_id(token))
    assert leaves[-1].actor == RECEIVER.id
