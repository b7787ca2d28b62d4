"""Who may enrol whom, what a secret is worth, and that both acts are on the ledger."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from api.auth import holders, issue
from masking.access import credentials as words
from masking.access.people import Actor, Role
from masking.enrol import ROLES, Enrol, Revoke, enrol
from masking.ledger.log import decode
from masking.order import Enrolled, Plain
from masking.vault import people, schema
from masking.waybill import Refusal, Rejected, Revoked
from tests.cast import COURIER, OPERATOR, SHOP, STAFF, TENANT

BOSS = Actor(id="boss", tenant=TENANT, role=Role.SUPERVISOR, unit="head-office")


@pytest.fixture
def supervised(store, world):
    with store.transaction() as tx:
        people.enrol(world, store.keys, tx, BOSS, world.now())
    return store


def leaves(store) -> list[tuple[str, str, str]]:
    with store.reading() as tx:
        found = [decode(body) for body in tx.execute(sa.select(schema.leaf.c.body)).scalars()]
    return [(leaf.kind, leaf.actor, leaf.detail.get("person")) for leaf in found if "person" in leaf.detail]


def token_of(store, world, secret: Plain) -> bytes | None:
    [issued] = issue(world, store, [secret])
    return words.digest(words.TOKEN, issued.token.reveal()) if issued else None


def new(actor=BOSS, **changes) -> Enrol:
    values = {"id": "courier-9", "role": Role.COURIER, "unit": "sh-01", "phone": Plain("13900000019")}
    return Enrol(actor=actor, **(values | changes))


def test_only_a_supervisor_enrols_and_revokes(supervised, world):
    for actor in (*STAFF, Actor(id="nobody", tenant=TENANT, role=Role.SUPERVISOR, unit="head-office")):
        asked = [new(actor), Revoke(actor=actor, id=COURIER.id)]
        assert enrol(world, supervised, asked) == [Refusal(reason="unknown")] * 2
    assert leaves(supervised) == []


def test_nobody_gets_over_the_network_what_is_given_where_the_keys_are(supervised, world):
    for role in set(Role) - ROLES:
        [outcome] = enrol(world, supervised, [new(role=role)])
        assert outcome == Rejected(reference=None, field="role", rule="not-a-supervisors-to-give")
    for id_ in (OPERATOR.id, BOSS.id, "nobody"):
        assert enrol(world, supervised, [Revoke(actor=BOSS, id=id_)]) == [Refusal(reason="unknown")]


@pytest.mark.parametrize("bad", ["", "A", "a b", "-a", "a" * 64, "a\0", "张"])
def test_names_are_plain_words(supervised, world, bad):
    for field in ("id", "unit"):
        [outcome] = enrol(world, supervised, [new(**{field: bad})])
        assert (type(outcome), outcome.field) == (Rejected, field)


def test_a_secret_buys_tokens_until_a_new_one_is_given_or_its_holder_is_revoked(supervised, world, hands):
    first, second = enrol(world, supervised, [new(), new(phone=None)])
    assert isinstance(first, Enrolled)
    assert isinstance(second, Enrolled)
    assert first.secret != second.secret
    assert token_of(supervised, world, first.secret) is None
    token = token_of(supervised, world, second.secret)
    assert token
    [holder] = holders(world, supervised, [token])
    assert holder == Actor(id="courier-9", tenant=TENANT, role=Role.COURIER, unit="sh-01")
    assert enrol(world, supervised, [Revoke(actor=BOSS, id="courier-9")] * 2) == [Revoked(id="courier-9")] * 2
    assert holders(world, supervised, [token]) == [None]
    assert token_of(supervised, world, second.secret) is None
    assert enrol(world, supervised, [new()]) == [Refusal(reason="id-taken")]
    acts = [("enrol", BOSS.id, "courier-9"), ("enrol-again", BOSS.id, "courier-9"), ("revoke", BOSS.id, "courier-9")]
    assert leaves(supervised) == acts


def test_somebody_elses_name_is_not_given_away(supervised, world):
    for changes in ({"id": SHOP.id}, {"id": COURIER.id, "unit": "sh-02"}, {"id": COURIER.id, "role": Role.OUTLET}):
        assert enrol(world, supervised, [new(**changes)]) == [Refusal(reason="id-taken")]


def test_a_new_phone_is_the_one_that_calls_come_from(supervised, world):
    enrol(world, supervised, [new(), new(phone=Plain("13900000029"))])
    with supervised.transaction() as tx:
        [index] = people.phone_indexes(tx, ["courier-9"]).values()
    assert index == people.caller_index(world, supervised.keys, Plain("13900000029"), world.now())


def test_credentials_are_stored_as_hashes_and_do_not_print_themselves(supervised, world):
    [outcome] = enrol(world, supervised, [new()])
    secret = outcome.secret.reveal()
    assert secret not in repr(outcome)
    with supervised.reading() as tx:
        rows = tx.execute(sa.select(schema.credential)).all()
    assert len(rows) == 1
    assert secret[5:].encode() not in repr(rows).encode()
    assert words.digest(words.SECRET, secret) == rows[0].digest
    for text in ("", secret[:-1], secret + "A", secret.replace("wbs1_", "wbt1_"), " " + secret):
        assert words.digest(words.SECRET, text) is None
