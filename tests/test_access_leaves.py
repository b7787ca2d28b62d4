"""A leaf that let a person or device in can't be kept off the ledger unnoticed by a writer of the data."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from api.cli.commands import doctor
from masking.database import key_schema, schema
from masking.errors import MaskingError
from masking.journal import journal
from masking.journal.missing_leaves import KEPT, missing_access_leaves
from masking.journal.watch import keep_watch, watch
from masking.keys import signed_head
from masking.ledger.log import encode
from tests.support.enrolment import NEW, let_in
from tests.support.ledger import leaves_of
from tests.support.people import COURIER

LEAF = schema.leaf
MINUTES = timedelta(minutes=2)


def expected(store) -> int:
    with store.keys.engine.begin() as tx:
        return tx.execute(sa.select(sa.func.count()).select_from(key_schema.access_leaf)).scalar_one()


def write(store, statement) -> None:
    """As a writer of the data does, who has no key."""
    with store.data.begin() as tx:
        assert tx.execute(statement).rowcount == 1


def findings(store, world, fake_world) -> list[tuple[str, str]]:
    fake_world.time += MINUTES
    journal.sequence(world, store)
    return [(each.kind, each.who) for each in keep_watch(world, store)]


@pytest.mark.parametrize("kind", ["enrol", "confirm", "device"])
def test_leaf_of_access_deleted_before_its_place_raises_an_alarm(supervised, world, fake_world, kind):
    let_in(supervised, world)
    [leaf] = leaves_of(supervised, kind)
    write(supervised, LEAF.delete().where(LEAF.c.id == leaf.id))
    assert findings(supervised, world, fake_world) == [("access-leaf-missing", NEW.id)]
    assert [(each.kind, each.who) for each in watch(world, supervised)] == [("access-leaf-missing", NEW.id)]
    said = "\n".join(line.text for line in doctor._inside(supervised, world))
    assert f"let in by leaves that are not on the ledger: {NEW.id}" in said


def test_signed_leaves_of_access_are_looked_up_once(supervised, world, fake_world):
    let_in(supervised, world)
    assert expected(supervised) == 3
    assert findings(supervised, world, fake_world) == []
    assert expected(supervised) == 0


def test_waiting_leaf_of_access_is_no_finding_and_stays_expected(supervised, world, fake_world):
    let_in(supervised, world)
    fake_world.time += MINUTES
    assert missing_access_leaves(supervised, world.now()) == []
    assert expected(supervised) == 3


def test_leaf_of_access_that_names_another_person_raises_an_alarm(supervised, world, fake_world):
    let_in(supervised, world)
    [leaf] = leaves_of(supervised, "device")
    other = encode(
        type(leaf)(id=leaf.id, at=leaf.at, kind="device", actor=COURIER.id, subject=None, detail=leaf.detail)
    )
    write(supervised, LEAF.update().where(LEAF.c.id == leaf.id).values(body=other))
    assert findings(supervised, world, fake_world) == [("access-leaf-missing", NEW.id)]


def test_leaf_of_access_at_a_place_that_was_signed_for_another_raises_an_alarm(supervised, world, fake_world):
    let_in(supervised, world)
    [leaf], [first] = leaves_of(supervised, "device"), leaves_of(supervised, "enrol")
    with supervised.data.begin() as tx:
        row = tx.execute(sa.select(LEAF).where(LEAF.c.id == leaf.id)).mappings().one()
        tx.execute(LEAF.delete().where(LEAF.c.id == leaf.id))
    journal.sequence(world, supervised)
    with supervised.data.begin() as tx:
        place = tx.execute(sa.select(LEAF.c.position).where(LEAF.c.id == first.id)).scalar_one()
        tx.execute(LEAF.update().where(LEAF.c.id == first.id).values(position=None))
        tx.execute(LEAF.insert().values(dict(row) | {"position": place}))
    fake_world.time += MINUTES
    head = signed_head.last(supervised.keys)
    assert head
    assert place < head.size
    assert [each.person for each in missing_access_leaves(supervised, world.now())] == [NEW.id]


def test_leaf_of_access_beyond_the_signed_ledger_is_found_after_an_hour(supervised, world, fake_world):
    let_in(supervised, world)
    [leaf] = leaves_of(supervised, "device")
    write(supervised, LEAF.update().where(LEAF.c.id == leaf.id).values(position=10**6))
    fake_world.time += timedelta(minutes=59)
    assert missing_access_leaves(supervised, world.now()) == []
    assert findings(supervised, world, fake_world) == [("access-leaf-missing", NEW.id)]


def test_enrolment_that_was_undone_expects_no_leaf(supervised, world, fake_world):
    with pytest.raises(RuntimeError), supervised.transaction() as tx:
        leaf = supervised.leaf(world, world.now(), "device", NEW.id, person=NEW.id)
        journal.append(tx, [leaf])
        assert expected(supervised) == 1
        raise RuntimeError
    assert expected(supervised) == 0
    assert findings(supervised, world, fake_world) == []


def test_commit_of_unknown_outcome_expects_its_leaf(supervised, world, fake_world):
    def cut(_) -> None:
        raise sa.exc.OperationalError("COMMIT", {}, Exception("the line was cut"))

    with pytest.raises(MaskingError), supervised.transaction() as tx:
        journal.append(tx, [supervised.leaf(world, world.now(), "device", NEW.id, person=NEW.id)])
        sa.event.listen(tx, "commit", cut)
    assert expected(supervised) == 1


def test_missing_leaf_of_access_is_named_for_a_month(supervised, world, fake_world):
    let_in(supervised, world)
    [leaf] = leaves_of(supervised, "device")
    write(supervised, LEAF.delete().where(LEAF.c.id == leaf.id))
    fake_world.time += KEPT - timedelta(days=1)
    assert findings(supervised, world, fake_world) == [("access-leaf-missing", NEW.id)]
    fake_world.time += timedelta(days=1)
    assert findings(supervised, world, fake_world) == []
    assert expected(supervised) == 0
