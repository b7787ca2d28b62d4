"""The threat model is kept to its word: what it names is tested, and what it can't stop is at least on the record."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from masking.access.duty import Purpose
from masking.crypto.index import record_of_waybill_id
from masking.journal import journal
from masking.steps.label import Label, label
from masking.steps.resolve import Resolve, resolve
from masking.values.plaintext import Grant
from masking.values.printable import LabelData
from tests.support.carrier_network import label_far_parcel, send_to_outlet
from tests.support.people import COURIER, DISPATCHER, RECEIVER

ROOT = Path(__file__).parents[1]
MODEL = (ROOT / "docs" / "threat-model.md").read_text("utf-8")
THREATS = dict(re.findall(r"^### (T[^:]+): .*?\n(.*?)(?=^##)", MODEL, re.DOTALL | re.MULTILINE))
"""The section of each threat, by its names."""
TESTS = {
    name
    for path in (ROOT / "tests").glob("test_*.py")
    for name in re.findall(r"^def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)
}


@pytest.fixture
def parcel(world, store, order):
    return label_far_parcel(world, store, order)


def acts_on(parcel):
    found = journal.who_saw(parcel.world, parcel.store, record_of_waybill_id(parcel.id))
    return {(leaf.kind, leaf.actor) for leaf in found}


def test_every_test_that_the_threat_model_names_exists():
    named = set(re.findall(r"`(test_\w+)`", MODEL))
    assert len(named) > 40
    assert named <= TESTS


@pytest.mark.parametrize("threat", THREATS)
def test_every_claim_of_the_threat_model_has_a_test(threat):
    verdicts = re.split(r"^\*(.*?)\*$", THREATS[threat], flags=re.MULTILINE)[1:]
    claims = dict(zip(verdicts[::2], verdicts[1::2], strict=True))
    assert claims.keys() <= {"Stopped", "Limited", "Only attributable", "Not covered"}
    assert "Stopped" in claims
    for verdict in claims.keys() - {"Not covered"}:
        for claim in claims[verdict].strip().removeprefix("- ").split("\n- "):
            assert re.search(r"`test_\w+`", claim), claim


def test_all_twelve_threats_have_a_section():
    assert {name for names in THREATS for name in names.split(", ")} == {f"T{n}" for n in range(1, 13)}


def test_acts_of_three_colluding_people_name_all_three(parcel):
    send_to_outlet(parcel)  # it is on the road to them, and is not there yet
    parcel.moves((RECEIVER, "arrived"))
    asked = [Label(actor=DISPATCHER, id=parcel.id, job="copy", station="st-1", reason="damaged")]
    [copy] = label(parcel.world, parcel.store, asked)
    assert isinstance(copy, LabelData)
    parcel.given(DISPATCHER, COURIER)
    asked = [Resolve(actor=COURIER, code=copy.code, purpose=Purpose.DELIVER)]
    assert isinstance(resolve(parcel.world, parcel.store, asked)[0], Grant)
    assert acts_on(parcel) >= {
        ("scan", RECEIVER.id),
        ("reprint", DISPATCHER.id),
        ("assign", DISPATCHER.id),
        ("grant", COURIER.id),
    }


def test_photographed_screen_leads_to_the_view_and_its_courier(parcel):
    send_to_outlet(parcel)
    parcel.moves((RECEIVER, "arrived"))
    parcel.given(DISPATCHER, COURIER)
    asked = [Resolve(actor=COURIER, code=parcel.data.code, purpose=Purpose.DELIVER)] * 2
    shown = [grant.view_ref for grant in resolve(parcel.world, parcel.store, asked)]
    found = journal.who_saw(parcel.world, parcel.store, record_of_waybill_id(parcel.id))
    grants = {leaf.id.hex()[-6:].upper(): leaf.actor for leaf in found if leaf.kind == "grant"}
    assert grants == dict.fromkeys(shown, COURIER.id)
    assert len(set(shown)) == 2


def test_viewed_door_without_a_delivery_stands_out_on_the_ledger(parcel):
    send_to_outlet(parcel)
    parcel.moves((RECEIVER, "arrived"))
    parcel.given(DISPATCHER, COURIER)
    parcel.seen(COURIER, Purpose.DELIVER)
    parcel.moves((DISPATCHER, "departed"))
    acts = acts_on(parcel)
    assert ("grant", COURIER.id) in acts
    assert not {kind for kind, who in acts if who == COURIER.id} & {"deliver", "scan"}
