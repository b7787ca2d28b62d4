"""A preview of a label, over HTTP: the print without its code, which counts as none."""

from __future__ import annotations

import base64
import io

import pytest
from PIL import Image
from pypdf import PdfReader

from masking.crypto.index import record_of_waybill_id
from masking.journal import journal
from print_templates.read import decode, read_pdf
from tests.support.outlet_page import parcel_at_outlet, record_of
from tests.support.people import DISPATCHER


def test_preview_shows_the_label_without_a_code_and_is_no_print(service):
    number, token = parcel_at_outlet(service)
    asked = {"ids": [number], "job": "look"}
    answer = service.ask(DISPATCHER, "/v1/labels", asked, headers={"Accept": "image/png"})
    assert answer.headers["content-type"] == "image/png"
    assert set(decode(Image.open(io.BytesIO(answer.content)).convert("L"))) == {number}
    assert record_of(service, token).prints == 0
    kinds = [leaf.kind for leaf in journal.who_saw(service.clock.world, service.store, record_of_waybill_id(token))]
    assert kinds[-1] == "preview"
    printed = service.ask(DISPATCHER, "/v1/labels", asked).json()
    [code] = [c for c in set(read_pdf(base64.b64decode(printed["pdf"]))[0].codes) if c.startswith("WB1")]
    again = service.ask(DISPATCHER, "/v1/labels", asked, headers={"Accept": "image/png"})
    assert code not in decode(Image.open(io.BytesIO(again.content)).convert("L"))


@pytest.mark.parametrize(
    ("ids", "status", "word"),
    [(["YT999999999999"], 409, "refused"), (["YT999999999999"] * 2, 422, "input"), (["wb1_"], 409, "refused")],
)
def test_failed_preview_is_a_problem_and_no_picture(service, ids, status, word):
    answer = service.ask(DISPATCHER, "/v1/labels", {"ids": ids, "job": "j"}, headers={"Accept": "image/png"})
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (status, word)


def test_each_reprint_has_its_own_reason_and_a_first_print_none(service):
    (one, first), (two, second), (new, third) = (
        parcel_at_outlet(service),
        parcel_at_outlet(service),
        parcel_at_outlet(service),
    )
    service.ask(DISPATCHER, "/v1/labels", {"ids": [one, two], "job": "first"})
    reprints = [{"id": one, "reason": "damaged"}, {"id": new, "reason": "repacked"}]
    asked = {"ids": [one, two, new], "job": "second", "reason": "printer-jam", "reprints": reprints}
    answer = service.ask(DISPATCHER, "/v1/labels", asked).json()
    assert [each["outcome"] for each in answer["outcomes"]] == ["printed"] * 3
    reasons = [
        [
            leaf.detail.get("reason")
            for leaf in journal.who_saw(service.clock.world, service.store, record_of_waybill_id(token))
        ][-1]
        for token in (first, second, third)
    ]
    assert reasons == ["damaged", "printer-jam", None]


def test_pdf_is_named_after_its_job(service):
    number, _ = parcel_at_outlet(service)
    answer = service.ask(DISPATCHER, "/v1/labels", {"ids": [number], "job": "2026-11-24-a"}).json()
    document = PdfReader(io.BytesIO(base64.b64decode(answer["pdf"])))
    assert document.metadata.title == "labels 2026-11-24-a"
