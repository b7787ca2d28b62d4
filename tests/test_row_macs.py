"""A writer of the data who holds no key gains nothing: rows that decide carry a MAC, and are absent without it."""

from __future__ import annotations

import hashlib
import os

import pytest
import sqlalchemy as sa

from api.cli.commands import doctor
from masking.access import credentials as words
from masking.access.duty import UNKNOWN
from masking.access.people import KeyProtection, Role
from masking.crypto.keys import FileKeySource
from masking.database import key_schema, schema
from masking.errors import IntegrityError
from masking.journal import journal
from masking.keys import lifecycle
from masking.steps.assign import Assign, assign
from masking.steps.enrol import Lost, Reinstate, Revoke, enrol, new_secret
from masking.steps.redeem import UNAUTHENTICATED, Issued, Redeem, redeem
from masking.steps.scan import Scan, scan
from masking.store import row_macs
from masking.store.rows import codes, credentials, custody, people
from masking.values.outcomes import DeviceEnded, Reinstated, Revoked
from masking.values.plaintext import Grant
from tests.support.enrolment import BOSS, NEW, begun, held, let_in, new, shown, vouch
from tests.support.ledger import alarms_of
from tests.support.parcels import load_on_van, resolve_one
from tests.support.people import COURIER, DISPATCHER, OTHER_COURIER, RECEIVER

PERSON, CREDENTIAL, CODE, DUTY = schema.person, schema.credential, schema.code, schema.assignment
ON_ONE_STORE = pytest.mark.parametrize("urls", ["file"], indirect=True)


def write(store, *statements):
    """As a writer of the data does, who has no key."""
    with store.data.begin() as tx:
        for statement in statements:
            assert tx.execute(statement).rowcount in {1, -1}  # a server does not count what is inserted


def row_of(store, table, where):
    with store.data.begin() as tx:
        return dict(tx.execute(sa.select(table).where(where)).mappings().one())


def alarms_after_signing(world, store):
    journal.sequence(world, store)
    return alarms_of(store)


@pytest.fixture
def rows(supervised, world, order):
    """A row of each table, whole."""
    let_in(supervised, world)
    enrol(world, supervised, [new(id="courier-10", phone=None)])
    load_on_van(world, supervised, order())
    return {
        PERSON: row_of(supervised, PERSON, PERSON.c.id == NEW.id),
        CREDENTIAL: row_of(supervised, CREDENTIAL, CREDENTIAL.c.person == NEW.id),
        CODE: row_of(supervised, CODE, CODE.c.person == "courier-10"),
        DUTY: row_of(supervised, DUTY, DUTY.c.courier == COURIER.id),
    }


def other_than(column, value):
    """Another value that the column could hold."""
    if value is None:
        return {sa.Boolean: True, sa.BigInteger: 1, sa.Integer: 1, sa.String: "x"}.get(type(column.type), b"x" * 32)
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int) else value + type(value)(b"x" if isinstance(value, bytes) else "x")


def test_every_column_is_covered_or_left_out_for_a_stated_reason():
    with_mac = {table for table in schema.data.tables.values() if "mac" in table.c}
    assert with_mac == set(row_macs.OWNERS)
    for table in with_mac:
        left_out = row_macs.UNCOVERED.get(table.name, {})
        assert {*row_macs._shape(table).names, *left_out, "mac"} == set(table.columns.keys())
        assert all(left_out.values())
        assert left_out.keys() <= set(table.columns.keys())


@ON_ONE_STORE
@pytest.mark.parametrize("table", list(row_macs.OWNERS), ids=str)
def test_change_of_any_covered_column_invalidates_a_row(supervised, rows, table):
    row = rows[table]
    assert supervised.macs.holds(table, [*row.values()])
    for name, value in row.items():
        changed = row | {name: other_than(table.c[name], value)}
        covered = name not in row_macs.UNCOVERED.get(table.name, {})
        assert supervised.macs.holds(table, [*changed.values()]) == (not covered), name
        emptied = row | {name: None}
        assert supervised.macs.holds(table, [*emptied.values()]) == (not covered or value is None), name


@ON_ONE_STORE
def test_value_of_another_type_invalidates_that_row_only(supervised, rows):
    row = rows[DUTY]
    for odd in (1.5, 2**70, "later"):
        assert not supervised.macs.holds(DUTY, [*(row | {"at": odd}).values()])


def test_forged_login_is_ignored(store, world):
    token = "wbt1_" + "a" * 43
    digest = hashlib.sha256(token.encode()).digest()
    row = {"digest": digest, "person": DISPATCHER.id, "kind": words.TOKEN, "expires": None, "key": None}
    with store.transaction() as tx:
        new_secret(world, tx, COURIER.id)
    copied = row_of(store, CREDENTIAL, CREDENTIAL.c.person == COURIER.id)["mac"]
    for mac in (None, b"", os.urandom(32), copied):
        write(store, CREDENTIAL.insert().values(row | {"mac": mac}))
        with store.transaction() as tx:
            assert credentials.holders(tx, {digest}, world.now()) == {}
            assert set(credentials.check(tx, {digest}, [], world.now())[0]) == set()
        write(store, CREDENTIAL.delete().where(CREDENTIAL.c.digest == digest))
    assert alarms_after_signing(world, store) == [("row-not-as-written", DISPATCHER.id)]


def test_forged_duty_is_ignored(store, world, order):
    _, data = load_on_van(world, store, order())
    row = row_of(store, DUTY, DUTY.c.courier == COURIER.id)
    write(store, DUTY.update().where(DUTY.c.id == row["id"]).values(courier=OTHER_COURIER.id))
    assert resolve_one(world, store, data.code, OTHER_COURIER) == resolve_one(world, store, data.code) == UNKNOWN
    write(store, DUTY.update().where(DUTY.c.id == row["id"]).values(courier=COURIER.id))
    assert isinstance(resolve_one(world, store, data.code), Grant)
    assert alarms_after_signing(world, store) == [("row-not-as-written", OTHER_COURIER.id)]


def test_duty_row_copied_to_another_parcel_is_ignored(store, world, order, fake_world):
    load_on_van(world, store, order("A-1"))
    fake_world.advance(seconds=1)
    _, second = load_on_van(world, store, order("A-2"))
    first, own = (row_of(store, DUTY, DUTY.c.id == each) for each in ids(store))
    write(store, DUTY.delete().where(DUTY.c.id == own["id"]))
    moved = first | {"waybill": own["waybill"], "id": own["id"]}
    write(store, DUTY.insert().values(moved))
    assert resolve_one(world, store, second.code) == UNKNOWN


def ids(store):
    with store.data.begin() as tx:
        return tx.execute(sa.select(DUTY.c.id).order_by(DUTY.c.id)).scalars().all()


def test_ended_duty_is_not_reopened_by_its_column(store, world, order):
    _, data = load_on_van(world, store, order())
    assert scan(world, store, [Scan(actor=RECEIVER, what=data.waybill_number, kind="departed")])
    write(store, DUTY.update().values(closed=None))
    waybill = row_of(store, DUTY, DUTY.c.closed.is_(None))["waybill"]
    with store.transaction() as tx:
        assert custody.open_assignments(tx, [waybill]) == {}


def test_parcel_with_a_forged_duty_is_assigned_anew(store, world, order, fake_world):
    _, data = load_on_van(world, store, order())
    write(store, DUTY.update().values(courier=OTHER_COURIER.id))
    fake_world.advance(seconds=1)
    [given] = assign(world, store, [Assign(actor=DISPATCHER, what=data.code, courier=COURIER.id)])
    assert given.courier == COURIER.id
    assert isinstance(resolve_one(world, store, data.code), Grant)


@pytest.mark.parametrize(
    "values",
    [
        {"unit": "hz-01"},
        {"role": "courier"},
        {"level": KeyProtection.HARDWARE.value},
        {"tenant": "other"},
        {"shift_until": 2**50},
    ],
    ids=str,
)
def test_person_changed_in_the_data_is_ignored(store, world, values):
    write(store, PERSON.update().where(PERSON.c.id == DISPATCHER.id).values(values))
    with store.transaction() as tx:
        assert people.active(tx, [DISPATCHER.id, RECEIVER.id]).keys() == {RECEIVER.id}
        people.set_shift(tx, DISPATCHER.id, world.now())  # nothing makes such a row good again
        people.revoke(tx, [DISPATCHER.id])
        assert people.active(tx, [DISPATCHER.id]) == {}
    assert row_of(store, PERSON, PERSON.c.id == DISPATCHER.id)["active"]
    assert alarms_after_signing(world, store) == [("row-not-as-written", DISPATCHER.id)]


def test_forged_device_gets_no_token(supervised, world):
    let_in(supervised, world)
    write(supervised, PERSON.update().where(PERSON.c.id == NEW.id).values(device=b"e" * 32))
    assert shown(supervised, world, None, b"e" * 32) == UNAUTHENTICATED
    assert shown(supervised, world, None) == UNAUTHENTICATED


def test_code_confirmed_in_the_data_is_refused(supervised, world):
    [enrolled] = enrol(world, supervised, [new()])
    begun(supervised, world)
    write(supervised, CODE.update().where(CODE.c.person == NEW.id).values(confirmed_by=DISPATCHER.id))
    assert shown(supervised, world, enrolled.code) == UNAUTHENTICATED
    assert shown(supervised, world, enrolled.code, None, bearer=frozenset(Role)) == UNAUTHENTICATED
    write(supervised, CODE.update().where(CODE.c.person == NEW.id).values(confirmed_by=None))
    vouch(supervised, world)
    assert isinstance(shown(supervised, world, enrolled.code), Issued)


def test_forged_code_is_refused(supervised, world):
    let_in(supervised, world)
    digest = words.sure_digest(words.CODE, words.make(words.CODE, world))
    stolen = row_of(supervised, CODE, CODE.c.person == NEW.id)
    write(supervised, CODE.insert().values(stolen | {"digest": digest, "used": None}))
    with supervised.transaction() as tx:
        assert codes.use_up(tx, digest, world.now()) is None


def put_back(store, table, row):
    """As a writer of the data does who has kept a row with its MAC."""
    [key] = table.primary_key.columns
    with store.data.begin() as tx:
        if not tx.execute(table.update().where(key == row[key.name]).values(row)).rowcount:
            tx.execute(table.insert().values(row))


def forgotten(store):
    """As another worker is, or this one after `keystore.MEMORY`."""
    store.keys.forget()
    store.macs._good.clear()


def test_revoked_person_does_not_return_with_an_old_row(supervised, world):
    issued = let_in(supervised, world)
    before = row_of(supervised, PERSON, PERSON.c.id == NEW.id)
    token = row_of(supervised, CREDENTIAL, CREDENTIAL.c.person == NEW.id)
    assert enrol(world, supervised, [Revoke(actor=BOSS, id=NEW.id)]) == [Revoked(id=NEW.id)]
    for other_worker in (False, True):
        put_back(supervised, PERSON, before)
        put_back(supervised, CREDENTIAL, token)
        if other_worker:
            forgotten(supervised)
        assert shown(supervised, world, None) == UNAUTHENTICATED
        assert held(supervised, world, issued) is None
    assert alarms_after_signing(world, supervised) == [("row-not-as-written", NEW.id)]


def test_reversed_revocation_lets_its_person_in_again(supervised, world):
    let_in(supervised, world)
    enrol(world, supervised, [Revoke(actor=BOSS, id=NEW.id)])
    assert enrol(world, supervised, [Reinstate(actor=BOSS, id=NEW.id)]) == [Reinstated(id=NEW.id)]
    forgotten(supervised)
    assert isinstance(shown(supervised, world, None), Issued)
    assert alarms_after_signing(world, supervised) == [("revocation-reversed", BOSS.id)]


def test_lost_device_does_not_return_with_an_old_row(supervised, world):
    issued = let_in(supervised, world)
    before = row_of(supervised, PERSON, PERSON.c.id == NEW.id)
    token = row_of(supervised, CREDENTIAL, CREDENTIAL.c.person == NEW.id)
    assert enrol(world, supervised, [Lost(actor=BOSS, id=NEW.id)]) == [DeviceEnded(id=NEW.id)]
    put_back(supervised, PERSON, before)
    put_back(supervised, CREDENTIAL, token)
    assert shown(supervised, world, None) == UNAUTHENTICATED
    assert held(supervised, world, issued) is None
    let_in(supervised, world)  # found again, and enrolled with a new code
    forgotten(supervised)
    assert isinstance(shown(supervised, world, None), Issued)


def test_replaced_device_does_not_return_with_an_old_row(supervised, world):
    let_in(supervised, world)
    before = row_of(supervised, PERSON, PERSON.c.id == NEW.id)
    let_in(supervised, world, b"e" * 32)
    put_back(supervised, PERSON, before)
    assert shown(supervised, world, None) == UNAUTHENTICATED


def test_replaced_secret_does_not_return_with_an_old_row(store, world):
    with store.transaction() as tx:
        secret = new_secret(world, tx, DISPATCHER.id)
    before = row_of(store, CREDENTIAL, CREDENTIAL.c.person == DISPATCHER.id)
    [good] = redeem(world, store, [Redeem(shown=secret)], bearer=frozenset(Role))
    assert isinstance(good, Issued)
    with store.transaction() as tx:
        new_secret(world, tx, DISPATCHER.id)
    put_back(store, CREDENTIAL, before)
    assert redeem(world, store, [Redeem(shown=secret)], bearer=frozenset(Role)) == [UNAUTHENTICATED]


def test_macs_survive_a_rotation_of_the_root(store, world, order, tmp_path):
    _, data = load_on_van(world, store, order())
    lifecycle.rewrap_root(store.keys, FileKeySource.create(tmp_path / "next.key", os.urandom), world)
    store.macs._good.clear()
    assert isinstance(resolve_one(world, store, data.code), Grant)


def test_no_person_is_active_without_the_row_key(store, world):
    with store.keys.engine.begin() as connection:
        connection.execute(key_schema.stored_key.delete().where(key_schema.stored_key.c.purpose == "row"))
    store.keys.forget()
    store.macs._good.clear()
    with store.transaction() as tx:
        assert people.active(tx, [COURIER.id]) == {}
    with pytest.raises(IntegrityError, match="has no key for the MACs"), store.transaction() as tx:
        new_secret(world, tx, COURIER.id)


@ON_ONE_STORE
def test_doctor_names_people_with_wrong_rows_and_prints_nothing_foreign(store, world, order):
    load_on_van(world, store, order())
    assert not [each for each in doctor._inside(store, world) if "treated as absent" in each.text]
    write(store, PERSON.update().where(PERSON.c.id == DISPATCHER.id).values(unit="hz-01"))
    write(store, DUTY.update().values(courier="\x1b[31m 13800000001"))
    [found] = [each for each in doctor._inside(store, world) if "treated as absent" in each.text]
    assert found.verdict == "WRONG"
    assert found.text.startswith("2 rows are not as this program wrote them, and are treated as absent: ")
    assert f"assignment of unknown, person of {DISPATCHER.id}. " in found.text
