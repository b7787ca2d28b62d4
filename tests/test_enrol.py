"""Who may enrol whom, who must vouch for it, what a code is worth, and that all of it is on the ledger."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from masking.access import credentials as words
from masking.access.duty import UNKNOWN
from masking.access.people import Actor, Role
from masking.database import schema
from masking.steps.enrol import CODES_A_DAY, ROLES, Confirm, Revoke, enrol
from masking.steps.redeem import NO_SHIFT, UNAUTHENTICATED, Issued
from masking.steps.shift import LONGEST, Shift, shift
from masking.store.rows import codes, people
from masking.values.outcomes import Confirmed, Revoked, ShiftSet
from masking.values.plaintext import Enrolled
from masking.values.printable import Refusal, Rejected
from tests.support.concurrent_calls import at_once
from tests.support.enrolment import (
    BOSS,
    DEPUTY,
    NEW,
    PHONE,
    REGION,
    acts_on_people,
    begun,
    held,
    let_in,
    new,
    shown,
    vouch,
)
from tests.support.people import COURIER, DISPATCHER, OPERATOR, RECEIVER, SHOP, STAFF, TENANT


def test_only_a_supervisor_enrols_and_revokes(supervised, world):
    for actor in (*STAFF, Actor(id="nobody", tenant=TENANT, role=Role.SUPERVISOR, unit="head-office")):
        asked = [new(actor), Revoke(actor=actor, id=COURIER.id)]
        assert enrol(world, supervised, asked) == [Refusal(reason="unknown")] * 2
    assert acts_on_people(supervised) == []


def test_operator_roles_are_not_enrolled_over_the_network(supervised, world):
    for role in set(Role) - ROLES:
        [outcome] = enrol(world, supervised, [new(role=role)])
        assert outcome == Rejected(reference=None, field="role", rule="not-a-supervisors-to-give")
    for id_ in (OPERATOR.id, BOSS.id, "nobody"):
        assert enrol(world, supervised, [Revoke(actor=BOSS, id=id_)]) == [Refusal(reason="unknown")]


@pytest.mark.parametrize("bad", ["", "A", "a b", "-a", "a" * 64, "a\0", "张"])
def test_ids_of_people_are_plain_words(supervised, world, bad):
    for field in ("id", "unit"):
        [outcome] = enrol(world, supervised, [new(**{field: bad})])
        assert (type(outcome), outcome.field) == (Rejected, field)


def test_code_is_valid_after_a_second_person_has_confirmed_it(supervised, world):
    [enrolled] = enrol(world, supervised, [new()])
    assert shown(supervised, world, enrolled.code) == UNAUTHENTICATED
    stranger = Actor(id="nobody", tenant=TENANT, role=Role.OUTLET, unit="sh-02")
    for by in (BOSS, DEPUTY, SHOP, COURIER, OPERATOR, stranger, NEW):  # the maker, their unit, wrong roles, a stranger
        assert vouch(supervised, world, by) == UNKNOWN
    for wrong in ({"unit": "sh-02"}, {"role": Role.OUTLET}, {"id": "courier-10"}, {"id": COURIER.id}):
        assert vouch(supervised, world, **wrong) == UNKNOWN
    assert shown(supervised, world, enrolled.code) == UNAUTHENTICATED
    assert vouch(supervised, world) == Confirmed(id=NEW.id)
    assert vouch(supervised, world, REGION) == UNKNOWN  # there is nothing left to confirm
    assert vouch(supervised, world) == Confirmed(id=NEW.id)  # a lost answer is asked for again, and recorded once
    begun(supervised, world)
    issued = shown(supervised, world, enrolled.code)
    assert vouch(supervised, world) == Confirmed(id=NEW.id)
    assert held(supervised, world, issued) == (NEW, b"d" * 32)
    assert sorted(acts_on_people(supervised)) == [
        ("confirm", DISPATCHER.id, NEW.id),
        ("device", NEW.id, NEW.id),
        ("enrol", BOSS.id, NEW.id),
        ("shift", DISPATCHER.id, NEW.id),
    ]


def test_no_person_confirms_their_own_enrolment(supervised, world):
    clerk = {"id": "clerk-9", "role": Role.OUTLET, "unit": "sh-09", "phone": None}
    enrol(world, supervised, [new(**clerk)])
    by = Actor(id="clerk-9", tenant=TENANT, role=Role.OUTLET, unit="sh-09")
    assert vouch(supervised, world, by, id="clerk-9", role=Role.OUTLET, unit="sh-09") == UNKNOWN


def test_first_code_of_an_empty_shop_needs_no_second_person(supervised, world):
    [enrolled] = enrol(world, supervised, [new(id="shop-9", role=Role.MERCHANT, unit="shop-9", phone=None)])
    assert isinstance(shown(supervised, world, enrolled.code), Issued)


def test_code_is_valid_for_two_hours(supervised, world, fake_world):
    [enrolled] = enrol(world, supervised, [new()])
    vouch(supervised, world)
    begun(supervised, world)
    fake_world.advance(hours=2)
    assert shown(supervised, world, enrolled.code) == UNAUTHENTICATED
    [enrolled] = enrol(world, supervised, [new()])
    fake_world.advance(hours=2)
    assert vouch(supervised, world) == UNKNOWN


def test_revocation_ends_token_device_and_code(supervised, world):
    issued = let_in(supervised, world)
    assert enrol(world, supervised, [Revoke(actor=BOSS, id=NEW.id)] * 2) == [Revoked(id=NEW.id)] * 2
    assert held(supervised, world, issued) is None
    assert shown(supervised, world, None) == UNAUTHENTICATED
    assert enrol(world, supervised, [new()]) == [Refusal(reason="id-taken")]
    [enrolled] = enrol(world, supervised, [new(id="courier-10", phone=None)])
    vouch(supervised, world, id="courier-10")
    enrol(world, supervised, [Revoke(actor=BOSS, id="courier-10")])
    assert shown(supervised, world, enrolled.code, b"e" * 32) == UNAUTHENTICATED


def test_revocation_applies_to_later_items_of_the_same_batch(supervised, world):
    enrol(world, supervised, [new()])
    stated = {"id": NEW.id, "role": NEW.role, "unit": NEW.unit, "phone": PHONE}
    revoked, word, again = enrol(
        world,
        supervised,
        [
            Revoke(actor=BOSS, id=DISPATCHER.id),
            Confirm(actor=DISPATCHER, **stated),
            Revoke(actor=BOSS, id=DISPATCHER.id),
        ],
    )
    assert (revoked, word, again) == (Revoked(id=DISPATCHER.id), UNKNOWN, Revoked(id=DISPATCHER.id))
    assert acts_on_people(supervised).count(("revoke", BOSS.id, DISPATCHER.id)) == 1


def test_supervisor_makes_a_limited_number_of_codes_a_day(supervised, world, fake_world):
    asked = [new(phone=None)] * (CODES_A_DAY + 1)
    outcomes = enrol(world, supervised, asked)
    assert outcomes[-1] == Refusal(reason="enough-for-today")
    assert all(isinstance(each, Enrolled) for each in outcomes[:-1])
    with supervised.transaction() as tx:
        codes.sweep(tx, world.now())
    assert enrol(world, supervised, asked[:1]) == [Refusal(reason="enough-for-today")]
    assert isinstance(enrol(world, supervised, [new(REGION, phone=None)])[0], Enrolled)
    fake_world.advance(days=1)
    assert isinstance(enrol(world, supervised, asked[:1])[0], Enrolled)


def test_concurrent_workers_keep_the_daily_limit_of_codes(supervised, world, workers):
    assert isinstance(enrol(world, supervised, [new(phone=None)])[0], Enrolled)
    asked = [new(phone=None)] * (CODES_A_DAY // 2 - 3)
    found = at_once([lambda worker=worker: enrol(world, worker, asked) for worker in workers])
    assert sum(isinstance(each, Enrolled) for some in found for each in some) == CODES_A_DAY - 1


def test_no_token_is_issued_outside_a_shift(supervised, world, fake_world):
    [enrolled] = enrol(world, supervised, [new()])
    vouch(supervised, world)
    assert shown(supervised, world, enrolled.code) == NO_SHIFT  # the device is known from now on
    [longest] = shift(world, supervised, [Shift(actor=DISPATCHER, courier=NEW.id, hours=100)])
    assert longest == ShiftSet(courier=NEW.id, until=world.now() + LONGEST)
    begun(supervised, world, hours=1)
    fake_world.advance(minutes=30)
    issued = shown(supervised, world, None)
    assert held(supervised, world, issued) == (NEW, b"d" * 32)
    fake_world.advance(minutes=30)
    assert held(supervised, world, issued) is None
    assert shown(supervised, world, None) == NO_SHIFT


def test_outlet_starts_a_shift_and_its_end_ends_the_tokens(supervised, world):
    issued = let_in(supervised, world)
    other = Actor(id="hz-01-clerk", tenant=TENANT, role=Role.OUTLET, unit="hz-01")
    with supervised.transaction() as tx:
        people.enrol(world, supervised.keys, tx, other, world.now())
    for by in (NEW, COURIER, BOSS, SHOP, other):
        assert shift(world, supervised, [Shift(actor=by, courier=NEW.id, hours=1)]) == [UNKNOWN]
    assert shift(world, supervised, [Shift(actor=DISPATCHER, courier=RECEIVER.id, hours=1)]) == [UNKNOWN]
    assert shift(world, supervised, [Shift(actor=COURIER, courier=NEW.id, hours=0)]) == [UNKNOWN]
    assert held(supervised, world, issued)
    assert shift(world, supervised, [Shift(actor=NEW, courier=NEW.id, hours=0)]) == [
        ShiftSet(courier=NEW.id, until=world.now())
    ]
    assert held(supervised, world, issued) is None
    assert shown(supervised, world, None) == NO_SHIFT
    assert acts_on_people(supervised).count(("shift-end", NEW.id, NEW.id)) == 1


def test_id_of_another_person_is_not_given_away(supervised, world):
    for changes in ({"id": SHOP.id}, {"id": COURIER.id, "unit": "sh-02"}, {"id": COURIER.id, "role": Role.OUTLET}):
        assert enrol(world, supervised, [new(**changes)]) == [Refusal(reason="id-taken")]


def test_credentials_are_stored_as_hashes_and_not_printed(supervised, world):
    [outcome] = enrol(world, supervised, [new()])
    code = outcome.code.reveal()
    assert code not in repr(outcome)
    with supervised.reading() as tx:
        rows = tx.execute(sa.select(schema.code)).all()
    assert len(rows) == 1
    assert code[5:].encode() not in repr(rows).encode()
    assert words.digest(words.CODE, code) == rows[0].digest
    for text in ("", code[:-1], code + "A", code.replace("wbc1_", "wbt1_"), " " + code):
        assert words.digest(words.CODE, text) is None
