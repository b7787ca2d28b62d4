"""Checks whether the service has announced the loss that explains why its ledger differs from the known one.

An announcement counts only if three things hold: the ledger's key signed it, the present ledger extends the one that the
announcement names, and its leaf is the next one there. So the same announcement is on the ledger for all clients.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from masking.errors import InputError, IntegrityError
from masking.ledger import loss, tree
from masking.ledger.checkpoint import Checkpoint
from masking.ledger.log import decode
from masking.ledger.loss import Loss
from masking.ledger.note import VerifierKey

MOST = 1000
"""The most announcements that a client reads."""

ENVIRONMENT = "WAYBILL_ACCEPTED_LOSSES"


class Announced(NamedTuple):
    """An announcement as the service sends it: the signed note, and the bytes of its leaf."""

    note: str
    body: bytes


class Evidence(Protocol):
    """What a client requests from the service when two checkpoints don't agree."""

    def losses(self) -> list[Announced]:
        """Request every announcement of lost leaves."""
        ...

    def consistency(self, earlier: int, later: int) -> list[bytes]:
        """Request the proof that the ledger of `later` leaves extends that of `earlier` leaves."""
        ...

    def inclusion(self, leaf: int, size: int) -> list[bytes]:
        """Request the proof that the leaf at this position is in the ledger of `size` leaves."""
        ...


def parse_losses(text: str) -> frozenset[str]:
    """Parse the setting `WAYBILL_ACCEPTED_LOSSES`: names of announcements, with commas between them."""
    return frozenset(filter(None, map(str.strip, text.split(","))))


def announced_losses(known: Checkpoint, present: Checkpoint, key: VerifierKey, service: Evidence) -> list[str]:
    """The verified notes that lead from the known checkpoint to the present one, in order. Empty without such notes.

    Raises:
        UnavailableError: the service does not answer.
    """
    read: dict[str, tuple[Announced, Loss]] = {}
    for each in service.losses()[-MOST:]:
        try:
            read[loss.loss_id(each.note)] = each, loss.read(each.note, key)
        except IntegrityError:
            continue
    through = loss.passed(known, ((name, found) for name, (_, found) in read.items()))
    if not through:
        return []
    last, lost = read[through[-1][0]]
    holds = lost.at <= present.at and _is_beginning(lost, present, service) and _is_leaf(last, lost, present, service)
    return [read[name][0].note for name, _ in through] if holds else []


def names(notes: Iterable[str]) -> list[str]:
    """The names of these announcements, as an operator publishes them."""
    return [loss.loss_id(note) for note in notes]


def _is_beginning(lost: Loss, present: Checkpoint, service: Evidence) -> bool:
    if lost.left_size == 0:
        return lost.left_root == tree.EMPTY_ROOT
    try:
        path = service.consistency(lost.left_size, present.size)
    except InputError:  # the ledger is shorter
        return False
    return tree.verify_consistency(lost.left_size, present.size, lost.left_root, present.root, path)


def _is_leaf(announced: Announced, lost: Loss, present: Checkpoint, service: Evidence) -> bool:
    try:
        is_stated = lost.is_stated_by(decode(announced.body))
        path = service.inclusion(lost.left_size, present.size)
    except (InputError, IntegrityError):
        return False
    return is_stated and tree.verify_inclusion(
        tree.leaf_hash(announced.body), lost.left_size, present.size, path, present.root
    )
