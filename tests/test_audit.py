"""The ledger verified: every kind of edit of its rows is named where it is."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from masking.database import key_schema
from masking.journal import journal
from masking.journal.audit import RULES
from masking.journal.journal import LedgerFault
from masking.keys import signed_head
from masking.ledger import tree
from masking.ledger.checkpoint import follows, read, sign
from masking.ledger.note import VerifierKey
from tests.support.ledger_rows import LEAF, NODE, POINT, RECORD, body, edit, read_note, write


def change_body(position: int, value: bytes):
    return LEAF.update().where(LEAF.c.position == position).values(body=value)


def flip(blob: bytes, at: int = -1) -> bytes:
    changed = bytearray(blob)
    changed[at] ^= 1
    return bytes(changed)


# What follows edits rows, which is the same on every store: the quickest one will do.
ON_ONE_STORE = pytest.mark.parametrize("urls", ["memory"], indirect=True)


@ON_ONE_STORE
@pytest.mark.parametrize("position", range(12))
def test_one_changed_byte_is_found_at_its_leaf(ledger, position):
    whole = body(ledger, position)
    for at in range(0, len(whole), 7):
        edit(ledger, change_body(position, flip(whole, at)))
        assert journal.verify(ledger).fault == LedgerFault(position, "leaf-changed", position)
    edit(ledger, change_body(position, whole))
    assert journal.verify(ledger).fault is None


@ON_ONE_STORE
@pytest.mark.parametrize("position", range(11))
def test_deleted_leaf_is_named(ledger, position):
    edit(ledger, LEAF.delete().where(LEAF.c.position == position))
    assert journal.verify(ledger).fault == LedgerFault(position, "leaf-deleted", position)


@ON_ONE_STORE
@pytest.mark.parametrize("position", range(11))
def test_deleted_leaf_is_named_when_later_leaves_were_renumbered(ledger, position):
    edit(ledger, LEAF.delete().where(LEAF.c.position == position))
    edit(ledger, *(LEAF.update().where(LEAF.c.position == at).values(position=at - 1) for at in range(position, 12)))
    assert journal.verify(ledger).fault == LedgerFault(position, "leaf-deleted", position)


@ON_ONE_STORE
def test_leaf_without_its_position_is_named(ledger):
    edit(ledger, LEAF.update().where(LEAF.c.position == 3).values(position=None))
    assert journal.verify(ledger).fault == LedgerFault(3, "leaf-deleted", 3)


@ON_ONE_STORE
@pytest.mark.parametrize("kept", [0, 1, 7, 11])
def test_truncated_tail_is_named(ledger, kept):
    edit(ledger, LEAF.delete().where(LEAF.c.position >= kept))
    assert journal.verify(ledger).fault == LedgerFault(kept, "tail-cut", kept)


@ON_ONE_STORE
@pytest.mark.parametrize(("first", "second"), [(0, 1), (2, 3), (4, 5), (1, 11)])
def test_swapped_leaves_are_named(ledger, first, second):
    moves = [(first, 99), (second, first), (99, second)]
    edit(ledger, *(LEAF.update().where(LEAF.c.position == old).values(position=new) for old, new in moves))
    assert journal.verify(ledger).fault == LedgerFault(first, "leaves-swapped", first)


@ON_ONE_STORE
@pytest.mark.parametrize("position", range(11))
def test_inserted_leaf_is_named(world, ledger, position):
    edit(
        ledger,
        *(LEAF.update().where(LEAF.c.position == at).values(position=at + 1) for at in range(11, position - 1, -1)),
        LEAF.insert().values(id=b"i" * 16, subject=None, body=b"invented", position=position),
    )
    assert journal.verify(ledger).fault == LedgerFault(position, "leaf-inserted", position)


@ON_ONE_STORE
def test_leaf_past_the_signed_size_is_named(ledger):
    edit(ledger, LEAF.insert().values(id=b"i" * 16, subject=None, body=b"invented", position=12))
    assert journal.verify(ledger).fault == LedgerFault(12, "leaf-not-signed", 12)


@ON_ONE_STORE
@pytest.mark.parametrize("column", ["id", "subject"])
def test_row_that_hides_its_leaf_from_searches_is_named(ledger, column):
    edit(ledger, LEAF.update().where(LEAF.c.position == 6).values({column: b"h" * 16}))
    assert journal.verify(ledger).fault == LedgerFault(6, "row-changed", 6)


@ON_ONE_STORE
@pytest.mark.parametrize("at", range(tree.stored(12)))
def test_changed_or_missing_hash_is_not_blamed_on_a_leaf(ledger, at):
    edit(ledger, NODE.update().where(NODE.c.node_index == at).values(hash=b"x" * 32))
    fault = journal.verify(ledger).fault
    assert fault is not None
    assert (fault.rule, tree.node_index(tree.Span(fault.position, fault.until + 1))) == ("hash-changed", at)
    edit(ledger, NODE.delete().where(NODE.c.node_index == at))
    assert journal.verify(ledger).fault == fault


@ON_ONE_STORE
def test_leaf_changed_with_its_hash_is_located_to_its_subtree(ledger):
    edit(
        ledger,
        change_body(6, b"invented"),
        NODE.update().where(NODE.c.node_index == tree.stored(6)).values(hash=tree.leaf_hash(b"invented")),
    )
    assert journal.verify(ledger).fault == LedgerFault(
        6, "leaf-changed", 7
    )  # the node above leaves 6 and 7 gives it away


@ON_ONE_STORE
def test_leaf_changed_with_all_hashes_is_located_between_checkpoints(ledger):
    bodies = [body(ledger, at) for at in range(12)]
    bodies[6] = b"invented"
    edit(
        ledger,
        change_body(6, b"invented"),
        *(
            NODE.update().where(NODE.c.node_index == at).values(hash=each)
            for at, each in enumerate(tree.Tree().append(bodies))
        ),
    )
    assert journal.verify(ledger).fault == LedgerFault(5, "not-what-was-signed", 8)


@ON_ONE_STORE
def test_changed_checkpoint_is_named(ledger):
    note = read_note(ledger, 1)
    for changed in (note.replace("\n9\n", "\n8\n"), note[:-10] + ("A" if note[-10] != "A" else "B") + note[-9:], ""):
        edit(ledger, POINT.update().where(POINT.c.number == 1).values(note=changed))
        assert journal.verify(ledger).fault == LedgerFault(9, "checkpoint-changed", 9)
    edit(ledger, POINT.update().where(POINT.c.number == 1).values(note=note, size=8))
    assert journal.verify(ledger).fault == LedgerFault(8, "checkpoint-changed", 8)


@ON_ONE_STORE
@pytest.mark.parametrize(("number", "position"), [(0, 0), (1, 5)])
def test_missing_checkpoint_is_named(ledger, number, position):
    edit(ledger, POINT.delete().where(POINT.c.number == number))
    assert journal.verify(ledger).fault == LedgerFault(position, "checkpoint-missing", position)


def test_checkpoint_row_without_a_valid_signature_covers_no_leaf(ledger):
    edit(
        ledger,
        LEAF.insert().values(id=b"i" * 16, subject=None, body=b"invented", position=12),
        POINT.insert().values(number=-1, size=13, note=read_note(ledger, 2)),
    )
    assert journal.verify(ledger).fault == LedgerFault(0, "checkpoint-missing", 0)
    edit(
        ledger, POINT.update().where(POINT.c.number == -1).values(size=10**6), POINT.delete().where(POINT.c.number >= 0)
    )
    assert journal.verify(ledger).fault == LedgerFault(0, "checkpoint-missing", 0)


KINDS = ("'text'", "5.5", "x'ff00fe'", "'5'", "-7", "CAST({} AS TEXT)", "CAST(x'ff00fe' AS TEXT)", "1e300", "NULL")
PLACES = [("leaf", "position", column) for column in ("id", "subject", "body", "position")]
PLACES += [("node", "node_index", column) for column in ("node_index", "hash")]
PLACES += [("checkpoint", "number", column) for column in ("number", "size")]


@ON_ONE_STORE
@pytest.mark.parametrize("value", KINDS)
@pytest.mark.parametrize(("table", "key", "column"), PLACES)
def test_invalid_value_that_sqlite_keeps_is_named_without_an_error(world, ledger, table, key, column, value):
    changed = sa.text(f"UPDATE {table} SET {column} = {value.format(column)} WHERE {key} = 1")
    dump = sa.text(f"SELECT CAST(quote({column}) AS BLOB) FROM {table} ORDER BY 1")
    with ledger.data.begin() as connection:
        before = connection.execute(dump).all()
        try:
            connection.execute(changed)
        except sa.exc.IntegrityError:
            return  # SQLite does not keep this here
        same = connection.execute(dump).all() == before  # it makes numbers of texts that are one
    fault = journal.verify(ledger).fault
    assert (fault is None) is same
    if column in {"id", "subject", "body"}:
        assert fault.position == 1
    assert len(journal.who_saw(world, ledger, RECORD)) == (11 if column == "subject" and not same else 12)


@ON_ONE_STORE
def test_leaf_between_two_positions_is_named(ledger):
    with ledger.data.begin() as connection:
        connection.execute(sa.text("INSERT INTO leaf VALUES (x'00', NULL, x'00', 4.5)"))
    assert journal.verify(ledger).fault == LedgerFault(4, "row-of-another-kind", 4)


@ON_ONE_STORE
def test_hash_moved_before_the_first_place_is_reported_as_changed(ledger):
    edit(ledger, NODE.update().where(NODE.c.node_index == 4).values(node_index=-7))
    assert journal.verify(ledger).fault == LedgerFault(3, "hash-changed", 3)


@ON_ONE_STORE
def test_leaves_after_a_missing_last_checkpoint_are_named(ledger):
    edit(ledger, POINT.delete().where(POINT.c.number == 2))
    assert journal.verify(ledger).fault == LedgerFault(9, "leaf-not-signed", 9)


@ON_ONE_STORE
def test_checkpoint_signed_for_fewer_leaves_is_named(world, ledger):
    seed = ledger.keys.key("sign", "ledger", world, world.now())
    old = read(read_note(ledger, 0), VerifierKey.of_seed(ledger.settings.origin, seed))
    edit(ledger, POINT.insert().values(number=3, size=5, note=sign(old, seed)))
    assert journal.verify(ledger).fault == LedgerFault(5, "ledger-shrunk", 5)


@ON_ONE_STORE
def test_truncated_ledger_is_noticed_by_a_holder_of_a_later_checkpoint(world, ledger):
    key = journal.log_key(world, ledger)
    kept = read(journal.latest(ledger), key)
    edit(
        ledger,
        LEAF.delete().where(LEAF.c.position >= 9),
        NODE.delete().where(NODE.c.node_index >= tree.stored(9)),
        POINT.delete().where(POINT.c.number == 2),
    )
    signed_head.replace(ledger.keys, None)  # the key store's memory is gone as well
    assert journal.verify(ledger).fault is None  # said in the module: from inside it can't be seen
    assert follows(kept, read(journal.latest(ledger), key), []) == "shrunk"
    write(world, ledger, 3, "refusal")
    later = read(journal.sequence(world, ledger), key)
    assert follows(kept, later, journal.proof(ledger, tree.consistency(kept.size, later.size))) == "forked"
    write(world, ledger, 1)
    later = read(journal.sequence(world, ledger), key)
    assert follows(kept, later, journal.proof(ledger, tree.consistency(kept.size, later.size))) == "unproven"


def test_ledger_without_its_key_is_not_trusted(world, ledger):
    with ledger.keys.engine.begin() as connection:
        connection.execute(key_schema.stored_key.delete().where(key_schema.stored_key.c.purpose == "sign"))
    ledger.keys._opened.clear()
    assert journal.verify(ledger).fault == LedgerFault(5, "checkpoint-changed", 5)


def test_every_ledger_fault_is_described():
    named = {
        "leaf-changed", "leaf-deleted", "leaf-inserted", "leaves-swapped", "leaf-not-signed", "row-changed", "tail-cut",
        "hash-changed", "not-what-was-signed", "checkpoint-changed", "checkpoint-missing", "ledger-shrunk",
        "row-of-another-kind",
    }  # fmt: skip
    assert set(RULES) == named
