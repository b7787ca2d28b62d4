"""Plaintext does not print itself: not by any way in which Python turns a value into text or bytes."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
import pprint
import string
import traceback
from datetime import UTC, datetime

import pytest

from masking.values.plaintext import Connect, Enrolled, Grant, Order, Party, Plain

UNTIL = datetime(2026, 11, 24, tzinfo=UTC)
SECRET = "金丝雀九八七六"
PARTY = Party(name=SECRET, phone="13800000001", address=SECRET)
VALUES = (
    Plain(SECRET),
    PARTY,
    Order(reference="A-1", recipient=PARTY, sender=PARTY, goods=SECRET, remark=SECRET),
    Grant(
        fields={"recipient.address": Plain(SECRET)},
        view_ref="AAAAAA",
        valid_until=UNTIL,
        remaining=1,
    ),
    Connect(to=Plain(SECRET), shown="17000000000,1000", call="00"),
    Enrolled(id="courier-7", code=Plain(SECRET), until=UNTIL),
)


def shown(value):
    """Everything that printing, formatting and dumping a value gives."""
    yield from (repr(value), str(value), f"{value}", f"{value!r:>40}", f"{value!a}", "%s %r" % (value, value))  # noqa: UP031  as old code and loggers do
    yield from (repr([value]), str({"a": (value,)}), pprint.pformat([value]), string.Template("$v").substitute(v=value))
    yield json.dumps([value], default=repr)
    yield json.dumps([value], default=str)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_no_way_of_printing_shows_a_plain_value(value):
    for text in shown(value):
        assert SECRET not in text
        assert "13800000001" not in text


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_no_way_of_copying_exports_a_plain_value(value):
    ways = [pickle.dumps, copy.deepcopy, json.dumps]
    if dataclasses.is_dataclass(value):
        ways.append(dataclasses.asdict)
    for way in ways:
        with pytest.raises(TypeError) as caught:
            way(value)
        assert SECRET not in str(caught.value)


def test_serialisers_get_no_plain_value():
    for ask in (Plain.__getstate__, Plain.__reduce__, copy.copy, vars):
        with pytest.raises(TypeError):
            ask(Plain(SECRET))


def test_traceback_with_variables_shows_no_plain_value(store, world, order):
    from masking.steps.checkout import Checkout, checkout
    from tests.support.people import SHOP

    broken = order(recipient=PARTY, waybill_number=None)
    try:
        checkout(world, store, [Checkout(merchant=SHOP, order=broken), None])
    except AttributeError as error:
        text = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert "requests" in text
    assert SECRET not in text
