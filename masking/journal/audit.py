"""Recomputes the whole ledger from its leaves, and compares it with every stored hash and every signed checkpoint.

It reads in pages, so memory does not grow with the ledger. It also checks that the ledger extends the head that the sequencer
signed last (`keys.signed_head`), which shows a ledger that was cut back or regrown from an earlier checkpoint. It can't
detect two things. Leaves may be deleted before they are sequenced (`journal.missing_leaves` detects this for leaves that
grant access). A ledger may be cut back together with the key store, which only clients with a stored checkpoint can detect.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count, islice
from typing import Any, final

import sqlalchemy as sa

from masking.database import schema
from masking.errors import IntegrityError
from masking.keys import signed_head
from masking.keys.signed_head import SignedHead
from masking.ledger.checkpoint import Checkpoint, read, stated_time
from masking.ledger.log import names
from masking.ledger.note import VerifierKey
from masking.ledger.tree import Span, Tree, leaf_hash, stored
from masking.store.store import Store

ALL_KEPT = timedelta(days=1)
"""All checkpoints of this time before the last one are kept. Of older ones, the last of each hour is (`journal.prune`)."""

_STRIDE = 2000
_KINDS: dict[type, str] = {sa.LargeBinary: "blob", sa.BigInteger: "integer", sa.Text: "text"}
"""SQLite's names of the types of values that these columns hold."""


@final
@dataclass(frozen=True, slots=True)
class LedgerFault:
    """A difference between the ledger and its signatures.

    Attributes:
        position: the leaf, counted from 0; for a rule about a checkpoint, the size it has or should have.
        rule: what is wrong, one of `RULES`.
        until: the last leaf that may be wrong, if the evidence gives a range; otherwise the same as `position`.
    """

    position: int
    rule: str
    until: int


@final
@dataclass(frozen=True, slots=True)
class AuditReport:
    """The number of signed leaves, the first fault or None, the latest note, and the number of pending leaves."""

    size: int
    fault: LedgerFault | None
    note: str
    waiting: int


RULES = {
    "leaf-changed": "its bytes are not those that were signed",
    "leaf-deleted": "the leaf of this position is gone",
    "leaf-inserted": "a leaf stands here that was never signed",
    "leaves-swapped": "it stands where another leaf was signed",
    "leaf-not-signed": "it was placed, but no checkpoint covers it",
    "row-changed": "the row's id or subject is not its leaf's, so a search would miss it",
    "tail-cut": "from here on the leaves that were signed are gone",
    "hash-changed": "the leaves are as signed, a kept hash of the tree is not",
    "not-what-was-signed": "leaves and kept hashes agree with each other, not with the signature",
    "checkpoint-changed": "its signature is wrong, or its row says another size",
    "checkpoint-missing": "one of the last day is gone from the row of checkpoints, or one stands before the first",
    "ledger-shrunk": "a checkpoint was signed for fewer leaves than an earlier one",
    "row-of-another-kind": "the row of a leaf, a hash or a checkpoint holds a value of a foreign type",
}
"""The meaning of each rule of a fault."""


def verify(store: Store, *, since: str = "") -> AuditReport:
    """Verify the ledger. Returns its size and its first fault.

    Writers are not blocked, and leaves that are sequenced meanwhile are left to the next run. `since` is the note of a checkpoint
    up to which the ledger was verified before. Leaves that it covers are compared as a whole, by the kept hashes, and later ones
    one by one. So a later change of a covered leaf is not detected.

    Raises:
        IntegrityError: `since` is not signed by this ledger's key.
    """
    begun = read(since, _key(store)) if since else None
    head = signed_head.last(store.keys)  # read first, since leaves that are signed meanwhile only extend it
    strange = _of_another_kind(store, begun.size if begun else 0)
    if strange:
        return AuditReport(0, strange, "", 0)  # such a row may be anywhere, so that nothing else can be verified
    with store.reading() as tx:
        table = schema.checkpoint
        row = tx.execute(sa.select(table).order_by(table.c.number.desc()).limit(1)).first()
        waiting = tx.execute(sa.select(sa.func.count()).where(schema.leaf.c.position.is_(None))).scalar_one()
    number, size, note = row or (-1, 0, "")
    if begun and begun.size > size:
        return AuditReport(size, LedgerFault(size, "tail-cut", size), note, waiting)
    try:
        grown = _grown(store, begun)
    except IntegrityError:
        return AuditReport(size, LedgerFault(0, "not-what-was-signed", size - 1), note, waiting)
    fault = (
        _first_fault(store, number, grown, stated_time(note)) or _unsigned(store) or _not_extended(store, head, size)
    )
    return AuditReport(size, fault, note, waiting)


def _key(store: Store) -> VerifierKey:
    seed = store.keys.existing("sign", "ledger")
    if seed is None:
        raise IntegrityError("the key store has no key of the ledger. Restore a copy of the key store")
    return VerifierKey.of_seed(store.settings.origin, seed)


def _of_another_kind(store: Store, size: int) -> LedgerFault | None:
    """The first value of a foreign type, which only SQLite stores. Later comparisons would miss it or fail on it.

    The fault names its leaf, or the first leaf for a row of a hash or checkpoint. Rows about the first `size` leaves are
    skipped: they were verified before.
    """
    if store.data.dialect.name != "sqlite":
        return None
    position, first = sa.cast(schema.leaf.c.position, sa.BigInteger), sa.literal(0)
    for table, where, counter, start in (
        (schema.leaf, position, schema.leaf.c.position, size),
        (schema.node, first, schema.node.c.node_index, stored(size)),
        (schema.checkpoint, first, schema.checkpoint.c.size, size),
    ):
        odd = [sa.func.typeof(column).not_in([_KINDS[type(column.type)], "null"]) for column in table.columns]
        recent = counter >= start if size else sa.true()  # for SQLite, a string or blob is larger than every number
        query = sa.select(where).select_from(table).where(where.is_not(None), recent, sa.or_(*odd)).limit(1)
        with store.reading() as tx:
            found = tx.execute(query).scalar()
        if found is not None:
            return LedgerFault(found, "row-of-another-kind", found)
    return None


def _first_fault(store: Store, last: int, grown: Tree, until: datetime | None) -> LedgerFault | None:
    """Recompute the tree from checkpoint to checkpoint, up to the one numbered `last`, and compare the roots.

    Begins after the leaves of `grown`. `until` is the time of the last checkpoint; all of the day before it are kept.
    """
    seed = store.keys.existing("sign", "ledger")
    key = VerifierKey.of_seed(store.settings.origin, seed) if seed else None
    leaves = _rows(store, schema.leaf.c.position, grown.size)
    hashes = _rows(store, schema.node.c.node_index, stored(grown.size))
    before = None if grown.size else -1
    for row in _checkpoints(store, last, grown.size):
        agreed = grown.size
        if _is_gap(before, row, until):
            return LedgerFault(agreed, "checkpoint-missing", agreed)
        before = row.number
        try:
            signed = read(row.note, key) if key else None
        except IntegrityError:
            signed = None
        if signed is None or signed.size != row.size:
            return LedgerFault(row.size, "checkpoint-changed", row.size)
        if signed.size < agreed:
            return LedgerFault(signed.size, "ledger-shrunk", signed.size)
        suspect = None
        while grown.size < signed.size:
            stride = list(islice(leaves, min(_STRIDE, signed.size - grown.size)))
            whole = stride.index(None) if None in stride else len(stride)
            suspect = _compare(store, grown, stride[:whole], hashes, suspect)
            if whole < len(stride):
                return suspect or _gone(store, grown.size)
        if grown.root() != signed.root:
            somewhere = LedgerFault(agreed, "not-what-was-signed", max(agreed, signed.size - 1))
            return suspect if suspect and suspect.rule != "row-changed" else somewhere
        if suspect:  # the leaves are right, so that the row or the kept hash is wrong
            return (
                suspect
                if suspect.rule == "row-changed"
                else LedgerFault(suspect.position, "hash-changed", suspect.until)
            )
    return None


def _compare(
    store: Store, grown: Tree, stride: list[Any], hashes: Iterator[Any], suspect: LedgerFault | None
) -> LedgerFault | None:
    """Append leaves to the tree. Returns the first suspicion, from which the next signature makes a fault."""
    before = grown.size
    made = grown.append([row.body for row in stride])
    kept = [row.hash if row else None for row in islice(hashes, len(made))]
    if suspect:
        return suspect
    if made != kept:
        off = next(at for at, pair in enumerate(zip(made, kept, strict=True)) if pair[0] != pair[1])
        span = _span(stored(before) + off)
        rule = _diagnose(store, span.start, made[off], kept[off]) if span.end - span.start == 1 else "leaf-changed"
        return LedgerFault(span.start, rule, span.end - 1)
    for at, row in enumerate(stride, before):
        if names(row.body) != (row.id, row.subject):
            return LedgerFault(at, "row-changed", at)
    return None


def _diagnose(store: Store, position: int, found: bytes, signed: bytes | None) -> str:
    """The rule for a leaf with the hash `found` instead of `signed`. Searches the table once for each of them."""
    node, leaf = schema.node, schema.leaf
    with store.reading() as tx:
        elsewhere = tx.execute(
            sa.select(node.c.node_index).where(node.c.hash == found, node.c.node_index >= 0).limit(1)
        ).scalar()
        other = position + 1 if elsewhere is None else _span(elsewhere).start
        body = tx.execute(sa.select(leaf.c.body).where(leaf.c.position == other)).scalar()
    exchanged = body is not None and leaf_hash(body) == signed
    if elsewhere is None:
        return "leaf-inserted" if exchanged else "leaf-changed"
    return "leaves-swapped" if exchanged else "leaf-deleted"


def _gone(store: Store, position: int) -> LedgerFault:
    leaf = schema.leaf
    with store.reading() as tx:
        more = tx.execute(sa.select(leaf.c.position).where(leaf.c.position > position).limit(1)).first()
    return LedgerFault(position, "leaf-deleted" if more else "tail-cut", position)


def _unsigned(store: Store) -> LedgerFault | None:
    """A sequenced leaf that no checkpoint covers. One statement, so that leaves being sequenced now are no fault."""
    position = schema.leaf.c.position
    covered = sa.select(sa.func.coalesce(sa.func.max(schema.checkpoint.c.size), 0)).scalar_subquery()
    with store.reading() as tx:
        found = tx.execute(sa.select(sa.func.min(position)).where((position < 0) | (position >= covered))).scalar()
    return None if found is None else LedgerFault(found, "leaf-not-signed", found)


def _not_extended(store: Store, head: SignedHead | None, size: int) -> LedgerFault | None:
    """The fault of a ledger that agrees with its checkpoints, but does not extend the head that was signed last."""
    if head and head.size > size:
        return LedgerFault(size, "tail-cut", size)
    try:
        with store.reading() as tx:
            places = sa.select(schema.node)
            signed_head.check_extends(
                head,
                size,
                lambda at: {
                    row.node_index: row.hash for row in tx.execute(places.where(schema.node.c.node_index.in_(at)))
                },
            )
    except IntegrityError:
        return LedgerFault(0, "not-what-was-signed", max(size - 1, 0))
    return None


def _span(at: int) -> Span:
    """The leaves below the tree node with this index."""
    last = bisect_left(range(at + 1), at + 1, key=stored) - 1
    width = 1 << (at - stored(last))
    return Span(last + 1 - width, last + 1)


def _is_gap(before: int | None, row: Any, until: datetime | None) -> bool:
    """Whether a checkpoint before this row is missing that was not pruned. `before` is None if it is unknown."""
    if before is None or row.number == before + 1:
        return False
    at = stated_time(row.note)
    return row.number <= before or at is None or until is None or at >= until - ALL_KEPT


def _grown(store: Store, begun: Checkpoint | None) -> Tree:
    """Load the tree that a checkpoint signs from its kept hashes. Empty without a checkpoint.

    Raises:
        IntegrityError: a hash is missing, or the hashes don't match the checkpoint.
    """
    if begun is None:
        return Tree()
    node = schema.node

    def kept(places: list[int]) -> dict[int, bytes]:
        with store.reading() as tx:
            return {
                row.node_index: row.hash for row in tx.execute(sa.select(node).where(node.c.node_index.in_(places)))
            }

    try:
        grown = Tree.load(begun.size, kept)
    except KeyError:
        raise IntegrityError("a hash of the ledger's tree is missing") from None
    if grown.root() != begun.root:
        raise IntegrityError("the ledger is not what was verified before")
    return grown


def _rows(store: Store, counter: sa.Column[int], first: int) -> Iterator[Any]:
    """The row for each value of a counter from `first` on, None if it is missing. An endless iterator."""
    for start in count(
        first, _STRIDE
    ):  # no row that a caller asks for is younger than the last checkpoint at the start
        query = sa.select(counter.table).where(counter >= start, counter < start + _STRIDE)
        with store.reading() as tx:
            page = {row._mapping[counter]: row for row in tx.execute(query)}  # noqa: SLF001
        for at in range(start, start + _STRIDE):
            yield page.get(at)


def _checkpoints(store: Store, last: int, size: int) -> Iterator[Any]:
    """The checkpoints up to the one numbered `last`, of at least `size` leaves, in order."""
    table = schema.checkpoint
    which = [table.c.number <= last, table.c.size >= size if size else sa.true()]
    query = sa.select(table).order_by(table.c.number).limit(_STRIDE)
    while True:
        with store.reading() as tx:
            page = tx.execute(query.where(*which)).all()
        yield from page
        if not page:
            return
        which = [*which[:2], table.c.number > page[-1].number]
