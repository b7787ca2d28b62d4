"""Finds leaves that granted access to a person or device and never reached the signed ledger.

`journal.append` stores the hash of each such leaf in the key store. Here the leaf is looked up by its id and proved against
the head that the sequencer signed last. So the cost depends on the number of enrolments since the last check, not on the size
of the ledger.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from masking.database.schema import leaf
from masking.errors import IntegrityError
from masking.journal import journal
from masking.keys import access_leaves, signed_head
from masking.keys.access_leaves import AccessLeaf
from masking.keys.signed_head import SignedHead
from masking.ledger import tree
from masking.runtime import milliseconds
from masking.store.store import Store

COMMITTED = timedelta(minutes=1)
"""Longer than a transaction takes from storing the hash of its leaf to its commit."""

PLACED = timedelta(hours=1)
"""Longer than the sequencer takes from placing a leaf to signing it."""

KEPT = timedelta(days=30)
"""How long a missing leaf is reported."""

_LOOKED_UP = 200
_ROWS = journal.KEPT


def missing_access_leaves(store: Store, now: datetime) -> list[AccessLeaf]:
    """The expected leaves that are missing from the ledger or changed. Leaves that are found signed are no longer expected.

    Raises:
        UnavailableError: a database could not answer now.
    """
    head = signed_head.last(store.keys)  # first: what is signed meanwhile only extends it
    missing: list[AccessLeaf] = []
    done: list[bytes] = []
    looked_for = access_leaves.expected(store.keys, _first_id(now - COMMITTED))
    for start in range(0, len(looked_for), _LOOKED_UP):
        some = looked_for[start : start + _LOOKED_UP]
        with store.reading() as tx:
            rows = {row.id: row for row in tx.execute(_ROWS.where(leaf.c.id.in_([each.id for each in some])))}
        for each in some:
            row = rows.get(each.id)
            if row and _is_signed(store, head, row, each):
                done.append(each.id)
            elif not (row and _is_waiting(head, row, each, now)):
                if each.id >= _first_id(now - KEPT):
                    missing.append(each)
                else:
                    done.append(each.id)
    access_leaves.forget(store.keys, done)
    return missing


def _is_signed(store: Store, head: SignedHead | None, row: Any, expected: AccessLeaf) -> bool:
    """Whether the tree that was signed last holds the expected hash at the position that the row names."""
    place = row.position
    if head is None or not isinstance(place, int) or not 0 <= place < head.size:
        return False
    try:
        path = journal.proof(store, tree.inclusion(place, head.size))
    except IntegrityError:
        return False
    return tree.verify_inclusion(expected.hash, place, head.size, path, head.root)


def _is_waiting(head: SignedHead | None, row: Any, expected: AccessLeaf, now: datetime) -> bool:
    """Whether the leaf exists unchanged, and the next checkpoint can still sign it."""
    if not isinstance(row.body, bytes) or tree.leaf_hash(row.body) != expected.hash:
        return False
    place = row.position
    placed_now = isinstance(place, int) and place >= (head.size if head else 0)
    return place is None or (placed_now and expected.id >= _first_id(now - PLACED))


def _first_id(at: datetime) -> bytes:
    return milliseconds(at).to_bytes(6, "big") + bytes(10)
