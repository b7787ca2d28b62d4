"""The ledger's rows: leaves are committed with the act, and sequenced, signed and verified later.

An act only inserts its leaf. `sequence`, which any process may call, gives pending leaves their positions in the tree and signs a
checkpoint. It does so in one transaction that holds a lock, so that neither a crash nor a second sequencer does harm. Positions
follow the order of sequencing, so that a leaf that is committed late comes later, and no leaf is skipped.
FORMAT.md sections 8 and 9.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from masking.database import hot_sql, schema
from masking.database.engine import advisory_lock, streaming
from masking.errors import IntegrityError, MaskingError
from masking.journal.audit import ALL_KEPT, AuditReport, LedgerFault, verify
from masking.keys import access_leaves, signed_head
from masking.keys.access_leaves import AccessLeaf
from masking.keys.signed_head import AnnouncedLoss, SignedHead
from masking.ledger import checkpoint, loss, tree
from masking.ledger.checkpoint import Checkpoint
from masking.ledger.log import Leaf, Unreadable, encode, read
from masking.ledger.loss import Loss, LossReason
from masking.ledger.note import VerifierKey
from masking.runtime import World
from masking.store import row_macs
from masking.store.alarms import raise_alarm
from masking.store.store import Store
from masking.words.alarms import AlarmKind
from masking.words.ledger_kinds import LedgerKind

__all__ = [
    "AuditReport",
    "Leaf",
    "LedgerFault",
    "accept",
    "append",
    "latest",
    "log_key",
    "proof",
    "sequence",
    "verify",
    "who_saw",
]

ALARM = AlarmKind.LEDGER_NOT_AS_SIGNED
"""The alarm, at most once an hour, that the ledger does not extend the head that was signed last."""

HEARTBEAT = timedelta(seconds=60)
"""While a sequencer runs, the last checkpoint is never older than this, even if there are no new leaves."""

KEPT = sa.select(*(sa.cast(schema.leaf.c[name], schema.leaf.c[name].type) for name in ("id", "position", "body")))
"""The columns of a leaf that `masking.ledger.log.read` takes, cast to their types, since SQLite can store any type in them."""
LETS_IN = frozenset(
    {
        LedgerKind.ENROL,
        LedgerKind.ENROL_AGAIN,
        LedgerKind.CONFIRM,
        LedgerKind.DEVICE,
        LedgerKind.SECRET,
        LedgerKind.REINSTATE,
    }
)
"""Kinds of leaves that give a person, device or program access. Each names its `person`."""

_BATCH = 1000
_APPEND = schema.leaf.insert()
_GROW = schema.node.insert()
_LEAF = schema.leaf.c
_BODY = sa.cast(_LEAF.body, _LEAF.body.type)  # cast as in `KEPT`, so that a foreign value does not block later leaves
_WAITING = sa.select(_LEAF.id, _BODY).where(_LEAF.position.is_(None)).order_by(_LEAF.id).limit(_BATCH)
_PLACE = schema.leaf.update().where(_LEAF.id == sa.bindparam("of")).values(position=sa.bindparam("at"))


def append(tx: Connection, leaves: Sequence[Leaf]) -> None:
    """Add these leaves in the transaction of their acts. Takes no lock that another act could wait for.

    The hashes of leaves that grant access are also stored in the key store (`keys.access_leaves`).
    """
    rows = [{"id": leaf.id, "subject": leaf.subject, "body": encode(leaf)} for leaf in leaves]
    let_in = [
        AccessLeaf(leaf.id, tree.leaf_hash(encode(leaf)), leaf.detail["person"])
        for leaf in leaves
        if leaf.kind in LETS_IN
    ]
    if let_in:
        access_leaves.expect(row_macs.of(tx).keys, tx, let_in)
    hot_sql.write(tx, _APPEND, rows)


def sequence(
    world: World, store: Store, *, now: datetime | None = None, at_most_every: timedelta = timedelta(0)
) -> str:
    """Sequence all pending leaves and sign a checkpoint. Returns the note of the latest checkpoint.

    Without pending leaves, it signs if the last checkpoint is a minute old. Any number of processes may call it at any time. It
    does nothing if the last checkpoint, of any process, is younger than `at_most_every`.

    Raises:
        IntegrityError: the stored ledger does not extend what was signed last. Nothing is signed on top of that, and an
            alarm is raised.
        UnavailableError: a database can't be used now. Leaves of earlier batches stay sequenced.
    """
    now = now or world.now()
    seed = store.keys.key("sign", "ledger", world, now)
    if store.macs.wrong:
        with suppress(MaskingError), store.transaction() as tx:
            row_macs.report(tx, now, world)
    try:
        while True:
            head = signed_head.last(store.keys)
            with store.transaction() as tx:
                placed, note, signed = _sequence_once(tx, store.settings.origin, seed, head, now, at_most_every)
            at_most_every = timedelta(0)  # further batches follow at once
            if signed != head:
                signed_head.remember(store.keys, signed)
            if placed < _BATCH:
                return note
    except IntegrityError:
        with suppress(MaskingError), store.transaction() as tx:
            raise_alarm(tx, ALARM, "ledger", now, world, at_most_every=timedelta(hours=1))
        raise


def _sequence_once(
    tx: Connection, origin: str, seed: bytes, head: SignedHead | None, now: datetime, at_most_every: timedelta
) -> tuple[int, str, SignedHead]:
    """Sequence at most one batch of leaves. Returns how many, the latest note, and the head that it signs."""
    advisory_lock(tx, "ledger")
    waiting = hot_sql.rows(tx, _WAITING)
    number, note = _last(tx)
    last = checkpoint.read(note, VerifierKey.of_seed(origin, seed)) if note else None
    size = last.size if last else 0
    signed_head.check_extends(head, size, lambda places: _read(tx, places))
    if last and abs(now - last.at) < (at_most_every if waiting else HEARTBEAT):
        return 0, note, SignedHead(size, last.root)
    grown = tree.Tree.load(size, lambda places: _read(tx, places))
    if last and grown.root() != last.root:
        raise IntegrityError(
            "the ledger is not as it was signed, and no more leaves are signed. Run `waybill ledger verify`"
        )
    note, signed = _place_and_sign(tx, origin, seed, grown, waiting, number + 1, now)
    return len(waiting), note, signed


def _place_and_sign(
    tx: Connection,
    origin: str,
    seed: bytes,
    grown: tree.Tree,
    waiting: Sequence[tuple[bytes, bytes]],
    number: int,
    now: datetime,
) -> tuple[str, SignedHead]:
    """Give leaves (id, body) the next positions in the tree. Returns the checkpoint's note, and the head that it signs."""
    size = grown.size
    if waiting:
        hashes = grown.append([body for _, body in waiting])
        hot_sql.write(
            tx, _GROW, [{"node_index": at, "hash": each} for at, each in enumerate(hashes, tree.stored(size))]
        )
        hot_sql.write(tx, _PLACE, [{"of": leaf, "at": at} for at, (leaf, _) in enumerate(waiting, size)])
    signed = Checkpoint(origin=origin, size=grown.size, root=grown.root(), at=now)
    note = checkpoint.sign(signed, seed)
    tx.execute(schema.checkpoint.insert().values(number=number, size=grown.size, note=note))
    return note, SignedHead(signed.size, signed.root)


class Accepted(NamedTuple):
    """The number of signed leaves, the number that is left, and the announcement's id ("" if no leaf was lost)."""

    signed: int
    left: int
    announcement: str


def accept(world: World, store: Store, *, reason: LossReason, actor: str) -> Accepted:
    """After a failover or restore that lost leaves: continue signing from the present ledger, and announce the loss.

    The announcement is signed, stored in the key store, and the next leaf of the ledger. If no leaf was lost, nothing
    changes. A crash in between leaves the ledger unsigned; running it again then announces the loss a second time.

    Raises:
        IntegrityError: the last checkpoint does not cover the remaining leaves.
    """
    now = world.now()
    origin, seed = store.settings.origin, store.keys.key("sign", "ledger", world, now)
    was = signed_head.last(store.keys)
    with store.transaction() as tx:
        advisory_lock(tx, "ledger")
        number, note = _last(tx)
        last = checkpoint.read(note, VerifierKey.of_seed(origin, seed)) if note else None
        left = SignedHead(last.size, last.root) if last else SignedHead(0, tree.EMPTY_ROOT)

        def kept(places: list[int]) -> Mapping[int, bytes]:
            return _read(tx, places)

        signed_head.check_extends(left, left.size, kept)
        if was is None or _extends(was, left.size, kept):
            return Accepted(was.size if was else 0, left.size, "")
        leaf = store.leaf(world, max(now, last.at) if last else now, LedgerKind.ACCEPT, actor)
        lost = Loss(
            signed_size=was.size,
            signed_root=was.root,
            left_size=left.size,
            left_root=left.root,
            reason=reason,
            at=leaf.at,
        )
        leaf = replace(leaf, detail=lost.detail)
        append(tx, [leaf])
        grown = tree.Tree.load(left.size, kept)
        _, signed = _place_and_sign(tx, origin, seed, grown, [(leaf.id, encode(leaf))], number + 1, leaf.at)
    announcement = loss.sign(lost, origin, seed)
    signed_head.replace(store.keys, signed, AnnouncedLoss(leaf.id, encode(leaf), announcement))
    return Accepted(was.size, left.size, loss.loss_id(announcement))


def _extends(head: SignedHead, size: int, kept: Callable[[list[int]], Mapping[int, bytes]]) -> bool:
    try:
        signed_head.check_extends(head, size, kept)
    except IntegrityError:
        return False
    return True


def prune(store: Store) -> int:
    """Delete checkpoints that are older than the last one by `audit.ALL_KEPT`, except the last of each hour.

    No proof needs them: a later checkpoint signs the same leaves, and clients keep their own. A checkpoint without a readable time
    stays as evidence. Returns how many were deleted.
    """
    last, hours = checkpoint.stated_time(latest(store)), dict[datetime, int]()
    if last is None:
        return 0
    gone: list[int] = []
    table = schema.checkpoint
    for row in streaming(store.data, sa.select(table.c.number, table.c.note).order_by(table.c.number)):
        at = checkpoint.stated_time(row.note)
        if at and at < last - ALL_KEPT:
            hour = at.replace(minute=0, second=0, microsecond=0)
            if hour in hours:
                gone.append(hours[hour])
            hours[hour] = row.number
    for start in range(0, len(gone), _BATCH):
        with store.transaction() as tx:
            tx.execute(table.delete().where(table.c.number.in_(gone[start : start + _BATCH])))
    return len(gone)


def latest(store: Store) -> str:
    """The latest checkpoint's note, "" before the first."""
    with store.reading() as tx:
        return _last(tx)[1]


def log_key(world: World, store: Store) -> VerifierKey:
    """The public key that verifies this ledger's checkpoints. Clients pin it."""
    return VerifierKey.of_seed(store.settings.origin, store.keys.key("sign", "ledger", world, world.now()))


def proof(store: Store, spans: Sequence[tree.Span]) -> list[bytes]:
    """The hashes of `tree.inclusion` or `tree.consistency`, from the stored tree."""
    with store.reading() as tx:
        return tree.proof(spans, lambda places: _read(tx, places))


def who_saw(world: World, store: Store, record: bytes, *, since: datetime | None = None) -> list[Leaf | Unreadable]:
    """Every leaf about one waybill, oldest first, including leaves that are not sequenced yet. A damaged leaf is named.

    `since` leaves out leaves that are older both by their own time and by the ledger: a checkpoint before `since` signed
    them, and its time was not set back. So a clock that is set back hides no leaf.
    """
    about = store.subject(record, world, world.now())
    with store.reading() as tx:
        rows = tx.execute(KEPT.where(_LEAF.subject == about).order_by(_LEAF.id)).all()
    leaves = [read(*row) for row in rows]
    if since is None:
        return leaves
    earlier = _signed_before(store, {row.position for row in rows if isinstance(row.position, int)}, since)
    return [
        each
        for row, each in zip(rows, leaves, strict=True)
        if row.position not in earlier or isinstance(each, Unreadable) or each.at >= since
    ]


def _signed_before(store: Store, places: Collection[int], since: datetime) -> set[int]:
    """Which of these positions were signed before a moment, by a checkpoint whose time is not before an earlier one's."""
    table, found, size = schema.checkpoint, set[int](), 0
    newest: datetime | None = None
    for row in streaming(store.data, sa.select(table.c.size, table.c.note).order_by(table.c.number)):
        at = checkpoint.stated_time(row.note)
        if at and (newest is None or at >= newest):
            newest = at
            if at < since:
                found |= {place for place in places if size <= place < row.size}
        size = row.size
    return found


def _last(tx: Connection) -> tuple[int, str]:
    table = schema.checkpoint
    row = tx.execute(sa.select(table.c.number, table.c.note).order_by(table.c.number.desc()).limit(1)).first()
    return (row.number, row.note) if row else (-1, "")


def _read(tx: Connection, places: list[int]) -> Mapping[int, bytes]:
    """Stored hashes, by node index.

    Raises:
        IntegrityError: one of them is missing.
    """
    node = schema.node
    found = {row.node_index: row.hash for row in tx.execute(sa.select(node).where(node.c.node_index.in_(places)))}
    if len(found) < len(set(places)):
        raise IntegrityError("a hash of the ledger's tree is missing")
    return found
