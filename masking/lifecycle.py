"""The states of a waybill and the only ways between them.

`active -> sealed_away -> destroyed`; a cancelled order goes straight to destroyed. The table is the state machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import final


class State(StrEnum):
    """How much of a waybill can still be opened, and by whom."""

    ACTIVE = "active"
    """Resolvable by those with a duty."""
    SEALED_AWAY = "sealed_away"
    """Kept only under the offline archive key: nobody online can open it."""
    DESTROYED = "destroyed"
    """Both wraps deleted: nobody can open it."""


class Act(StrEnum):
    """What moves a waybill from state to state."""

    CANCEL = "cancel"
    SEAL_AWAY = "seal_away"
    DESTROY = "destroy"


TRANSITIONS: dict[tuple[State, Act], State] = {
    (State.ACTIVE, Act.CANCEL): State.DESTROYED,
    (State.ACTIVE, Act.SEAL_AWAY): State.SEALED_AWAY,
    (State.ACTIVE, Act.DESTROY): State.DESTROYED,
    (State.SEALED_AWAY, Act.DESTROY): State.DESTROYED,
}


def after(state: State, act: Act) -> State | None:
    """The state that `act` leads to from `state`, or None where there is no such way."""
    return TRANSITIONS.get((state, act))


KEY_BACKUPS_LIVE = timedelta(hours=24)
"""How long a copy of the key store may be kept; destruction is complete when the last one has expired."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long a waybill stays in each state: what the nightly run goes by. A hold stops it for one waybill.

    The defaults are the shortest that a carrier can work with, not advice: PIPL article 19 asks for the shortest time
    that the purpose needs, other laws ask for records to be kept (`docs/retention.md`). Set them to what applies to you.
    """

    seal_away_after: timedelta = timedelta(days=7)
    """After delivery: as long as complaints about the delivery itself come in."""
    undelivered_after: timedelta = timedelta(days=60)
    """After checkout, for what was never delivered."""
    destroy_after: timedelta = timedelta(days=180)
    """After it was sealed away."""
