"""What a code is worth once it is shown: one device for one person, and a token; a secret for a program that can't sign."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa

from masking.access import credentials as words
from masking.access.people import KeyProtection, Role
from masking.database import schema
from masking.runtime import World
from masking.steps.assign import Assign, assign
from masking.steps.enrol import Lost, Revoke, enrol
from masking.steps.redeem import OTHERS_DEVICE, REPLAYED, UNAUTHENTICATED, Issued, Redeem, redeem
from masking.steps.shift import Shift, shift
from masking.store.rows import people
from masking.values.outcomes import Confirmed
from tests.support.enrolment import BOSS, NEW, REGION, acts_on_people, begun, held, let_in, new, proof_of, shown, vouch
from tests.support.parcels import check_out, print_label, scan_arrival
from tests.support.people import DISPATCHER


def test_code_admits_one_device_which_needs_it_no_more(supervised, world):
    [enrolled] = enrol(world, supervised, [new()])
    vouch(supervised, world)
    begun(supervised, world)
    assert isinstance(shown(supervised, world, enrolled.code), Issued)
    assert isinstance(shown(supervised, world, enrolled.code), Issued)  # its answer was lost: the key is the same
    assert shown(supervised, world, enrolled.code, b"e" * 32) == UNAUTHENTICATED
    assert isinstance(shown(supervised, world, None), Issued)
    assert shown(supervised, world, None, b"e" * 32) == UNAUTHENTICATED
    assert shown(supervised, world, enrolled.code, None, bearer=frozenset(Role)) == UNAUTHENTICATED


def test_one_courier_has_one_device_and_one_device_one_courier(supervised, world):
    let_in(supervised, world)
    [second] = enrol(world, supervised, [new(id="courier-10", phone=None)])
    assert vouch(supervised, world, id="courier-10") == Confirmed(id="courier-10")
    begun(supervised, world, courier="courier-10")
    assert shown(supervised, world, second.code) == OTHERS_DEVICE
    assert isinstance(shown(supervised, world, second.code, b"e" * 32), Issued)  # its code is not lost by that
    constraint = pytest.raises(sa.exc.IntegrityError, match=r"(?i)unique")
    with constraint, supervised.data.begin() as connection:
        connection.execute(schema.person.update().where(schema.person.c.id == "courier-10").values(device=b"d" * 32))
    with supervised.reading() as tx:
        owners = tx.execute(sa.select(schema.person.c.id).where(schema.person.c.device == b"d" * 32)).scalars().all()
    assert owners == [NEW.id]


def test_new_token_replaces_the_ended_ones(supervised, world, fake_world):
    let_in(supervised, world)
    shown(supervised, world, None)
    fake_world.advance(hours=1)
    live = shown(supervised, world, None)
    with supervised.reading() as tx:
        kept = tx.execute(sa.select(schema.credential.c.digest).where(schema.credential.c.person == NEW.id)).scalars()
        assert set(kept) == {words.sure_digest(words.TOKEN, live.token)}


def test_used_proof_admits_no_device(supervised, world):
    let_in(supervised, world)
    once = proof_of(world, b"d" * 32)
    first, second = redeem(world, supervised, [Redeem(proof=once), Redeem(proof=once)])
    assert (type(first), second) == (Issued, REPLAYED)
    assert redeem(world, supervised, [Redeem(proof=once)]) == [REPLAYED]


def test_new_device_replaces_the_old_one_by_its_code(supervised, world, order):
    issued = let_in(supervised, world)
    data = print_label(world, supervised, check_out(world, supervised, order()))
    scan_arrival(world, supervised, data)
    assign(world, supervised, [Assign(actor=DISPATCHER, what=data.code, courier=NEW.id)])
    [again] = enrol(world, supervised, [new()])
    assert (
        shown(supervised, world, again.code, b"e" * 32) == UNAUTHENTICATED
    )  # a supervisor alone cannot replace a person's device
    assert held(supervised, world, issued) == (NEW, b"d" * 32)
    assert vouch(supervised, world) == Confirmed(id=NEW.id)
    assert isinstance(shown(supervised, world, None), Issued)
    assert isinstance(shown(supervised, world, again.code, b"e" * 32), Issued)
    assert held(supervised, world, issued) is None
    assert shown(supervised, world, None) == UNAUTHENTICATED
    with supervised.reading() as tx:
        open_legs = sa.select(schema.assignment.c.courier).where(schema.assignment.c.closed.is_(None))
        assert tx.execute(open_legs).scalars().all() == [NEW.id]
    assert ("enrol-again", BOSS.id, NEW.id) in acts_on_people(supervised)


def test_newer_code_ends_the_older(supervised, world):
    first, second = enrol(world, supervised, [new(), new()])
    vouch(supervised, world)
    begun(supervised, world)
    assert shown(supervised, world, first.code) == UNAUTHENTICATED
    assert isinstance(shown(supervised, world, second.code), Issued)


def test_key_protection_is_what_the_port_attests_and_ends_with_the_device(supervised, world):
    [enrolled] = enrol(world, supervised, [new()])
    vouch(supervised, world)
    begun(supervised, world)

    def vendor(statement: str | None, key: bytes) -> KeyProtection:
        return KeyProtection.HARDWARE if (statement, key) == ("chip", b"d" * 32) else KeyProtection.SOFTWARE

    asked = Redeem(shown=enrolled.code, proof=proof_of(world, b"d" * 32), statement="chip")
    [issued] = redeem(world, supervised, [asked], attest=vendor)
    assert issued.actor.level is KeyProtection.HARDWARE
    assert isinstance(shown(supervised, world, None), Issued)
    with supervised.reading() as tx:
        assert people.active(tx, [NEW.id])[NEW.id].level is KeyProtection.HARDWARE
    [again] = enrol(world, supervised, [new()])
    vouch(supervised, world)
    assert shown(supervised, world, again.code).actor.level is KeyProtection.SOFTWARE


def test_program_that_cannot_sign_gets_a_secret_if_its_role_may(supervised, world):
    [enrolled] = enrol(world, supervised, [new(id="switch-9", role=Role.SWITCH, unit="switch-9", phone=None)])
    assert vouch(supervised, world, REGION, id="switch-9", role=Role.SWITCH, unit="switch-9")
    may = {"bearer": frozenset({Role.SWITCH})}
    assert shown(supervised, world, enrolled.code, None) == UNAUTHENTICATED
    issued = shown(supervised, world, enrolled.code, None, **may)
    assert issued.secret is not None
    assert held(supervised, world, issued).key is None
    assert shown(supervised, world, enrolled.code, None, **may) == UNAUTHENTICATED
    assert isinstance(shown(supervised, world, issued.secret, None, **may), Issued)
    assert shown(supervised, world, issued.secret, None) == UNAUTHENTICATED
    [courier] = enrol(world, supervised, [new()])
    vouch(supervised, world)
    begun(supervised, world)
    assert shown(supervised, world, courier.code, None, **may) == UNAUTHENTICATED


def test_end_of_a_shift_ends_the_tokens_and_keeps_a_permitted_secret(supervised, world):
    may = {"bearer": frozenset({Role.COURIER})}
    [enrolled] = enrol(world, supervised, [new()])
    vouch(supervised, world)
    begun(supervised, world)
    issued = shown(supervised, world, enrolled.code, None, **may)
    begun(supervised, world, hours=0)
    assert held(supervised, world, issued) is None
    begun(supervised, world)
    assert isinstance(shown(supervised, world, issued.secret, None, **may), Issued)


@pytest.mark.parametrize("urls", ["postgresql"], indirect=True)
@pytest.mark.parametrize("how", ["replaced", "lost", "shift ended", "revoked"])
def test_token_requested_while_its_device_is_replaced_is_invalid(supervised, world, workers, how):
    """The other worker's act begins when the token has been decided on, and before it is written."""
    let_in(supervised, world)
    [again] = enrol(world, supervised, [new()])
    vouch(supervised, world)
    acts = {
        "replaced": lambda: shown(workers[1], world, again.code, b"e" * 32),
        "lost": lambda: enrol(world, workers[1], [Lost(actor=BOSS, id=NEW.id)]),
        "shift ended": lambda: shift(world, workers[1], [Shift(actor=DISPATCHER, courier=NEW.id, hours=0)]),
        "revoked": lambda: enrol(world, workers[1], [Revoke(actor=BOSS, id=NEW.id)]),
    }
    other = threading.Thread(target=acts[how])

    def entropy(size: int) -> bytes:
        if other.ident is None:
            other.start()
            other.join(1)  # it ends, or waits for us
        return world.entropy(size)

    asked = Redeem(proof=proof_of(world, b"d" * 32))
    [issued] = redeem(World(now=world.now, entropy=entropy), workers[0], [asked])
    other.join()
    assert isinstance(issued, Issued)
    assert held(supervised, world, issued) is None
