"""The outlet's page in a real browser, worked with keyboard and hand scanner alone."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from api.service.routes.page import FILES
from tests.support.outlet_page import (
    KEPT,
    SETTLED,
    confirm_all_printed,
    kept_numbers,
    open_sign_in,
    parcel_at_outlet,
    print_ready,
    row_of,
    sign_in_at,
)

pytestmark = pytest.mark.system("chromium", "bash")
CONTRASTS = """
[...document.querySelectorAll("body *")].filter((e) => e.checkVisibility() && !e.disabled
  && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())).map((e) => {
  const light = (text) => { const [r, g, b] = text.match(/[\\d.]+/g).map((v) => (v /= 255) <= 0.04045 ? v / 12.92
    : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  let ground = e; while (ground && getComputedStyle(ground).backgroundColor.endsWith(", 0)")) ground = ground.parentElement;
  const two = [light(getComputedStyle(e).color), light(ground ? getComputedStyle(ground).backgroundColor : "1 1 1")].sort();
  return [e.innerText, (two[1] + 0.05) / (two[0] + 0.05)]; })
"""


def test_invalid_waybill_number_is_reported_at_once_and_never_requested(service, page):
    before = len(page.asked())
    for typed, words in (
        ("12", "Not a waybill number"),
        ("欧阳测试", "Not a waybill number"),
        ("WB1" + "0" * 56, "QR code"),
    ):
        page.scan(typed)
        assert words in page.text("#last")
        assert page.see("document.querySelector('#last').dataset.state") == "bad"
    page.press("Enter")  # a scanner that sends two line ends
    assert len(page.asked()) == before
    number, _ = parcel_at_outlet(service)
    page.scan(number)
    row_of(page, number)
    page.scan("".join(chr(ord(c) + 0xFEE0) for c in number))  # full-width, as an input method may leave it
    assert page.text("#last") == f"{number}  Already on the list"
    assert page.see("document.querySelectorAll('#list li').length") == 1


def test_printed_row_tells_the_clerk_what_the_label_lacks(service, page):
    number, _ = parcel_at_outlet(service, remark="🙏谢谢")
    page.scan(number)
    page.until(SETTLED)
    page.tab_to("#print")
    page.press("Enter")
    state, words = row_of(page, number)
    assert (state, "〓" in words) == ("made", True), words


def test_page_uses_the_browsers_language_and_offers_the_other(service, window):
    open_sign_in(window, service, language="zh-CN")
    assert (window.see("document.title"), window.see("document.documentElement.lang")) == ("打印面单", "zh-CN")
    sign_in_at(window, service, language="zh-CN", width=390)
    number, _ = parcel_at_outlet(service)
    window.scan(number)
    assert row_of(window, number) == ("ready", "可以打印")
    assert not re.search(r"[A-Za-z]{3}", window.text("#work").replace("YT", ""))
    window.tab_to("#language")
    window.press("Enter")
    assert row_of(window, number) == ("ready", "Ready to print")
    assert window.see("document.documentElement.lang") == "en"
    assert not re.search(r"[\u4e00-\u9fff]", window.text("#desk"))
    assert window.see("document.documentElement.scrollWidth") <= 390


def test_both_languages_have_the_same_messages(service, window):
    open_sign_in(window, service)
    shape = "Object.fromEntries(Object.entries(W).map(([k, v]) => [k, v?.constructor === Object ? Object.keys(v) : 0]))"
    told = window.see(
        f"import('/outlet/words.js').then(({{ WORDS }}) => ['zh', 'en'].map((l) => WORDS[l]).map((W) => {shape}))"
    )
    assert told[0] == told[1]
    html = (Path(__file__).parents[1] / "api" / "service" / "outlet" / "page.html").read_text("utf-8")
    assert set(re.findall(r'data-word="(\w+)"', html)) <= told[0].keys()


def test_every_control_has_an_accessible_name_and_contrast(service, page):
    number, _ = parcel_at_outlet(service)
    page.scan(number)
    page.scan("12")
    page.scan("YT999999999998")
    row_of(page, "YT999999999998")
    names = page.names("button", "textbox", "combobox", "link", "image")
    assert len(names) >= 8
    assert all(names)
    assert f"Remove {number}" in names
    assert page.see("document.querySelector('#last').getAttribute('aria-live')") == "assertive"
    contrasts = page.see(CONTRASTS)
    assert len(contrasts) > 15
    assert [each for each in contrasts if each[1] < 4.5] == []


def test_only_key_and_open_work_are_stored_and_no_url_holds_data(service, page):
    number, _ = parcel_at_outlet(service)
    page.scan(number)
    row_of(page, number)
    print_ready(page)
    kept = "Promise.all([indexedDB.databases(), caches.keys()]).then((e) => [e, {...localStorage}, {...sessionStorage}, document.cookie])"
    assert page.see(kept) == [[[{"name": "waybill-device", "version": 2}], []], {}, {}, ""]
    assert kept_numbers(page) == [number]
    confirm_all_printed(page)
    page.until(f"({KEPT}).then((kept) => !kept.includes('{number}'))")
    assert page.see("location.href") == f"{service.url}/outlet"
    own = {f"{service.url}{path}" for path in (*FILES, "/v1/token", "/v1/labels")}
    others = {each for each in page.asked() if each not in own}
    assert all(each.startswith((f"blob:{service.url}/", "chrome-extension://", "data:,")) for each in others), others
    assert not [each for each in page.complaints() if "409" not in each]


def test_page_loads_no_foreign_content(service, page):
    for path in FILES:
        answer = service.http.get(path)
        assert answer.status_code == service.http.head(path).status_code == 200
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
    assert not re.search(r"<script>|\son\w+=|style=|https?:", service.http.get("/outlet").text)
    page.see(
        "{ const s = document.createElement('script'); s.textContent = 'window.foreign = 1'; document.body.append(s); }"
    )
    assert page.see("window.foreign === undefined")
    page.see("fetch('http://127.0.0.1:9/').catch(() => 0)")
    assert sum("Content Security Policy" in each for each in page.complaints()) >= 2
    assert json.dumps(page.complaints()).count("unsafe-inline") <= 2


def test_partial_number_is_refused_unless_entered_twice(service, page):
    number, _ = parcel_at_outlet(service)
    page.scan(number)
    row_of(page, number)
    before = len(page.asked())
    page.scan(number[-6:])
    assert "only the end of one" in page.text("#last")
    assert len(page.asked()) == before
    page.scan(number[-6:])
    assert row_of(page, number[-6:]) == ("bad", "Not a parcel of this outlet, or a wrong number")


def test_keys_pressed_right_after_the_focus_are_no_number(service, page):
    number, _ = parcel_at_outlet(service)
    lost = "document.hasFocus = () => false; window.dispatchEvent(new Event('blur')); window.lost = performance.now()"
    page.see(lost)  # a browser without a screen has no other window that takes the keys
    page.until("!document.querySelector('#deaf').hidden && performance.now() > window.lost + 100")
    assert page.text("#deaf").startswith("Scanner not heard")
    page.see(f"""(() => {{ const field = document.querySelector('#number');
      delete document.hasFocus; window.dispatchEvent(new Event('focus'));
      field.dispatchEvent(new KeyboardEvent('keydown', {{ key: '7', bubbles: true }}));
      field.value = '{number[3:]}'; field.form.requestSubmit(); }})()""")
    assert page.see("document.querySelector('#deaf').hidden")
    assert page.text("#last") == f"{number[3:]}  The beginning may be missing. Scan it again"
    page.scan(number)
    assert row_of(page, number)[0] == "ready"
