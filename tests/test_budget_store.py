"""Budgets in the stores: exact under any number of workers, freed by each act that ends a duty, followed by the day's work."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest
import sqlalchemy as sa

from masking.access.budget import DAYTIME, FULL, HALF, Hours
from masking.access.duty import UNKNOWN, Purpose
from masking.access.people import Actor, KeyProtection, Role
from masking.database import schema
from masking.deployment import create, open_folder
from masking.errors import SettingsError
from masking.journal import journal
from masking.ledger.log import decode
from masking.steps.assign import Assign, assign
from masking.steps.call import Call, call
from masking.steps.deliver import Deliver, deliver
from masking.steps.enrol import Unlock, enrol
from masking.steps.label import Label, label
from masking.steps.look import Look, look
from masking.steps.resolve import Resolve, resolve
from masking.steps.scan import Scan, scan
from masking.steps.shift import Shift, shift
from masking.store.rows import budgets, people
from masking.store.store import Settings
from masking.values.outcomes import Dial, ShiftSet, Unlocked
from masking.values.plaintext import Grant
from masking.values.printable import Refusal
from tests.support.concurrent_calls import at_once, flat
from tests.support.parcels import damage, limit_remaining, lock_out
from tests.support.people import COURIER, DISPATCHER, OTHER_COURIER, TENANT
from tests.support.running_service import load_parcels_on_van


def looking(world, store, labels, actor=COURIER):
    return resolve(world, store, [Resolve(actor=actor, code=each.code, purpose=Purpose.DELIVER) for each in labels])


def granted(answers) -> int:
    return sum(isinstance(each, Grant) for each in answers)


def tallied(world, store, actor=COURIER):
    with store.transaction() as tx:
        return budgets.open_tallies(tx, [actor.id], world.now())[actor.id]


@pytest.mark.parametrize("seed", range(3))
def test_concurrent_workers_neither_exceed_nor_lose_a_unit(world, store, workers, seed):
    """Every worker asks for parcels of its own and for some that others ask for, in pieces of any size."""
    dice = random.Random(seed)
    labels = load_parcels_on_van(world, store, 34)
    left = dice.choice([7, 19, 40])

    def work(worker):
        asked, answers = dice.sample(labels, 26), []
        while asked:
            some = [asked.pop() for _ in range(min(len(asked), dice.randint(1, 9)))]
            answers += [(each.code, answer) for each, answer in zip(some, looking(world, worker, some), strict=True)]
        return answers

    limit_remaining(world, store, left)
    before = tallied(world, store).opened_today
    answers = flat(at_once([lambda worker=worker: work(worker) for worker in workers]))
    opened = {code for code, answer in answers if isinstance(answer, Grant)}
    allowed = min(left, FULL.open_parcels, len({code for code, _ in answers}))
    assert len(opened) == allowed
    assert tallied(world, store).opened_today == before + allowed
    reasons = {answer.reason for _, answer in answers if isinstance(answer, Refusal)}
    assert reasons <= {"daily-budget-spent", "too-many-unfinished", "locked"}
    with store.reading() as tx:
        assert tx.execute(sa.select(sa.func.count(schema.assignment.c.counted_since))).scalar() == allowed


def test_views_and_calls_share_one_pace(world, store, workers):
    labels = load_parcels_on_van(world, store, 48)
    works = [
        lambda: call(world, workers[0], [Call(actor=COURIER, code=each.code) for each in labels[:24]]),
        lambda: call(world, workers[1], [Call(actor=COURIER, code=each.code) for each in labels[24:36]]),
        lambda: looking(world, workers[2], labels[36:42]),
        lambda: looking(world, workers[3], labels[42:]),
    ]
    answers = flat(at_once(works))
    assert sum(isinstance(each, Grant | Dial) for each in answers) == FULL.pace
    assert {(each.reason, each.retry_after) for each in answers if isinstance(each, Refusal)} == {("too-fast", 601)}


def deliver_(world, store, data):
    deliver(world, store, [Deliver(actor=COURIER, code=data.code)])


def attempt(world, store, data):
    scan(world, store, [Scan(actor=COURIER, what=data.code, kind="attempted")])


def hand_over(world, store, data):
    assign(world, store, [Assign(actor=DISPATCHER, what=data.code, courier=OTHER_COURIER.id)])


def depart(world, store, data):
    scan(world, store, [Scan(actor=DISPATCHER, what=data.code, kind="departed")])


@pytest.mark.parametrize("finish", [deliver_, attempt, hand_over, depart])
def test_every_end_of_a_duty_frees_its_place(world, store, finish):
    labels = load_parcels_on_van(world, store, FULL.open_parcels + 2)
    assert granted(looking(world, store, labels)) == FULL.open_parcels
    finish(world, store, labels[0])
    assert granted(looking(world, store, labels[-2:])) == 1


def test_second_look_after_an_attempt_takes_a_place_and_no_second_unit(world, store):
    labels = load_parcels_on_van(world, store, FULL.open_parcels + 1)
    looking(world, store, labels[:-1])
    attempt(world, store, labels[0])
    assert granted(looking(world, store, [labels[0], labels[-1]])) == 1
    assert tallied(world, store).opened_today == FULL.open_parcels


def test_days_work_is_todays_assignments_plus_yesterdays_rest(world, store, fake_world):
    labels = load_parcels_on_van(world, store, 30)
    assert tallied(world, store).assigned_today == 30
    deliver(world, store, [Deliver(actor=COURIER, code=each.code) for each in labels[:18]])
    fake_world.advance(hours=20)  # half past four in the morning
    assert tallied(world, store).assigned_today == 12
    [later] = load_parcels_on_van(world, store, 1, first=30)
    assert tallied(world, store).assigned_today == 13
    [grant] = looking(world, store, [later])
    assert grant.remaining == FULL.opened_limit(13) - 1
    fake_world.advance(days=1)
    assert tallied(world, store).assigned_today == 0  # duties last a day


def test_places_of_yesterday_are_free_this_morning(world, store, fake_world):
    labels = load_parcels_on_van(world, store, FULL.open_parcels + 5)
    assert granted(looking(world, store, labels)) == FULL.open_parcels
    fake_world.advance(hours=20)
    assert granted(looking(world, store, labels[::-1])) == FULL.open_parcels


def test_parcels_open_in_working_hours_only_but_work_can_be_finished_at_night(world, store, fake_world):
    labels = load_parcels_on_van(world, store, 2)
    store.settings = replace(store.settings, demo=False)
    assert store.settings.hours == DAYTIME
    assert granted(looking(world, store, labels)) == 2
    fake_world.advance(hours=15)  # half past eleven at night
    assert looking(world, store, labels) == [Refusal(reason="off-hours", retry_after=5.5 * 3600 + 1)] * 2
    assert call(world, store, [Call(actor=COURIER, code=labels[0].code)])[0].reason == "off-hours"
    attempt(world, store, labels[0])
    [done] = deliver(world, store, [Deliver(actor=COURIER, code=labels[1].code)])
    assert not isinstance(done, Refusal)


def test_courier_on_a_night_shift_opens_parcels_at_night(world, store, fake_world):
    fake_world.advance(hours=15)
    [data] = load_parcels_on_van(world, store, 1)
    store.settings = replace(store.settings, demo=False)
    assert looking(world, store, [data])[0].reason == "off-hours"
    assert isinstance(shift(world, store, [Shift(actor=DISPATCHER, courier=COURIER.id, hours=3)])[0], ShiftSet)
    assert granted(looking(world, store, [data])) == 1


def test_software_key_has_fewer_places(world, store):
    with store.transaction() as tx:
        assert people.bind(tx, COURIER.id, bytes(32), KeyProtection.SOFTWARE)
    assert granted(looking(world, store, load_parcels_on_van(world, store, FULL.open_parcels))) == HALF.open_parcels


REFUSED = {
    "resolve": (resolve, Resolve(actor=COURIER, code="no label", purpose=Purpose.DELIVER)),
    "look": (look, Look(actor=COURIER, code="no label")),
    "call": (call, Call(actor=COURIER, code="no label")),
    "deliver": (deliver, Deliver(actor=COURIER, code="no label")),
    "scan": (scan, Scan(actor=COURIER, what="no label", kind="attempted")),
    "assign": (assign, Assign(actor=DISPATCHER, what="no label", courier=COURIER.id)),
    "label": (label, Label(actor=DISPATCHER, id="no label", job="j", station="s")),
}


@pytest.mark.parametrize("step", REFUSED)
@pytest.mark.parametrize(("level", "limits"), [(KeyProtection.SOFTWARE, HALF), (KeyProtection.HARDWARE, FULL)])
def test_software_key_is_locked_after_half_the_refusals(world, store, step, level, limits):
    act, request = REFUSED[step]
    with store.transaction() as tx:
        assert people.bind(tx, request.actor.id, bytes(32), level)
    request = replace(request, actor=replace(request.actor, level=level))
    answers = [act(world, store, [request])[0].reason for _ in range(limits.refusals + 1)]
    assert answers == ["unknown"] * limits.refusals + ["locked"]


def test_supervisor_ends_a_lock_but_not_their_own(world, store):
    boss = Actor(id="boss", tenant=TENANT, role=Role.SUPERVISOR, unit="head-office")
    foreign = Actor(id="foreign", tenant="another-carrier", role=Role.SUPERVISOR, unit="head-office")
    with store.transaction() as tx:
        for actor in (boss, foreign):
            people.enrol(world, store.keys, tx, actor, world.now())
    [data] = load_parcels_on_van(world, store, 1)
    for actor in (COURIER, boss):
        lock_out(world, store, actor)
    for actor, whom in ((DISPATCHER, COURIER), (COURIER, COURIER), (boss, boss), (foreign, COURIER)):
        assert enrol(world, store, [Unlock(actor=actor, id=whom.id)]) == [UNKNOWN]
    assert looking(world, store, [data])[0].reason == "locked"
    assert enrol(world, store, [Unlock(actor=boss, id=COURIER.id)] * 2) == [Unlocked(id=COURIER.id)] * 2
    assert granted(looking(world, store, [data])) == 1
    lock_out(world, store)  # and is counted from nought
    with store.reading() as tx:
        bodies = tx.execute(sa.select(schema.leaf.c.body)).scalars().all()
        rung = [(kind, who) for _, kind, who in budgets.alarms(tx)]
    said = [leaf for leaf in map(decode, bodies) if leaf.kind == "unlock"]
    assert [(leaf.actor, dict(leaf.detail)) for leaf in said] == [(boss.id, {"person": COURIER.id})]
    assert Counter(rung) == {("too-many-refusals", COURIER.id): 2, ("too-many-refusals", boss.id): 1}


@pytest.mark.parametrize("how", ["seal", "row", "wrap"])
def test_unreadable_record_is_refused_alone_with_a_leaf(world, store, how):
    labels = load_parcels_on_van(world, store, 3)
    [(record, _)] = store.read_codes([labels[1].code], world, world.now())
    damage(store, record, how, "recipient_address")
    first, damaged, last = looking(world, store, labels)
    assert damaged == Refusal(reason="damaged")
    assert granted([first, last]) == 2
    kinds = [
        [
            (leaf.kind, leaf.detail.get("reason"))
            for leaf in journal.who_saw(world, store, record_)
            if leaf.detail.get("purpose") or leaf.kind == "refusal"
        ]
        for record_, _ in store.read_codes([each.code for each in labels], world, world.now())
    ]
    assert [sorted(each, key=str) for each in kinds] == [
        [("grant", None)],
        [("grant", None), ("refusal", "damaged")],
        [("grant", None)],
    ]
    with store.reading() as tx:
        assert [(kind, who) for _, kind, who in budgets.alarms(tx)] == [("damaged-record", COURIER.id)]


def test_working_hours_are_read_from_the_settings(tmp_path, world):
    create(tmp_path / "d", world, Settings())
    settings = tmp_path / "d" / "waybill.toml"
    text = settings.read_text("utf-8")
    for line, hours in (("last = 22", DAYTIME), ("last = 19", Hours(first=5, last=19))):
        settings.write_text(text.replace("last = 22", line), "utf-8")
        store = open_folder(tmp_path / "d", world)
        assert store.settings.opening == hours
        store.close()
    for line in ("last = 24", "last = 4", 'last = "19"', "last = true", "until = 9"):
        settings.write_text(text.replace("last = 22", line), "utf-8")
        with pytest.raises(SettingsError, match=r"\[hours\]"):
            open_folder(tmp_path / "d", world)


def test_budget_is_one_row_for_each_actor(world, store, fake_world):
    for n in range(4):
        looking(world, store, load_parcels_on_van(world, store, 2, first=2 * n))
        fake_world.advance(days=1)
    with store.reading() as tx:
        rows = Counter(tx.execute(sa.select(schema.budget.c.actor)).scalars())
        people = set(tx.execute(sa.select(schema.person.c.id)).scalars())
    assert set(rows.values()) == {1}
    assert {name for name in rows if not name.startswith("@")} <= people
