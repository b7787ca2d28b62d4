"""Against the honest day, those from the press: how many records each gains, at what bound, and which alarm rings.

`pytest -s tests/test_story_insiders.py` prints a line a story, and each is held against its row of the table in
`docs/threat-model.md`. A record is gained when anything is shown that is not on the masked label, or when a call would
reach a person.
"""

from __future__ import annotations

import random
import re
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from masking.access.budget import FULL, HANDED_ON_PERCENT, HANDED_ON_SPARE
from masking.access.duty import Purpose
from masking.access.people import Actor, Role
from masking.crypto.encoding import base32
from masking.crypto.index import waybill_id_of
from masking.crypto.labelcode import PREFIX
from masking.database import schema
from masking.journal import watch
from masking.ledger.log import decode
from masking.steps.assign import Assign, assign
from masking.steps.call import Call, call
from masking.steps.deliver import Deliver, deliver
from masking.steps.find import Find, find
from masking.steps.label import Label, label
from masking.steps.resolve import Resolve, resolve
from masking.steps.scan import Scan, scan
from masking.store.rows import budgets, people
from masking.values.outcomes import Assigned, Dial
from masking.values.plaintext import Grant, Plain
from masking.values.printable import LabelData
from tests.support.people import COURIER, DISPATCHER, OTHER_COURIER, RIVAL, TENANT
from tests.support.running_service import load_parcels_on_van

MODEL = (Path(__file__).parents[1] / "docs" / "threat-model.md").read_text("utf-8")
TABLE = MODEL.partition("| Who | Tries | Records gained | Alarms and findings |\n|---|---|---|---|\n")[2].partition(
    "\n\n"
)[0]
TOLD = {who: told for who, *told in (row.strip("| ").split(" | ") for row in TABLE.splitlines())}
"""The row of each attacker in the threat model: tries, records gained, alarms and findings."""

OUTSIDER = Actor(id="photographer", tenant=TENANT, role=Role.COURIER, unit="sh-02")
CLERK = Actor(id="sh-01-clerk", tenant=TENANT, role=Role.OUTLET, unit="sh-01")
FAR_CLERK = Actor(id="gz-09-clerk", tenant=TENANT, role=Role.OUTLET, unit="gz-09")
FAR_COURIER = Actor(id="gz-09-courier", tenant=TENANT, role=Role.COURIER, unit="gz-09")


@pytest.fixture(autouse=True)
def staffed(world, store, fake_world):
    with store.transaction() as tx:
        for actor in (OUTSIDER, CLERK, FAR_CLERK, FAR_COURIER):
            people.enrol(world, store.keys, tx, actor, world.now(), phone=Plain("13900000009"))
    store.settings = replace(store.settings, demo=False)
    fake_world.advance(hours=1)


pytestmark = pytest.mark.parametrize("urls", ["file"], indirect=True)


def number(cell):
    """The number that a cell of the table begins with."""
    return int(re.match(r"\s*([\d,]*\d)", cell)[1].replace(",", ""))


class Insider:
    """Tries, and counts what comes of it."""

    def __init__(self, name, world, store, fake_world) -> None:
        self.name, self.world, self.store, self.fake_world = name, world, store, fake_world
        self.gained: set[str] = set()
        self.tried = 0

    def looks(self, actor, codes, *purposes):
        for start in range(0, len(codes), 20):
            for purpose in purposes or (Purpose.DELIVER,):
                some = codes[start : start + 20]
                asked = [Resolve(actor=actor, code=code, purpose=purpose) for code in some]
                answers = resolve(self.world, self.store, asked)
                self.gained |= {c for c, a in zip(some, answers, strict=True) if isinstance(a, Grant)}
                self.tried += len(some)

    def calls(self, actor, codes):
        answers = call(self.world, self.store, [Call(actor=actor, code=code) for code in codes])
        self.gained |= {c for c, a in zip(codes, answers, strict=True) if isinstance(a, Dial)}
        self.tried += len(codes)

    def scans(self, actor, what, *kinds):
        return [scan(self.world, self.store, [Scan(actor=actor, what=w, kind=kind) for w in what]) for kind in kinds]

    def ends(self, most, *alarms):
        """The story's last line: what was gained, what rang by itself, and what the watch has found."""
        watch.watch(self.world, self.store)
        with self.store.reading() as tx:
            rung = sorted({(kind, who) for _, kind, who in budgets.alarms(tx)})
        print(f"\n{self.name:<60}| tried {self.tried:>6} | gained {len(self.gained):>3} of at most {most:>3} | {rung}")
        assert len(self.gained) <= most
        assert set(rung) == set(alarms), rung
        tries, gains, rings = TOLD[self.name]
        assert number(tries) == self.tried
        assert number(gains) == len(self.gained)
        assert number(gains.partition("at most")[2] or gains) == most
        assert set(rings.partition(",")[0].replace(" ", "-").split(";-")) == {kind for kind, _ in rung}


PLAYED: list[str] = []


def plays(name):
    """Play this row of the threat model's table: the fixture `insider` goes by its name."""
    PLAYED.append(name)
    return pytest.mark.parametrize("insider", [name], indirect=True)


@pytest.fixture
def insider(request, world, store, fake_world):
    return Insider(request.param, world, store, fake_world)


@plays("outlet clerk who pulls by number")
def test_clerk_who_queries_by_number_gains_nothing(world, store, insider):
    real = [each.waybill_number for each in load_parcels_on_van(world, store, 20)]
    numbers = real + [f"YT{n:012}" for n in range(1000, 1480)]
    insider.looks(FAR_CLERK, numbers)
    insider.scans(FAR_CLERK, numbers, "arrived", "departed")
    assign(world, store, [Assign(actor=FAR_CLERK, what=number, courier=FAR_COURIER.id) for number in numbers])
    insider.looks(FAR_COURIER, numbers)
    insider.ends(
        0,
        ("too-many-refusals", FAR_CLERK.id),
        ("too-many-refusals", FAR_COURIER.id),
    )


@plays("photographer with a login of their own")
def test_photographer_with_an_own_login_gains_nothing(world, store, insider):
    codes = [each.code for each in load_parcels_on_van(world, store, 100)]
    insider.looks(OUTSIDER, codes, *Purpose)
    insider.calls(OUTSIDER, codes)
    insider.scans(OUTSIDER, codes, "collected", "attempted")
    insider.ends(
        0,
        ("too-many-refusals", OUTSIDER.id),
        ("asks-for-strangers", OUTSIDER.id),
    )


@plays("renter with a copied credential, at night")
def test_renter_gains_no_more_at_once_than_one_courier_carries(world, store, insider, fake_world):
    codes = [each.code for each in load_parcels_on_van(world, store, 150)]
    fake_world.advance(hours=14)  # half past eleven at night
    insider.looks(COURIER, codes)
    assert not insider.gained
    insider.ends(0, ("too-many-refusals", COURIER.id))


@plays("the same by day, delivering nothing")
def test_renter_by_day_is_stopped_where_the_owner_would_deliver(world, store, insider, fake_world):
    codes = [each.code for each in load_parcels_on_van(world, store, 150)]
    for _ in range(8):
        insider.looks(COURIER, codes[:40])
        fake_world.advance(hours=1)
    insider.ends(
        FULL.open_parcels,
        ("views-without-delivery", COURIER.id),
    )


@plays("the same, reporting every recipient absent")
def test_renter_who_reports_failed_attempts_gains_one_days_work_at_its_pace(world, store, insider, fake_world):
    """Not stopped: what the owner may see, a holder of the owner's device may see. It costs the owner the day."""
    codes = [each.code for each in load_parcels_on_van(world, store, 150)]
    for minute in range(0, 40, 10):
        for start in range(40 * minute // 10, min(40 * minute // 10 + 40, 150), 20):
            insider.looks(COURIER, codes[start : start + 20])
            insider.scans(COURIER, codes[start : start + 20], "attempted")
        assert len(insider.gained) <= FULL.pace * (minute // 10 + 1)
        fake_world.advance(minutes=10)
    insider.ends(150, ("absent-everywhere", COURIER.id))


@plays("dispatcher and courier: assigned, looked at, withdrawn")
def test_invented_assignments_are_limited_and_found(world, store, insider, fake_world):
    labels = load_parcels_on_van(
        world, store, 100, OTHER_COURIER
    )  # these come to the outlet; the accomplice looks, then they go on
    codes = [each.code for each in labels]
    for code in codes:
        for courier in (COURIER, OTHER_COURIER):
            [given] = assign(world, store, [Assign(actor=DISPATCHER, what=code, courier=courier.id)])
            if courier == COURIER and isinstance(given, Assigned):
                insider.looks(COURIER, [code])
            elif isinstance(given, Assigned):  # and delivers, suspecting nothing
                resolve(world, store, [Resolve(actor=OTHER_COURIER, code=code, purpose=Purpose.DELIVER)])
                deliver(world, store, [Deliver(actor=OTHER_COURIER, code=code)])
        fake_world.advance(minutes=3)
    most = len(codes) * HANDED_ON_PERCENT // 100 + HANDED_ON_SPARE + FULL.open_parcels  # those given on, and those kept
    insider.ends(
        most,
        ("looked-then-withdrawn", DISPATCHER.id),
        ("pair-stands-out", DISPATCHER.id),
        ("too-many-refusals", COURIER.id),
    )


@plays("a clerk who makes up arrivals and assignments, and a courier")
def test_parcel_bound_elsewhere_is_not_assigned_however_many_collude(world, store, insider):
    photographed = [each.code for each in load_parcels_on_van(world, store, 15)]
    insider.scans(FAR_CLERK, photographed, "arrived")
    assign(world, store, [Assign(actor=FAR_CLERK, what=code, courier=FAR_COURIER.id) for code in photographed])
    insider.tried += 30
    insider.looks(FAR_COURIER, photographed)
    insider.ends(
        0,
        ("asks-for-strangers", FAR_CLERK.id),
        ("asks-for-strangers", FAR_COURIER.id),
    )


@plays("evening clerk in bulk")
def test_evening_clerk_in_bulk_gains_nothing(world, store, insider, fake_world):
    labels = load_parcels_on_van(world, store, 100)
    fake_world.advance(hours=12)  # half past nine: the others have gone home
    for _ in range(3):
        insider.looks(CLERK, [each.code for each in labels] * 10)
        fake_world.advance(hours=1)
    insider.ends(
        0,
        ("too-many-refusals", CLERK.id),
        ("asks-for-strangers", CLERK.id),
    )


@plays("broker's single look-ups, two an hour")
def test_broker_of_single_look_ups_gets_none_and_is_found_below_the_lock(world, store, insider, fake_world):
    wanted = load_parcels_on_van(world, store, 10)
    for each in wanted:  # one an hour: never twenty in one
        insider.looks(OTHER_COURIER, [each.waybill_number, each.code])
        fake_world.advance(minutes=55)
    insider.ends(0, ("asks-for-strangers", OTHER_COURIER.id))


@plays("reprints for a copy")
def test_reprint_as_a_copy_shows_only_the_label_and_is_found(world, store, insider):
    labels = load_parcels_on_van(world, store, 10)
    copies = label(
        world,
        store,
        [
            Label(actor=DISPATCHER, id=each.waybill_number, job="copy", station="st", reason="damaged")
            for each in labels
        ],
    )
    insider.tried += len(copies)
    for before, after in zip(labels, copies, strict=True):
        assert isinstance(after, LabelData)
        assert (after.view, after.print_number) == (before.view, 2)
        assert "0栋501" not in repr(after.view)
    insider.ends(0, ("reprints", DISPATCHER.id))


@plays("crawler")
def test_crawler_gains_nothing_from_ten_thousand_guesses(world, store, insider):
    real = load_parcels_on_van(world, store, 1)
    dice = random.Random(1)
    codes = [PREFIX + base32(b"\1" + dice.randbytes(34)) for _ in range(5000)]
    insider.looks(OTHER_COURIER, codes)
    tokens = [waybill_id_of(dice.randbytes(16)) for _ in range(5000)]
    refused = label(world, store, [Label(actor=RIVAL, id=each, job="c", station="c") for each in tokens])
    insider.tried += len(tokens)
    assert not any(isinstance(each, LabelData) for each in refused)
    assert find(world, store, [Find(merchant=RIVAL, phone=Plain("13800000001"))]) == [[]]
    insider.looks(OTHER_COURIER, [each.waybill_number for each in real])
    insider.ends(
        0,
        ("too-many-refusals", OTHER_COURIER.id),
        ("too-many-refusals", RIVAL.id),
    )


@plays("a person who looks at a canary")
def test_view_of_a_canary_raises_an_alarm_within_the_minute(world, store, insider, order):
    labels = load_parcels_on_van(world, store, 3)
    records = [code[0] for code in store.read_codes([each.code for each in labels], world, world.now()) if code]
    with store.transaction() as tx:
        assert watch.mark(tx, records[1], world.now())
        assert not watch.mark(tx, records[1], world.now())
    resolve(world, store, [Resolve(actor=COURIER, code=labels[0].code, purpose=Purpose.DELIVER)])
    assert watch.keep_watch(world, store) == []
    insider.looks(COURIER, [labels[1].code])
    [found] = watch.keep_watch(world, store)
    assert (found.kind, found.who) == ("canary", COURIER.id)
    watch.keep_watch(world, store)
    insider.looks(OUTSIDER, [labels[1].code])
    insider.ends(1, ("canary", COURIER.id), ("canary", OUTSIDER.id))


def test_every_row_of_the_table_is_played():
    assert sorted(PLAYED) == sorted(TOLD)


def test_counted_refusals_are_reported_though_their_actor_stops(world, store, fake_world):
    asked = Resolve(actor=COURIER, code="no label", purpose=Purpose.DELIVER)
    resolve(world, store, [asked] * 3)
    resolve(world, store, [asked] * 4)
    fake_world.advance(minutes=2)
    watch.keep_watch(world, store)
    watch.keep_watch(world, store)
    with store.transaction() as tx:
        assert budgets.open_tallies(tx, [COURIER.id], world.now())[COURIER.id].unreported_refusals == 0
        leaves = [decode(body) for body in tx.execute(sa.select(schema.leaf.c.body)).scalars()]
    assert sorted(leaf.detail["count"] for leaf in leaves if leaf.kind == "refusal-count") == ["3", "4"]
