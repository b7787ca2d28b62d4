"""Whose a waybill number is: a merchant gets its allotted ones, and among several merchants no other."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa

from api.cli.commands import doctor
from masking.access.network import Network
from masking.config import read_settings, written
from masking.database import schema
from masking.errors import SettingsError
from masking.steps.change import Ship, change
from masking.steps.checkout import Checkout, checkout
from masking.store.rows import people
from masking.store.store import Settings
from masking.values.printable import Rejected, Waybill
from masking.words.rules import Rule
from tests.support.parcels import check_out
from tests.support.people import NETWORK, RIVAL, SHOP

ROUTE = "342-081-00 052"
UNSHIPPED = {"waybill_number": None, "routing_code": None}
NUMBERS = {"shop": ["YT10", "YT2000..YT2499"], "*": ["SF"]}


@pytest.fixture
def allotted(store):
    store.settings = replace(store.settings, network=replace(NETWORK, numbers_of=NUMBERS))
    return store


def shipped(world, store, waybill, number, merchant=SHOP):
    asked = Ship(merchant=merchant, id=waybill.id, waybill_number=number, routing_code=ROUTE)
    return change(world, store, [asked])[0]


def rule(outcome) -> str:
    assert isinstance(outcome, Rejected), outcome
    assert outcome.field == "waybill_number"
    return outcome.rule


def alarms(store, kind: str) -> list[tuple[str, str]]:
    raised = sa.select(schema.alarm.c.actor, schema.alarm.c.partner).where(schema.alarm.c.kind == kind)
    with store.reading() as tx:
        return [tuple(row) for row in tx.execute(raised.order_by(schema.alarm.c.id))]


def clashes(store) -> list[tuple[str, str]]:
    return alarms(store, "number-clash")


@pytest.mark.parametrize(
    ("unit", "number", "may"),
    [
        ("shop", "YT1000000001", True),
        ("shop", "YT2000", True),
        ("shop", "YT2499", True),
        ("shop", "YT2500", False),
        ("shop", "YT20001", False),
        ("shop", "yt1000000001", False),
        ("shop", "SF1000000001", False),
        ("rival", "SF1000000001", True),
        ("rival", "YT1000000001", False),
    ],
)
def test_unit_uses_numbers_of_its_own_line_or_of_the_shared_ones(unit, number, may):
    assert Network(numbers_of=NUMBERS).is_allotted(unit, number) is may
    assert not Network().is_allotted(unit, number)


def test_allotted_number_is_refused_alike_whether_used_or_not(world, allotted, order):
    used, free = "YT1000000001", "YT1000000002"
    assert isinstance(shipped(world, allotted, check_out(world, allotted, order("A-1", **UNSHIPPED)), used), Waybill)
    orders = [order(f"R-{n}", waybill_number=number, routing_code=ROUTE) for n, number in enumerate((used, free))]
    taken = checkout(world, allotted, [Checkout(merchant=RIVAL, order=each) for each in orders])
    assert [rule(each) for each in taken] == [Rule.NUMBER_NOT_ALLOTTED] * 2
    [own] = checkout(world, allotted, [Checkout(merchant=RIVAL, order=order("R-3", **UNSHIPPED))])
    for number in (used, free):
        assert rule(shipped(world, allotted, own, number, RIVAL)) == Rule.NUMBER_NOT_ALLOTTED
    assert clashes(allotted) == []


def test_existing_order_is_answered_after_its_number_was_allotted_away(world, store, order):
    asked = [Checkout(merchant=SHOP, order=order("A-1", waybill_number="SF1000000001", routing_code=ROUTE))]
    [first] = checkout(world, store, asked)
    store.settings = replace(store.settings, network=replace(NETWORK, numbers_of=NUMBERS))
    assert checkout(world, store, asked) == [replace(first, created=False)]
    assert isinstance(shipped(world, store, first, "SF1000000001"), Waybill)


def test_clash_of_two_units_raises_an_alarm_that_names_both(world, store, order):
    number = "YT1000000001"
    assert isinstance(shipped(world, store, check_out(world, store, order("A-1", **UNSHIPPED)), number), Waybill)
    assert rule(shipped(world, store, check_out(world, store, order("A-2", **UNSHIPPED)), number)) == Rule.ALREADY_USED
    assert clashes(store) == []  # the unit's own slip
    [own] = checkout(world, store, [Checkout(merchant=RIVAL, order=order("R-1", **UNSHIPPED))])
    assert rule(shipped(world, store, own, number, RIVAL)) == Rule.ALREADY_USED
    assert clashes(store) == [(RIVAL.unit, SHOP.unit)]
    asked = order("R-2", waybill_number=number, routing_code=ROUTE)
    assert rule(checkout(world, store, [Checkout(merchant=RIVAL, order=asked)])[0]) == Rule.ALREADY_USED
    assert len(clashes(store)) == 1  # once an hour


def test_allotted_numbers_are_read_from_the_settings(tmp_path):
    path = tmp_path / "waybill.toml"
    path.write_text(written(Settings(network=Network(numbers_of=NUMBERS)), None), "utf-8")
    assert read_settings(path).network.numbers_of == NUMBERS


def test_numbers_are_refused_without_a_table_where_several_merchants_are_enrolled(world, store, order):
    used, free = "YT1000000001", "YT1000000002"
    own, other = (check_out(world, store, order(name, **UNSHIPPED)) for name in ("A-1", "A-2"))
    assert isinstance(shipped(world, store, own, used), Waybill)
    store.settings = replace(store.settings, network=replace(NETWORK, numbers_of={}))
    for number in (used, free):
        assert rule(shipped(world, store, other, number)) == Rule.NUMBER_NOT_ALLOTTED
        asked = Checkout(merchant=RIVAL, order=order("R-1", waybill_number=number, routing_code=ROUTE))
        assert rule(checkout(world, store, [asked])[0]) == Rule.NUMBER_NOT_ALLOTTED
    assert isinstance(shipped(world, store, own, used), Waybill)  # what has its number keeps it
    assert alarms(store, "numbers-not-allotted") == [(SHOP.unit, ""), (RIVAL.unit, "")]


def test_sole_merchant_needs_no_table_of_numbers(world, store, order):
    store.settings = replace(store.settings, network=replace(NETWORK, numbers_of={}))
    with store.transaction() as tx:
        people.revoke(tx, [RIVAL.id])
    own = check_out(world, store, order("A-1", **UNSHIPPED))
    assert isinstance(shipped(world, store, own, "YT1000000001"), Waybill)
    asked = Checkout(merchant=SHOP, order=order("A-2", waybill_number="YT1000000002", routing_code=ROUTE))
    assert isinstance(checkout(world, store, [asked])[0], Waybill)
    assert alarms(store, "numbers-not-allotted") == []


@pytest.mark.parametrize(
    ("numbers", "verdict", "says"),
    [
        ({}, "WRONG", "allotted to no unit and 2 merchants' units are enrolled"),
        ({"*": ["YT"]}, "look", '2 merchants\' units share the numbers of "*"'),
    ],
)
def test_doctor_names_numbers_that_merchants_share(world, store, numbers, verdict, says):
    store.settings = replace(store.settings, network=replace(NETWORK, numbers_of=numbers))
    assert [each.verdict for each in doctor._inside(store, world) if says in each.text] == [verdict]


@pytest.mark.parametrize("numbers", [{"shop": ["YT"], "*": ["SF"]}, {"shop": ["YT"], "rival": ["SF"]}])
def test_doctor_passes_numbers_of_one_unit_each(world, store, numbers):
    store.settings = replace(store.settings, network=replace(NETWORK, numbers_of=numbers))
    assert not [each for each in doctor._inside(store, world) if "numbers of" in each.text or "allotted" in each.text]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('shop = "YT10"', "lists"),
        ("shop = [10]", "lists"),
        ('shop = ["YT 10"]', "lists"),
        ('shop = ["YT20..YT10"]', "not a range"),
        ('shop = ["YT1..YT10"]', "not a range"),
        ('shop = ["YT1"]\nrival = ["YT15"]', "shop and rival the same numbers"),
        ('shop = ["YT1", "YT10"]\nrival = ["YT1500..YT1600"]', "shop and rival the same numbers"),
        ('shop = ["YT10"]\n"*" = ["YT"]', "the same numbers"),
    ],
)
def test_malformed_or_doubly_allotted_numbers_are_refused(tmp_path, line, says):
    (tmp_path / "waybill.toml").write_text(f"[numbers_of]\n{line}\n")
    with pytest.raises(SettingsError, match=says):
        read_settings(tmp_path / "waybill.toml")
