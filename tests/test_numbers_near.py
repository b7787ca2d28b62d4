"""A number belongs to where the parcel goes: which line a lease takes, in which order it looks, and when it is taken."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from masking.config import read_settings
from masking.crypto.index import record_of_waybill_id
from masking.database import schema
from masking.errors import SettingsError
from masking.numbers.pool import DEMO, OPEN_AREAS, OPEN_LINE_REST, REST, SlotAct, area_of, reaches
from masking.redact.destination import city_of
from masking.redact.view import mask_order
from masking.steps.label import Label, label
from masking.steps.retire import Destroy, retire
from masking.store.rows import slots
from masking.values.plaintext import Party
from tests.support.calls import call_alarms
from tests.support.parcels import check_out, print_label
from tests.support.people import OPERATOR, SHOP

SHANGHAI, HANGZHOU, NINGBO = "3101", "3301", "3302"
ANHUI_ROAD = "安徽省合肥市庐阳区长江中路1号2幢301室"
FREE_LINES = sa.select(schema.line).where(
    schema.line.c.main.in_(sa.select(schema.slot.c.main).where(schema.slot.c.stage == "free"))
)
words = st.one_of(st.from_regex(r"[1-9][0-9]{3}", fullmatch=True), st.sampled_from(["", "nowhere", "3300"]))


@pytest.fixture
def pool(store, world):
    """Makes a pool of these cities, each with so many free numbers; the demo's own are gone."""
    with store.transaction() as tx:
        slots.withdraw(tx, SlotAct.RETIRE, DEMO.main, None, world.now())

    def fill(first=1, **cities):
        for n, (city, many) in enumerate(cities.items(), first):
            rest = OPEN_LINE_REST if city.startswith("open") else REST
            name = city.removeprefix("open").removeprefix("_")
            line = DEMO._replace(main=f"1700000000{n}", city=name, rest=rest)
            with store.transaction() as tx:
                assert slots.add(tx, line, line.slots(0, many - 1), world) == many
        return {f"1700000000{n}": city for n, city in enumerate(cities, first)}

    return fill


def leased(world, store, mains, *cities, first=0):
    """The city of the line that each parcel to one of these cities was leased, None where it got none; in one go."""
    wanted = {(first + n).to_bytes(16, "big"): city for n, city in enumerate(cities)}
    with store.transaction() as tx:
        numbers = slots.lease(tx, wanted, world.now(), world)
    return [(each in numbers and mains[numbers[each].main]) or None for each in wanted]


def test_parcel_gets_a_number_of_its_own_city(world, store, pool):
    mains = pool(_3101=5, _3301=5, _3302=5, nowhere=5)
    found = leased(world, store, mains, HANGZHOU, SHANGHAI, NINGBO, "", HANGZHOU)
    assert found == ["_3301", "_3101", "_3302", "nowhere", "_3301"]
    assert call_alarms(store) == []


def test_exhausted_city_falls_back_to_the_province_and_then_to_any(world, store, pool, fake_world):
    mains = pool(_3101=2, _3301=1, _3302=2)
    assert leased(world, store, mains, HANGZHOU, HANGZHOU) == ["_3301", "_3302"]
    assert call_alarms(store) == [("numbers-elsewhere", HANGZHOU)]
    assert leased(world, store, mains, HANGZHOU, NINGBO, first=10) == ["_3101", "_3302"]  # its own parcels come first
    fake_world.advance(minutes=61)
    assert leased(world, store, mains, HANGZHOU, NINGBO, SHANGHAI, first=20) == [None, None, "_3101"]
    assert call_alarms(store)[1:] == [("numbers-dry", "pool")]
    mains = pool(first=4, _3101=3)
    assert leased(world, store, mains, HANGZHOU, HANGZHOU, first=30) == ["_3101", "_3101"]
    # not more than once an hour; alarms of one millisecond have no order
    assert sorted(call_alarms(store)[1:]) == [("numbers-dry", "pool"), ("numbers-elsewhere", HANGZHOU)]


def test_city_without_lines_is_served_from_elsewhere_without_an_alarm(world, store, pool):
    mains = pool(_3101=5, _3302=5)
    assert leased(world, store, mains, HANGZHOU, "3300", "3401") in (
        ["_3302", "_3302", "_3101"],
        ["_3302", "_3302", "_3302"],
    )
    assert call_alarms(store) == []


def test_line_that_connects_any_caller_is_used_last(world, store, pool):
    mains = pool(open_3301=5, _3101=1)
    assert leased(world, store, mains, HANGZHOU, HANGZHOU) == ["_3101", "open_3301"]


def test_rested_number_returns_to_its_city(world, store, pool, order, fake_world):
    pool(_3101=1, _3301=1)
    for n in range(4):
        waybill = check_out(world, store, order(f"A-{n}"))  # to Shanghai
        assert waybill.number.main == "17000000001"
        print_label(world, store, waybill)
        retire(world, store, [Destroy(actor=OPERATOR, id=waybill.id, reason="test")])
        fake_world.advance(days=REST.days, seconds=1)
        with store.transaction() as tx:
            assert slots.free_rested(tx, world.now()) == 1


@pytest.mark.parametrize("seed", range(8))
def test_no_slot_is_leased_twice_and_the_nearest_goes_first(world, store, pool, seed):
    dice = Random(seed)
    choices = [SHANGHAI, HANGZHOU, NINGBO, "3401", "3300", ""]
    mains = pool(**{f"{dice.choice(['open', ''])}_{city}": dice.randrange(1, 6) for city in choices[:4]})
    wanted = {n.to_bytes(16, "big"): dice.choice(choices) for n in range(dice.randrange(1, 20))}
    with store.transaction() as tx:
        before = slots.counts(tx)["free"]
        numbers = slots.lease(tx, wanted, world.now(), world)
        left = {area_of(row.city, timedelta(milliseconds=row.rest)) for row in tx.execute(FREE_LINES)}
    assert len(numbers) == len({str(number) for number in numbers.values()}) == min(before, len(wanted))
    for each, number in numbers.items():
        city = mains[number.main]
        took = area_of(city.removeprefix("open").removeprefix("_"), OPEN_LINE_REST if city.startswith("open") else REST)
        for reach in reaches(wanted[each]):
            if took in reach.areas:
                break
            assert not [area for area in left if area in reach.areas], (reach, city)


@given(words, words, st.booleans())
def test_every_line_is_in_reach_of_every_city_and_reaches_are_nested(city, line, anybody):
    area = area_of(line, OPEN_LINE_REST if anybody else REST)
    steps = [step for step, reach in enumerate(reaches(city)) if area in reach.areas]
    names = [reaches(city)[step].name for step in steps]
    assert names in (["anywhere"], ["province", "anywhere"], ["city", "province", "anywhere"])
    assert (area >= OPEN_AREAS) == anybody == (min(steps) >= 3)
    assert ("city" in names) == (area_of(city) == area_of(line))
    assert ("province" in names) == (area_of(city) // 100 == area_of(line) // 100)


@pytest.mark.parametrize(
    ("address", "city"),
    [
        ("上海市浦东新区世纪大道100号3栋2单元501室", SHANGHAI),
        ("浙江省杭州市西湖区文三路90号5号楼301室", HANGZHOU),
        ("宁波鄞州区学士路655号2幢301", NINGBO),
        ("重庆市云阳县双江街道滨江大道1号2栋301", "5001"),  # a county of a municipality is that city too
        ("浙江省文三路90号5号楼301室", "3300"),
        ("文三路90号5号楼301室", ""),
    ],
)
def test_destination_is_read_from_the_masked_view(order, address, city):
    view = mask_order(order(recipient=Party(name="欧阳测试", phone="13800000001", address=address)))
    assert city_of(view) == city


def test_order_gets_a_number_of_its_destination_even_from_the_label_step(world, store, pool, order):
    with store.transaction() as tx:
        assert slots.free(tx, 1) == 0
    far = Party(name="欧阳测试", phone="13800000001", address=ANHUI_ROAD)
    pool(_3401=3, _3101=3)
    assert check_out(world, store, order("A-1")).number.main == "17000000002"
    assert check_out(world, store, order("A-2", recipient=far)).number.main == "17000000001"


@pytest.fixture
def at_print(store):
    store.settings = replace(store.settings, lease_at_print=True)
    return store


def test_lease_at_first_print_takes_no_number_at_checkout(world, at_print, order):
    cancelled, sent = check_out(world, at_print, order("A-1")), check_out(world, at_print, order("A-2"))
    assert (cancelled.number, sent.number) == (None, None)
    with at_print.transaction() as tx:
        assert slots.counts(tx) == {"free": 1000}
    asked = Label(actor=SHOP, id=sent.id, job="job-1", station="st-1")
    preview, printed, again = label(world, at_print, [replace(asked, preview=True), asked, asked])
    assert printed.number == again.number == preview.number is not None
    with at_print.transaction() as tx:
        assert slots.leases(tx, [record_of_waybill_id(sent.id)]).keys() == {record_of_waybill_id(sent.id)}
        assert slots.counts(tx) == {"free": 999, "leased": 1}
    retire(world, at_print, [Destroy(actor=OPERATOR, id=cancelled.id, reason="test")])
    retire(world, at_print, [Destroy(actor=OPERATOR, id=sent.id, reason="test")])
    with at_print.transaction() as tx:
        assert slots.counts(tx) == {"free": 999, "cooling": 1}
    assert call_alarms(at_print) == []


@pytest.mark.parametrize(
    ("text", "at_print"),
    [("", True), ('[numbers]\nlease = "checkout"\n', False), ('[numbers]\nlease = "print"\n', True)],
)
def test_time_of_the_lease_is_a_setting(tmp_path, text, at_print):
    (tmp_path / "waybill.toml").write_text(text)
    assert read_settings(tmp_path / "waybill.toml").lease_at_print is at_print


@pytest.mark.parametrize(
    "text",
    [
        "numbers = 1",
        "[numbers]\nshare = 0",
        "[numbers]\nshare = 101",
        "[numbers]\nshare = true",
        "[numbers]\nlease = []",
        '[numbers]\nlease = "never"',
        "[numbers]\nother = 1",
    ],
)
def test_unknown_time_of_the_lease_is_refused(tmp_path, text):
    (tmp_path / "waybill.toml").write_text(text)
    with pytest.raises(SettingsError, match="lease"):
        read_settings(tmp_path / "waybill.toml")
