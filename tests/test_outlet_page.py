"""The outlet's page in a real browser, worked with keyboard and hand scanner alone."""

from __future__ import annotations

import json
import re
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa

from api.service.request_models import ORDER
from api.service.routes.page import FILES
from masking.crypto.index import record_of_waybill_id
from masking.database.schema import label_print
from masking.journal import journal
from masking.store.rows import budgets, waybills
from tests.support.chromium import chromium
from tests.support.people import DISPATCHER, RECEIVER, SHOP
from tests.support.running_service import carrier_numbers

pytestmark = pytest.mark.system("chromium", "bash")
counter = count(1)
SETTLED = "!document.querySelector('#list [data-state=checking], #list [data-state=printing]')"
KEPT = """new Promise((done) => { const o = indexedDB.open('waybill-device'); o.onsuccess = () => {
  const all = o.result.transaction('desk').objectStore('desk').getAll();
  all.onsuccess = () => (o.result.close(), done(JSON.stringify(all.result))); }; })"""
CONTRASTS = """
[...document.querySelectorAll("body *")].filter((e) => e.checkVisibility() && !e.disabled
  && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())).map((e) => {
  const light = (text) => { const [r, g, b] = text.match(/[\\d.]+/g).map((v) => (v /= 255) <= 0.04045 ? v / 12.92
    : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  let ground = e; while (ground && getComputedStyle(ground).backgroundColor.endsWith(", 0)")) ground = ground.parentElement;
  const two = [light(getComputedStyle(e).color), light(ground ? getComputedStyle(ground).backgroundColor : "1 1 1")].sort();
  return [e.innerText, (two[1] + 0.05) / (two[0] + 0.05)]; })
"""


@pytest.fixture(scope="module")
def window():
    with chromium() as page:
        yield page


@pytest.fixture
def page(service, window):
    """The page, signed in at, in English; what the browser heard before is forgotten."""
    window.events.clear()
    entered(window, service)
    return window


def at_the_door(page, service, **how) -> None:
    page.open(f"{service.url}/outlet", **({"language": "en-US"} | how))
    page.until("document.activeElement.id === 'secret'")


def entered(page, service, **how) -> None:
    at_the_door(page, service, **how)
    page.scan(service.code(DISPATCHER))
    page.until("!document.querySelector('#desk').hidden")


def parcel(service, *, here: bool = True, **changes: str) -> tuple[str, str]:
    """A parcel's number and token; it lies at the outlet or is still on its way. `changes` are to its order."""
    n = next(counter)
    made_of = ORDER | carrier_numbers(n) | {"reference": f"page-{n}"} | changes
    [made] = service.outcomes(SHOP, "/v1/waybills", {"orders": [made_of]})
    number = carrier_numbers(n)["waybill_number"]
    if here:
        service.outcomes(RECEIVER, "/v1/scans", {"items": [{"what": number, "kind": "arrived"}]})
    return number, made["id"]


def record(service, token: str) -> waybills.Record:
    with service.store.reading() as tx:
        [found] = waybills.by_id(tx, [record_of_waybill_id(token)]).values()
    return found


def said(page, number: str) -> tuple[str, str]:
    """State and words of a number's row."""
    page.until(SETTLED)
    line = f"#list [data-number='{number}']"
    assert page.see(f'document.querySelector("{line}") !== null'), page.text("body")
    return page.see(f'document.querySelector("{line}").dataset.state'), page.text(f"{line} .outcome")


def printed(page) -> None:
    """Print what is ready, and wait until the document is there."""
    page.tab_to("#print")
    page.press("Enter")
    page.until("!document.querySelector('#confirm').hidden")


def scan_again_if_cut(page, number: str) -> None:
    """Scan, and once more where the page says that a print window may have taken the beginning."""
    page.scan(number)
    if page.text("#last").endswith("The beginning may be missing. Scan it again"):
        page.scan(number)


def came_out(page) -> None:
    """Say that all labels came out."""
    page.tab_to("#well")
    page.press("Enter")
    page.until("document.querySelector('#confirm').hidden")


def test_batch_is_scanned_viewed_and_printed_without_a_mouse(service, page):
    parcels = [parcel(service) for _ in range(3)]
    away, _ = parcel(service, here=False)
    for number, _ in (parcels[0], parcels[1]):
        page.scan(number)
    page.scan(away)
    page.scan(parcels[2][0].lower())
    words = "For this outlet, but not scanned in. Scan it as arrived, then scan it here again"
    assert said(page, away) == ("bad", words)
    assert {said(page, number) for number, _ in parcels} == {("ready", "Ready to print")}
    assert page.text("#counts") == "3 ready, 0 printed, 1 not"
    page.tab_to("#print")
    page.press("Enter")
    made = [("made", f"Made, page {n}; not confirmed") for n in (1, 2, 3)]
    assert [said(page, number) for number, _ in parcels] == made
    assert page.see("document.activeElement.id") == "number"
    assert [record(service, token).prints for _, token in parcels] == [1, 1, 1]
    assert page.see("document.querySelector('#download').download") == "labels.pdf"
    assert page.see("document.querySelector('#document').src === document.querySelector('#download').href")
    came_out(page)
    assert {said(page, number) for number, _ in parcels} == {("printed", "Printed")}
    assert page.text("#counts") == "0 ready, 3 printed, 1 not"


def test_preview_shows_the_scanned_label_and_can_show_others(service, page):
    one, two = parcel(service)[0], parcel(service)[0]
    page.scan(one)
    page.scan(two)
    said(page, two)
    assert page.see("document.querySelector('#picture').alt") == f"Preview of {two}"
    page.until("document.querySelector('#picture').naturalWidth === 800")
    page.tab_to(f"#list [data-number='{one}'] .number")
    page.press("Enter")
    assert page.see("document.querySelector('#picture').alt") == f"Preview of {one}"
    page.tab_to(f"#list [data-number='{one}'] .outcome + button")
    page.press("Enter")
    assert page.see("document.querySelectorAll('#list li').length") == 1
    assert page.see("document.activeElement.id") == "number"


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
    number, _ = parcel(service)
    page.scan(number)
    said(page, number)
    page.scan("".join(chr(ord(c) + 0xFEE0) for c in number))  # full-width, as an input method may leave it
    assert page.text("#last") == f"{number}  Already on the list"
    assert page.see("document.querySelectorAll('#list li').length") == 1


def test_reprint_takes_a_reason_and_counts(service, page):
    number, token = parcel(service)
    other, first = parcel(service)
    page.scan(number)
    said(page, number)
    printed(page)
    came_out(page)
    scan_again_if_cut(page, number)
    assert said(page, number) == ("bad", "Printed before. For a reprint choose a reason")
    page.tab_to(f"#list [data-number='{number}'] [data-reason='printer-jam']")
    page.press("Enter")
    assert said(page, number) == ("ready", "Ready to print")
    page.scan(other)
    said(page, other)
    printed(page)
    came_out(page)
    assert record(service, token).prints == 2
    assert record(service, first).prints == 1
    assert [reasons(service, each)[-1] for each in (token, first)] == ["printer-jam", None]
    scan_again_if_cut(page, number)  # the reason was for that one print
    assert said(page, number)[0] == "bad"


def reasons(service, token: str) -> list[str | None]:
    leaves = journal.who_saw(service.clock.world, service.store, record_of_waybill_id(token))
    return [leaf.detail.get("reason") for leaf in leaves if leaf.kind in {"print", "reprint"}]


def test_printed_row_tells_the_clerk_what_the_label_lacks(service, page):
    number, _ = parcel(service, remark="🙏谢谢")
    page.scan(number)
    page.until(SETTLED)
    page.tab_to("#print")
    page.press("Enter")
    state, words = said(page, number)
    assert (state, "〓" in words) == ("made", True), words


def test_label_too_large_for_the_paper_says_so_and_fits_a_larger_one(service, page):
    number, _ = parcel(service)
    page.scan(number)
    page.tab_to("#paper")
    for _ in range(4):
        page.press("ArrowDown")
    assert page.see("document.querySelector('#paper').value") == "60x40"
    page.until(f"{SETTLED} && document.querySelector('#picture').naturalWidth === 480")
    page.type("YT")  # a scanner that goes off while somebody chooses
    assert page.see("document.activeElement.id") == "number"
    assert page.see("document.querySelector('#number').value") == "YT"


def test_service_outage_loses_nothing_on_the_page(service, page):
    number, token = parcel(service)
    other, _ = parcel(service)
    page.scan(number)
    said(page, number)
    page.offline(off=True)
    page.scan(other)
    assert said(page, other) == ("unanswered", "No answer. Press “Check again”")
    page.tab_to("#print")
    page.press("Enter")
    page.until("!document.querySelector('#confirm').hidden")
    assert said(page, number)[0] == "made"
    assert "nothing is counted twice" in page.text("#last")
    assert page.see("document.querySelector('#well').hidden")  # no document came that could have come out
    page.offline(off=False)
    page.tab_to("#retry")
    page.press("Enter")
    assert said(page, other)[0] == "ready"
    page.tab_to("#again")
    page.press("Enter")
    page.until("!document.querySelector('#well').hidden")
    came_out(page)
    printed(page)
    came_out(page)
    assert said(page, number)[0] == said(page, other)[0] == "printed"
    assert record(service, token).prints == 1


def test_lost_answer_is_requested_again_and_counted_once(service, page):
    number, token = parcel(service)
    page.scan(number)
    said(page, number)
    page.lose_answers(lose=True)
    page.tab_to("#print")
    page.press("Enter")
    page.until("!document.querySelector('#confirm').hidden")
    page.lose_answers(lose=False)
    assert record(service, token).prints == 1  # it had been done
    page.tab_to("#again")
    page.press("Enter")
    page.until("!document.querySelector('#well').hidden")
    came_out(page)
    assert said(page, number)[0] == "printed"
    assert record(service, token).prints == 1


def test_page_uses_the_browsers_language_and_offers_the_other(service, window):
    at_the_door(window, service, language="zh-CN")
    assert (window.see("document.title"), window.see("document.documentElement.lang")) == ("打印面单", "zh-CN")
    entered(window, service, language="zh-CN", width=390)
    number, _ = parcel(service)
    window.scan(number)
    assert said(window, number) == ("ready", "可以打印")
    assert not re.search(r"[A-Za-z]{3}", window.text("#work").replace("YT", ""))
    window.tab_to("#language")
    window.press("Enter")
    assert said(window, number) == ("ready", "Ready to print")
    assert window.see("document.documentElement.lang") == "en"
    assert not re.search(r"[\u4e00-\u9fff]", window.text("#desk"))
    assert window.see("document.documentElement.scrollWidth") <= 390


def test_both_languages_have_the_same_messages(service, window):
    at_the_door(window, service)
    shape = "Object.fromEntries(Object.entries(W).map(([k, v]) => [k, v?.constructor === Object ? Object.keys(v) : 0]))"
    told = window.see(
        f"import('/outlet/words.js').then(({{ WORDS }}) => ['zh', 'en'].map((l) => WORDS[l]).map((W) => {shape}))"
    )
    assert told[0] == told[1]
    html = (Path(__file__).parents[1] / "api" / "service" / "outlet" / "page.html").read_text("utf-8")
    assert set(re.findall(r'data-word="(\w+)"', html)) <= told[0].keys()


def test_every_control_has_an_accessible_name_and_contrast(service, page):
    number, _ = parcel(service)
    page.scan(number)
    page.scan("12")
    page.scan("YT999999999998")
    said(page, "YT999999999998")
    names = page.names("button", "textbox", "combobox", "link", "image")
    assert len(names) >= 8
    assert all(names)
    assert f"Remove {number}" in names
    assert page.see("document.querySelector('#last').getAttribute('aria-live')") == "assertive"
    contrasts = page.see(CONTRASTS)
    assert len(contrasts) > 15
    assert [each for each in contrasts if each[1] < 4.5] == []


def test_only_key_and_open_work_are_stored_and_no_url_holds_data(service, page):
    number, _ = parcel(service)
    page.scan(number)
    said(page, number)
    printed(page)
    kept = "Promise.all([indexedDB.databases(), caches.keys()]).then((e) => [e, {...localStorage}, {...sessionStorage}, document.cookie])"
    assert page.see(kept) == [[[{"name": "waybill-device", "version": 2}], []], {}, {}, ""]
    assert kept_numbers(page) == [number]
    came_out(page)
    page.until(f"({KEPT}).then((kept) => !kept.includes('{number}'))")
    assert page.see("location.href") == f"{service.url}/outlet"
    own = {f"{service.url}{path}" for path in (*FILES, "/v1/token", "/v1/labels")}
    others = {each for each in page.asked() if each not in own}
    assert all(each.startswith((f"blob:{service.url}/", "chrome-extension://", "data:,")) for each in others), others
    assert not [each for each in page.complaints() if "409" not in each]


def kept_numbers(page) -> list[str]:
    """The waybill numbers in IndexedDB."""
    found = page.see(KEPT)
    return sorted(set(re.findall(r"YT\d{12}", found)))


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


def gone_again(page, service) -> None:
    """Close the page as it is, come back, and sign in by this computer's key."""
    at_the_door(page, service)
    page.until("document.querySelector('#secret-hint').innerText.includes('is enrolled')")
    page.press("Enter")
    page.until("!document.querySelector('#desk').hidden")


def test_reload_after_print_keeps_the_batch_and_the_waiting_scans(service, page):
    (one, first), (two, second), (waiting, _) = parcel(service), parcel(service), parcel(service)
    for number in (one, two):
        page.scan(number)
        said(page, number)
    printed(page)
    scan_again_if_cut(page, waiting)
    assert said(page, waiting)[0] == "ready"
    gone_again(page, service)
    assert said(page, one) == said(page, two) == ("made", "Not confirmed")
    assert said(page, waiting)[0] == "ready"
    assert page.text("#question").startswith("Did all 2 labels come out well?")
    page.tab_to(f"#list [data-number='{two}'] .more button")
    page.press("Enter")
    assert said(page, two)[0] == "doubt"
    page.tab_to("#again")
    page.press("Enter")
    page.until("!document.querySelector('#confirm').hidden && !document.querySelector('#download').hidden")
    assert said(page, two) == ("made", "Made, page 1; not confirmed")
    came_out(page)
    assert [record(service, token).prints for token in (first, second)] == [1, 1]
    gone_again(page, service)
    assert page.see("document.querySelectorAll('#list li').length") == 1
    assert said(page, waiting)[0] == "ready"


def test_batch_with_a_lost_answer_is_there_after_a_crash(service, page):
    number, token = parcel(service)
    page.scan(number)
    said(page, number)
    page.lose_answers(lose=True)
    page.tab_to("#print")
    page.press("Enter")
    page.until("!document.querySelector('#confirm').hidden")
    page.lose_answers(lose=False)
    gone_again(page, service)
    assert page.see("document.querySelector('#well').hidden")
    page.tab_to("#again")
    page.press("Enter")
    page.until("!document.querySelector('#well').hidden")
    came_out(page)
    assert record(service, token).prints == 1


def test_next_batch_waits_until_the_last_one_is_confirmed(service, page):
    one, two = parcel(service)[0], parcel(service)[0]
    page.scan(one)
    said(page, one)
    printed(page)
    scan_again_if_cut(page, two)
    said(page, two)
    assert page.see("document.querySelector('#print').disabled")
    came_out(page)
    assert not page.see("document.querySelector('#print').disabled")


def test_partial_number_is_refused_unless_entered_twice(service, page):
    number, _ = parcel(service)
    page.scan(number)
    said(page, number)
    before = len(page.asked())
    page.scan(number[-6:])
    assert "only the end of one" in page.text("#last")
    assert len(page.asked()) == before
    page.scan(number[-6:])
    assert said(page, number[-6:]) == ("bad", "Not a parcel of this outlet, or a wrong number")


def test_keys_pressed_right_after_the_focus_are_no_number(service, page):
    number, _ = parcel(service)
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
    assert said(page, number)[0] == "ready"


def test_many_unknown_numbers_stop_the_page_before_the_clerk_is_locked(service, page):
    wrong = [f"YT88000000{n:04}" for n in range(30)]
    for number in wrong:
        page.scan(number)
    said(page, wrong[-1])
    assert "Is it the wrong sack?" in page.text("#last")
    states = [said(page, number)[0] for number in wrong]
    assert states == ["bad"] * 5 + ["unanswered"] * 25
    good, _ = parcel(service)
    page.tab_to("#clear")
    page.press("Enter")
    page.scan(good)
    assert said(page, good)[0] == "unanswered"
    page.tab_to("#retry")
    page.press("Enter")
    assert said(page, good)[0] == "ready"


def test_locked_clerk_reads_until_when_and_who_helps(service, page):
    number, _ = parcel(service)
    with service.store.transaction() as tx:
        now = service.clock.world.now()
        tallies = budgets.open_tallies(tx, [DISPATCHER.id], now)
        for _ in range(20):
            tallies[DISPATCHER.id].record_refusal()
        budgets.save_tallies(tx, tallies, now, service.clock.world)
    page.scan(number)
    state, words = said(page, number)
    assert state == "unanswered"
    assert re.fullmatch(
        r"Locked after too many refusals. A supervisor can unlock you at once. Try again after \d\d:\d\d", words
    )
    with service.store.transaction() as tx:
        budgets.unlock(tx, DISPATCHER.id)
    page.tab_to("#retry")
    page.press("Enter")
    assert said(page, number)[0] == "ready"


def test_desk_keeps_its_name_and_paper(service, page):
    number, token = parcel(service)
    page.tab_to("#station")
    page.see("document.querySelector('#station').select()")
    page.type("door-3")
    page.press("Enter")
    page.tab_to("#paper")
    for _ in range(4):
        page.press("ArrowUp")
    page.until(f"({KEPT}).then((kept) => kept.includes('door-3') && kept.includes('100x180'))")
    page.press("ArrowDown")
    page.until(f"({KEPT}).then((kept) => kept.includes('100x150'))")
    gone_again(page, service)
    assert page.see("document.querySelector('#station').value") == "door-3"
    assert page.see("document.querySelector('#paper').value") == "100x150"
    page.scan(number)
    said(page, number)
    printed(page)
    came_out(page)
    with service.store.reading() as tx:
        query = sa.select(label_print.c.station).where(label_print.c.waybill == record_of_waybill_id(token))
        assert tx.execute(query).scalars().all() == ["door-3"]
    page.tab_to("#paper")
    page.press("ArrowUp")


def test_silent_service_is_waited_for_once_and_not_for_each_scan(service, page):
    numbers = [parcel(service)[0] for _ in range(5)]
    page.see("{ const real = AbortSignal.timeout; AbortSignal.timeout = () => real.call(AbortSignal, 2000); }")
    before = page.asked().count(f"{service.url}/v1/labels")
    page.hang(hangs=True)
    for number in numbers:
        page.scan(number)
    assert {said(page, number)[0] for number in numbers} == {"unanswered"}
    assert page.asked().count(f"{service.url}/v1/labels") == before + 1
    page.hang(hangs=False)
    page.tab_to("#retry")
    page.press("Enter")
    assert {said(page, number)[0] for number in numbers} == {"ready"}


def test_second_window_warns_that_the_page_is_open(service, page):
    second = page.another()
    at_the_door(second, service)
    second.scan(service.code(DISPATCHER))
    second.until("document.querySelector('#refused').textContent.includes('open in another window')")
    second.close()
