"""The states of a waybill and the transitions between them.

`active -> sealed_away -> destroyed`. A cancelled order goes directly to destroyed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import final


class State(StrEnum):
    """Who can still open a waybill's data."""

    ACTIVE = "active"
    """Resolvable by those with a duty."""
    SEALED_AWAY = "sealed_away"
    """Kept only under the offline archive key, so the service can't open it."""
    DESTROYED = "destroyed"
    """Both wrapped keys are deleted, so it can't be opened any more."""


class Act(StrEnum):
    """An act that changes the state of a waybill."""

    CANCEL = "cancel"
    SEAL_AWAY = "seal_away"
    DESTROY = "destroy"


TRANSITIONS: dict[tuple[State, Act], State] = {
    (State.ACTIVE, Act.CANCEL): State.DESTROYED,
    (State.ACTIVE, Act.SEAL_AWAY): State.SEALED_AWAY,
    (State.ACTIVE, Act.DESTROY): State.DESTROYED,
    (State.SEALED_AWAY, Act.DESTROY): State.DESTROYED,
}


def state_after(state: State, act: Act) -> State | None:
    """The state that `act` leads to from `state`, or None if the act is not allowed there."""
    return TRANSITIONS.get((state, act))


KEY_BACKUPS_LIVE = timedelta(hours=24)
"""How long a backup of the key store may be kept. A destruction is complete when the last backup from before it expires."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long a waybill stays in each state. The nightly run applies it, except to waybills on hold.

    The defaults are the shortest that a carrier can work with, and are not advice. PIPL article 19 requires the shortest
    time that the purpose needs, other laws require records to be kept (`docs/retention.md`). Set what applies to you.
    """

    seal_away_after: timedelta = timedelta(days=7)
    """Counted from delivery. It leaves time for complaints about the delivery itself."""
    undelivered_after: timedelta = timedelta(days=60)
    """Counted from checkout, for parcels that were never delivered."""
    destroy_after: timedelta = timedelta(days=180)
    """Counted from when the waybill was sealed away."""
