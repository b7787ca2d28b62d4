"""What one supervisor can do alone to people who are there: nothing that lasts, and little that stings."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from masking.access.duty import UNKNOWN
from masking.access.people import Actor, Role
from masking.database import schema
from masking.ledger.log import decode
from masking.steps.assign import Assign, assign
from masking.steps.enrol import (
    ENDED_A_DAY,
    PHONE_DIFFERS,
    SECOND,
    UNLOCKS_A_DAY,
    Confirm,
    Enrol,
    Lost,
    Reinstate,
    Revoke,
    Unlock,
    enrol,
)
from masking.steps.redeem import UNAUTHENTICATED, Issued
from masking.store.rows import budgets, interventions, people
from masking.values.outcomes import Confirmed, DeviceEnded, Reinstated, Revoked, Unlocked
from masking.values.plaintext import Connect, Plain
from masking.values.printable import Refusal
from tests.support.calls import RECIPIENT, call_alarms, dial, reason_heard
from tests.support.concurrent_calls import at_once
from tests.support.enrolment import BOSS, DEPUTY, NEW, PHONE, REGION, held, let_in, new, shown, vouch
from tests.support.parcels import check_out, lock_out, print_label, scan_arrival
from tests.support.people import COURIER, DISPATCHER, SHOP, TENANT

OTHER_PHONE = Plain("13900000029")
COLLEAGUE = Actor(id="shop-z", tenant=TENANT, role=Role.MERCHANT, unit=SHOP.unit)
MERCHANT = {"id": COLLEAGUE.id, "role": Role.MERCHANT, "unit": SHOP.unit}


def person(store, world, id_: str, role: Role, unit: str) -> Actor:
    actor = Actor(id=id_, tenant=TENANT, role=role, unit=unit)
    with store.transaction() as tx:
        people.enrol(world, store.keys, tx, actor, world.now())
    return actor


def details(store, kind: str) -> list[dict[str, str]]:
    with store.reading() as tx:
        bodies = tx.execute(sa.select(schema.leaf.c.body).order_by(schema.leaf.c.id)).scalars()
        return [dict(leaf.detail) for leaf in map(decode, bodies) if leaf.kind == kind]


def staff_of(store, world, many: int) -> list[Actor]:
    return [person(store, world, f"courier-{100 + n}", Role.COURIER, "sh-01") for n in range(many)]


@pytest.mark.parametrize("there", ["somebody", "an order"])
def test_further_shop_login_needs_a_second_person(supervised, world, order, there):
    unit = SHOP.unit
    if there == "an order":
        check_out(world, supervised, order())
        with supervised.transaction() as tx:  # as after the people of a shop were moved to other names
            tx.execute(schema.person.update().where(schema.person.c.id == SHOP.id).values(unit="elsewhere"))
    else:
        unit = person(supervised, world, "first", Role.MERCHANT, "shop-9").unit
    [enrolled] = enrol(world, supervised, [Enrol(actor=BOSS, id="shop-z", role=Role.MERCHANT, unit=unit)])
    assert shown(supervised, world, enrolled.code) == UNAUTHENTICATED
    asked = Confirm(actor=REGION, id="shop-z", role=Role.MERCHANT, unit=unit)
    assert enrol(world, supervised, [asked]) == [Confirmed(id="shop-z")]
    assert isinstance(shown(supervised, world, enrolled.code), Issued)


def test_new_code_for_a_shops_own_login_needs_a_second_person(supervised, world, order):
    check_out(world, supervised, order())
    [again] = enrol(world, supervised, [Enrol(actor=BOSS, id=SHOP.id, role=Role.MERCHANT, unit=SHOP.unit)])
    assert shown(supervised, world, again.code) == UNAUTHENTICATED


def test_unused_first_code_of_an_empty_shop_can_be_made_again(supervised, world, fake_world):
    asked = [Enrol(actor=BOSS, id="shop-9", role=Role.MERCHANT, unit="shop-9")]
    enrol(world, supervised, asked)
    fake_world.advance(hours=3)
    [second] = enrol(world, supervised, asked)
    assert isinstance(shown(supervised, world, second.code), Issued)
    [third] = enrol(world, supervised, asked)
    assert shown(supervised, world, third.code, b"e" * 32) == UNAUTHENTICATED


def test_merchant_confirms_for_their_own_shop_alone(supervised, world):
    rival = person(supervised, world, "rival", Role.MERCHANT, "rival")
    [enrolled] = enrol(world, supervised, [Enrol(actor=BOSS, **MERCHANT)])
    for by in (BOSS, DEPUTY, DISPATCHER, rival, COLLEAGUE, COURIER):
        assert vouch(supervised, world, by, **MERCHANT) == UNKNOWN
    assert vouch(supervised, world, SHOP, **MERCHANT) == Confirmed(id=COLLEAGUE.id)
    assert isinstance(shown(supervised, world, enrolled.code), Issued)


def test_merchant_does_not_confirm_a_clerk_of_a_unit_of_the_same_name(supervised, world):
    puppet = person(supervised, world, "puppet", Role.MERCHANT, "sh-09")
    clerk = {"id": "clerk-9", "role": Role.OUTLET, "unit": "sh-09"}
    enrol(world, supervised, [Enrol(actor=BOSS, **clerk)])
    assert vouch(supervised, world, puppet, **clerk) == UNKNOWN


def test_clerk_of_another_outlet_confirms_only_at_an_empty_unit(supervised, world):
    far = person(supervised, world, "far-clerk", Role.OUTLET, "hz-01")
    enrol(world, supervised, [new(), new(id="clerk-9", role=Role.OUTLET, unit="sh-09", phone=None)])
    assert vouch(supervised, world, far) == UNKNOWN
    assert vouch(supervised, world, far, id="clerk-9", role=Role.OUTLET, unit="sh-09") == Confirmed(id="clerk-9")


def test_phone_takes_effect_when_the_confirmed_code_is_used(supervised, world, order):
    waybill = check_out(world, supervised, order())
    data = print_label(world, supervised, waybill)
    let_in(supervised, world)
    scan_arrival(world, supervised, data)
    assign(world, supervised, [Assign(actor=DISPATCHER, what=data.code, courier=NEW.id)])

    def rung() -> str:
        answer = dial(world, supervised, data.number, RECIPIENT)
        assert isinstance(answer, Connect), answer
        return answer.to.reveal()

    assert rung() == "+8613900000019"
    [again] = enrol(world, supervised, [new(phone=OTHER_PHONE)])
    assert rung() == "+8613900000019"
    assert vouch(supervised, world) == PHONE_DIFFERS
    assert vouch(supervised, world, phone=None) == PHONE_DIFFERS
    assert vouch(supervised, world, phone=Plain("no phone")) == PHONE_DIFFERS
    assert ("phone-differs", DISPATCHER.id) in call_alarms(supervised)
    assert vouch(supervised, world, phone=OTHER_PHONE) == Confirmed(id=NEW.id)
    assert rung() == "+8613900000019"
    assert isinstance(shown(supervised, world, again.code, b"e" * 32), Issued)
    assert rung() == "+8613900000029"
    for kind in ("enrol-again", "confirm", "device"):
        assert details(supervised, kind)[-1]["phone"] == "changed"
    with supervised.reading() as tx:
        assert tx.execute(sa.select(schema.code.c.phone)).scalars().all() == [None, None]

    enrol(world, supervised, [Lost(actor=BOSS, id=NEW.id)])
    assert reason_heard(world, supervised, data.number, RECIPIENT) == "not-connected"


def test_code_without_a_phone_keeps_the_phone_in_force(supervised, world):
    let_in(supervised, world)
    [again] = enrol(world, supervised, [new(phone=None)])
    assert vouch(supervised, world) == PHONE_DIFFERS
    assert vouch(supervised, world, phone=None) == Confirmed(id=NEW.id)
    assert isinstance(shown(supervised, world, again.code, b"e" * 32), Issued)
    with supervised.reading() as tx:
        kept = people.phone_indexes(tx, [NEW.id])[NEW.id]
    assert kept == people.caller_index(world, supervised.keys, PHONE, world.now())
    assert "phone" not in details(supervised, "enrol-again")[0]


def test_lost_device_ends_at_once_and_the_report_is_repeatable(supervised, world):
    issued = let_in(supervised, world)
    for by in (DISPATCHER, NEW, SHOP):
        assert enrol(world, supervised, [Lost(actor=by, id=NEW.id)]) == [UNKNOWN]
    for whom in (REGION.id, "operator", "nobody"):
        assert enrol(world, supervised, [Lost(actor=BOSS, id=whom)]) == [UNKNOWN]
    assert held(supervised, world, issued)
    assert enrol(world, supervised, [Lost(actor=BOSS, id=NEW.id)] * 2) == [DeviceEnded(id=NEW.id)] * 2
    assert held(supervised, world, issued) is None
    assert shown(supervised, world, None) == UNAUTHENTICATED
    assert details(supervised, "lost") == [{"person": NEW.id}]


def test_revocations_beyond_the_days_limit_need_a_second_supervisor(supervised, world, fake_world):
    ids = [each.id for each in staff_of(supervised, world, ENDED_A_DAY + 2)]
    *done, first, second = enrol(world, supervised, [Revoke(actor=BOSS, id=id_) for id_ in ids])
    assert done == [Revoked(id=id_) for id_ in ids[:-2]]
    assert (first, second) == (SECOND, SECOND)
    assert ("many-revocations", BOSS.id) in call_alarms(supervised)
    assert enrol(world, supervised, [Revoke(actor=BOSS, id=ids[-1])]) == [SECOND]
    assert sorted(each["person"] for each in details(supervised, "asked")) == ids[-2:]
    assert enrol(world, supervised, [Lost(actor=BOSS, id=COURIER.id)]) == [DeviceEnded(id=COURIER.id)]  # has no device
    assert enrol(world, supervised, [Revoke(actor=REGION, id=ids[-1])]) == [Revoked(id=ids[-1])]
    fake_world.advance(days=1)
    assert enrol(world, supervised, [Revoke(actor=BOSS, id=ids[-2])]) == [Revoked(id=ids[-2])]


def test_two_supervisors_who_ask_for_the_same_exceed_both_limits(supervised, world):
    ids = [each.id for each in staff_of(supervised, world, 2 * ENDED_A_DAY + 2)]
    for by, some in ((BOSS, ids[:ENDED_A_DAY]), (REGION, ids[ENDED_A_DAY:-2])):
        enrol(world, supervised, [Revoke(actor=by, id=id_) for id_ in some])
    one, other = ids[-2:]
    assert enrol(world, supervised, [Revoke(actor=BOSS, id=one), Revoke(actor=BOSS, id=other)]) == [SECOND, SECOND]
    assert enrol(world, supervised, [Revoke(actor=REGION, id=one)]) == [Revoked(id=one)]
    with supervised.reading() as tx:
        assert interventions.askers(tx, "revoke", other, world.now()) == {BOSS.id}
        assert interventions.askers(tx, "revoke", other, world.now() + timedelta(days=1)) == set()


def test_lost_devices_count_towards_the_limit_of_revocations(supervised, world):
    let_in(supervised, world)
    ids = [each.id for each in staff_of(supervised, world, ENDED_A_DAY)]
    enrol(world, supervised, [Revoke(actor=BOSS, id=id_) for id_ in ids])
    assert enrol(world, supervised, [Lost(actor=BOSS, id=NEW.id)]) == [SECOND]
    assert isinstance(shown(supervised, world, None), Issued)


def test_concurrent_workers_keep_the_daily_limit_of_revocations(supervised, world, workers):
    ids = [each.id for each in staff_of(supervised, world, 2 * ENDED_A_DAY)]
    halves = ids[:ENDED_A_DAY], ids[ENDED_A_DAY:]

    def ask(worker, some):
        return enrol(world, worker, [Revoke(actor=BOSS, id=id_) for id_ in some])

    found = at_once([lambda w=w, some=some: ask(w, some) for w, some in zip(workers, halves, strict=False)])
    assert sum(isinstance(each, Revoked) for some in found for each in some) == ENDED_A_DAY


def test_revocation_is_reversible_for_an_hour(supervised, world, fake_world):
    issued = let_in(supervised, world)
    enrol(world, supervised, [Revoke(actor=BOSS, id=NEW.id)])
    assert shown(supervised, world, None) == UNAUTHENTICATED
    for by in (DISPATCHER, NEW, COURIER):
        assert enrol(world, supervised, [Reinstate(actor=by, id=NEW.id)]) == [UNKNOWN]
    assert enrol(world, supervised, [Reinstate(actor=REGION, id=COURIER.id)]) == [UNKNOWN]
    fake_world.advance(minutes=59)
    with supervised.transaction() as tx:
        interventions.sweep(tx, world.now())
    assert enrol(world, supervised, [Reinstate(actor=REGION, id=NEW.id)] * 2) == [Reinstated(id=NEW.id)] * 2
    assert held(supervised, world, issued) is None  # its tokens ended for good
    assert isinstance(shown(supervised, world, None), Issued)
    assert ("revocation-reversed", REGION.id) in call_alarms(supervised)
    assert details(supervised, "reinstate") == [{"person": NEW.id}]


def test_revocation_is_final_after_an_hour_and_erases_the_phone(supervised, world, fake_world):
    let_in(supervised, world)
    enrol(world, supervised, [Revoke(actor=BOSS, id=NEW.id)])
    fake_world.advance(hours=1)
    assert enrol(world, supervised, [Reinstate(actor=REGION, id=NEW.id)]) == [UNKNOWN]
    with supervised.transaction() as tx:
        interventions.sweep(tx, world.now())
        row = tx.execute(sa.select(schema.person).where(schema.person.c.id == NEW.id)).one()
    assert (row.active, row.device, row.phone, row.phone_index) == (False, None, None, None)
    assert enrol(world, supervised, [Revoke(actor=BOSS, id=NEW.id)]) == [Revoked(id=NEW.id)]


def test_device_of_a_revoked_person_can_serve_another_and_not_return(supervised, world):
    let_in(supervised, world)
    enrol(world, supervised, [Revoke(actor=BOSS, id=NEW.id)])
    [enrolled] = enrol(world, supervised, [new(id="courier-10", phone=None)])
    vouch(supervised, world, id="courier-10")
    assert shown(supervised, world, enrolled.code) == Refusal(reason="no-shift")  # and it is their device
    assert enrol(world, supervised, [Reinstate(actor=REGION, id=NEW.id)]) == [Reinstated(id=NEW.id)]
    with supervised.reading() as tx:
        devices = dict(tx.execute(sa.select(schema.person.c.id, schema.person.c.device)).all())
    assert (devices[NEW.id], devices["courier-10"]) == (None, b"d" * 32)


def test_third_unlock_of_one_person_in_a_day_needs_a_second_supervisor(supervised, world, fake_world):
    assert enrol(world, supervised, [Unlock(actor=BOSS, id=COURIER.id)]) == [Unlocked(id=COURIER.id)]
    assert details(supervised, "unlock") == []  # there was no lock, and no refusal is forgotten
    for _ in range(UNLOCKS_A_DAY):
        lock_out(world, supervised)
        assert enrol(world, supervised, [Unlock(actor=BOSS, id=COURIER.id)]) == [Unlocked(id=COURIER.id)]
    lock_out(world, supervised)
    assert enrol(world, supervised, [Unlock(actor=BOSS, id=COURIER.id)]) == [SECOND]
    with supervised.transaction() as tx:
        assert budgets.is_locked(tx, COURIER.id, world.now())
    assert enrol(world, supervised, [Unlock(actor=REGION, id=COURIER.id)]) == [Unlocked(id=COURIER.id)]
    with supervised.transaction() as tx:
        assert not budgets.is_locked(tx, COURIER.id, world.now() + timedelta(minutes=1))
