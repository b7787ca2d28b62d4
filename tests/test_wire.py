"""Laws of the JSON forms: what is written is read back equal, and what is no outcome is an error that names nothing."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.service import outcome_models
from api.service.request_models import OrderIn
from masking.errors import InputError, IntegrityError
from masking.values.json import order_from_json, order_to_json, outcome_from_json, outcome_to_json
from masking.values.outcomes import (
    Assigned,
    CallBacks,
    Confirmed,
    Delivered,
    DeviceEnded,
    Dial,
    MaskedLookup,
    Reinstated,
    Reported,
    Revoked,
    Scanned,
    ShiftSet,
    Unlocked,
)
from masking.values.plaintext import Connect, Enrolled, Grant, Order, Party, Plain
from masking.values.printable import (
    CallEvent,
    Masked,
    MaskedParty,
    MaskedView,
    PrintedPage,
    Refusal,
    Rejected,
    ScanKind,
    VirtualNumber,
    Waybill,
    WaybillId,
    WaybillState,
)
from masking.words.reasons import Reason
from masking.words.rules import Rule

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
plains = texts.map(Plain)
moments = st.integers(0, 4 * 10**12).map(lambda ms: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms))
spans = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=3).map(tuple)
masked = st.builds(Masked, texts, spans)
parties = st.builds(MaskedParty, name=masked, phone=masked, address=masked)
views = st.builds(MaskedView, recipient=parties, sender=parties, goods=masked, remark=masked, stamp=texts)
numbers = st.builds(VirtualNumber, main=texts, extension=texts, expires=moments)
maybe = st.none() | texts
OUTCOMES = {
    Waybill: st.builds(
        Waybill,
        id=texts.map(WaybillId),
        reference=maybe,
        masked=st.none() | views,
        number=st.none() | numbers,
        merge=maybe,
        state=st.sampled_from(WaybillState),
        waybill_number=maybe,
        routing_code=maybe,
        created=st.booleans(),
    ),
    PrintedPage: st.builds(PrintedPage, page=st.integers(1, 100)),
    Rejected: st.builds(
        Rejected, reference=maybe, field=texts, rule=st.sampled_from(Rule), row=st.none() | st.integers(1, 9)
    ),
    Refusal: st.builds(Refusal, reason=st.sampled_from(Reason), retry_after=st.none() | st.integers(0, 9)),
    Grant: st.builds(
        Grant,
        fields=st.dictionaries(texts, plains),
        view_ref=texts,
        valid_until=moments,
        remaining=st.integers(0, 250),
    ),
    Dial: st.builds(Dial, number=numbers, valid_until=moments),
    Connect: st.builds(Connect, to=plains, shown=texts, call=texts),
    Reported: st.builds(Reported, call=texts, event=st.sampled_from(CallEvent)),
    CallBacks: st.builds(CallBacks, calls=st.lists(st.tuples(texts, moments)).map(tuple)),
    MaskedLookup: st.builds(MaskedLookup, view=views, matches=st.none() | st.booleans()),
    Scanned: st.builds(Scanned, kind=st.sampled_from(ScanKind), at=moments),
    Assigned: st.builds(Assigned, courier=texts, at=moments),
    Delivered: st.builds(Delivered, at=moments),
    Enrolled: st.builds(Enrolled, id=texts, code=plains, until=moments),
    Confirmed: st.builds(Confirmed, id=texts),
    ShiftSet: st.builds(ShiftSet, courier=texts, until=moments),
    Revoked: st.builds(Revoked, id=texts),
    Reinstated: st.builds(Reinstated, id=texts),
    DeviceEnded: st.builds(DeviceEnded, id=texts),
    Unlocked: st.builds(Unlocked, id=texts),
}
UNIONS = [
    each.__value__
    for name, each in vars(outcome_models).items()
    if name.endswith("Outcome") and hasattr(each, "__value__")
]
DESCRIBED = {
    get_args(model.model_fields["outcome"].annotation)[0]: model
    for union in UNIONS
    for model in get_args(get_args(union)[0])
}
"""Of each kind of outcome the model that describes it."""


@given(st.one_of(OUTCOMES.values()))
def test_outcome_round_trips_and_matches_the_description(outcome):
    written = json.loads(json.dumps(outcome_to_json(outcome)))
    assert outcome_from_json(written) == outcome
    found = DESCRIBED[written["outcome"]].model_validate(written, strict=False)
    assert json.loads(found.model_dump_json()) == written


@given(plain=st.lists(texts.map(str.strip), min_size=8, max_size=8), number=maybe, goods=st.booleans())
def test_order_round_trips(plain, number, goods):
    a, b, c, d, e, f, g, h = plain
    order = Order(
        reference=a,
        recipient=Party(name=b, phone=c, address=d),
        sender=Party(name=e, phone=f, address=g),
        goods=h,
        waybill_number=number,
        show_goods=goods,
    )
    written = json.loads(json.dumps(order_to_json(order)))
    assert order_from_json(written) == order
    assert order_from_json(OrderIn.model_validate(written).model_dump()) == order


def test_every_outcome_type_has_a_json_form_and_a_schema():
    from masking.values.json import _FORMS

    assert set(OUTCOMES) == set(_FORMS)
    for kind in _FORMS:
        assert dataclasses.is_dataclass(kind)
    assert {name for name, _, _ in _FORMS.values()} == set(DESCRIBED)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts | st.sampled_from(["waybill", "granted"]), inner),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["outcome", "id", "reason", "fields"]), json_values | st.just("granted")))
def test_invalid_outcome_is_an_error_that_repeats_nothing(value):
    with pytest.raises(IntegrityError, match=r"^the service's answer is not an outcome$"):
        outcome_from_json(value)


@pytest.mark.parametrize(
    ("change", "field", "rule"),
    [
        ({"reference": None}, "reference", "missing"),
        ({"reference": 7}, "reference", "wrong-type"),
        ({"recipient": {"name": "x", "phone": "1"}}, "recipient.address", "missing"),
        ({"sender": "一个人"}, "sender", "missing"),
        ({"goods": ["书"]}, "goods", "wrong-type"),
    ],
)
def test_broken_order_names_field_and_rule(change, field, rule):
    good = {"reference": "A", **{who: {"name": "a", "phone": "1", "address": "b"} for who in ("recipient", "sender")}}
    with pytest.raises(InputError) as caught:
        order_from_json(good | change)
    assert (caught.value.field, caught.value.rule) == (field, rule)
