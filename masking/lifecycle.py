"""The states of a waybill and the only ways between them.

`active -> sealed_away -> destroyed`; a cancelled order goes straight to destroyed. The table is the state machine and
also draws the diagram in `docs/order-path.md`.
"""

from __future__ import annotations

from enum import StrEnum


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
