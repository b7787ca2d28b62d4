"""How many numbers are needed, when they run dry, and the command that says so and moves them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.cli.main import main
from masking.deployment import create, open_folder
from masking.numbers.plan import HORIZON, Demand, runs_dry
from masking.numbers.provider import ORIGINS
from masking.runtime import World
from masking.store.rows import slots
from masking.store.store import Settings
from tests.support.commands import run_waybill

demands = st.builds(
    Demand,
    daily=st.integers(100, 10**6),
    days=st.floats(1, 20),
    rest=st.sampled_from([7.0, 60.0]),
    unprinted=st.floats(0, 0.3),
    digits=st.integers(2, 6),
)


@given(demands)
def test_planned_pool_never_runs_dry(demand):
    assert runs_dry(demand, demand.slots, 0, 0) is None
    assert demand.main_numbers * 10**demand.digits >= demand.slots


@given(demands, st.floats(0.1, 0.7))
def test_two_thirds_of_the_planned_pool_runs_dry_within_the_year(demand, share):
    day = runs_dry(demand, int(demand.slots / 1.2 * share), 0, 0)
    assert day is not None
    assert day <= demand.days + demand.rest + 1


@given(demands, st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6), st.integers(1, 10**5))
def test_more_numbers_never_run_dry_sooner(demand, free, leased, cooling, more):
    days = [runs_dry(demand, free + extra, leased, cooling) for extra in (0, more)]
    first, second = (HORIZON if day is None else day for day in days)
    assert first <= second


@pytest.mark.parametrize(
    ("unprinted", "free", "leased", "cooling", "day"),
    [
        (0.0, 10, 40, 0, None),  # ten come back each day, and then those of today
        (0.0, 9, 40, 0, 0),
        (0.0, 10, 36, 0, 1),
        (0.0, 10, 0, 20, 3),  # what rests is all back after its two days
        (0.0, 20, 0, 0, 2),
        (1.0, 20, 0, 0, None),  # nothing is printed, so nothing rests
        (1.0, 19, 0, 0, 1),
    ],
)
def test_leased_numbers_return_evenly_and_unprinted_ones_without_a_rest(unprinted, free, leased, cooling, day):
    demand = Demand(daily=10, days=2.0, rest=2.0, unprinted=unprinted)
    assert runs_dry(demand, free, leased, cooling) == day


def test_reorder_level_is_two_days_of_a_sale():
    assert Demand(daily=10, peak=1.5).low_water == 30


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "d"
    create(place, World(), Settings())
    return place


def numbers(folder, *words):
    return run_waybill("numbers", *words, "--folder", folder)


def stages(folder):
    store = open_folder(folder, World())
    with store.reading() as tx:
        found = slots.count_by_stage(tx)
    store.close()
    return {(city, stage): count for (_, city, stage), count in found.items()}


def test_numbers_are_imported_quarantined_cleared_and_retired(folder, capsys):
    own = ("--city", "shanghai", "--switch", "switch-1")
    assert numbers(folder, "import", "17000000009", "000-999", *own) == 0
    assert numbers(folder, "import", "17000000009", "000-999", *own) == 1  # they are all there
    assert numbers(folder, "quarantine", "17000000009", "007", "008") == 0
    assert numbers(folder, "clear", "17000000009", "007") == 0
    assert numbers(folder, "retire", "17000000009", "999") == 0
    assert stages(folder) == {
        ("shanghai", "free"): 997,
        ("shanghai", "quarantined"): 1,
        ("shanghai", "cooling"): 1,
        ("shanghai", "retired"): 1,
    }
    capsys.readouterr()
    assert numbers(folder, "stock") == 0
    assert capsys.readouterr().out.split()[:4] == ["own-switch", "shanghai", "cooling", "1"]
    assert numbers(folder, "retire", "17000000008") == 1


def test_provider_that_connects_any_caller_is_taken_only_when_confirmed(folder, capsys):
    axe = ("import", "17000000009", "00-99", "--provider", "aliyun-axe", "--city", "shanghai", "--switch", "s")
    assert numbers(folder, *axe) == 2
    assert numbers(folder, *axe, "--connects-anyone") == 0
    capsys.readouterr()
    assert numbers(folder, "plan", "--daily", "10") == 0
    assert "RISK" in capsys.readouterr().out
    numbers(folder, "stock")
    assert "RISK" in capsys.readouterr().err


def test_plan_names_slots_main_numbers_and_the_day(folder, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert main(["numbers", "plan", "--daily", "100000"]) == 0  # without a deployment too
    said = capsys.readouterr().out
    assert "1303200 slots, 131 main numbers" in said
    assert "run dry" not in said
    numbers(folder, "import", "17000000009", "000-999", "--city", "shanghai", "--switch", "switch-1")
    numbers(folder, "plan", "--daily", "300", "--digits", "3")
    assert "there are 1000 slots, 1000 of them free: they run out on day 3" in capsys.readouterr().out
    numbers(folder, "plan", "--daily", "50")
    assert "not within a year" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        ("import", "17000000009", "000-99", "--city", "a", "--switch", "s"),
        ("import", "17000000009", "9-0", "--city", "a", "--switch", "s"),
        ("import", "12345", "0-9", "--city", "a", "--switch", "s"),
        ("import", "17000000009", "0-9", "--city", "上海", "--switch", "s"),
        ("plan", "--daily", "0"),
        ("plan", "--daily", "1", "--digits", "7"),
    ],
)
def test_invalid_import_is_named(folder, words, capsys):
    assert numbers(folder, *words) == 2
    assert ": " in capsys.readouterr().err


def test_provider_that_connects_any_caller_rests_longer():
    assert {each.rest.days for each in ORIGINS.values() if each.authorises_each_call} == {7}
    assert {each.rest.days for each in ORIGINS.values() if not each.authorises_each_call} == {60}
