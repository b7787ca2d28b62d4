"""Who acts: an enrolled person or program, in one role, at one unit of one tenant."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import final

from masking.errors import InputError
from masking.ledger.log import is_name


class Role(StrEnum):
    """What somebody may do at all; what they may do with *this* parcel is duty's question."""

    MERCHANT = "merchant"
    """Checks orders out and sees their masked views. Its unit is the shop."""
    OUTLET = "outlet"
    """Receives, dispatches and prints at one outlet. Never resolves."""
    COURIER = "courier"
    """Collects and delivers what others assigned."""
    SWITCH = "switch"
    """The telephone exchange: asks whom a dialled number rings."""
    OPERATOR = "operator"
    """Runs retention and erasure. Never resolves."""
    SUPERVISOR = "supervisor"
    """Enrols and revokes the others. Holds no duty."""


class Level(StrEnum):
    """How well a person's device guards its key: what was attested when it was enrolled."""

    NONE = "none"
    """There is no device: an embedded deployment, or a program with a plain bearer token."""
    SOFTWARE = "software"
    """A key in a file, or one whose keeper nobody vouched for."""
    HARDWARE = "hardware"
    """A key that can't leave its chip, as the port `Attest` has found."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """An enrolled identity, as the deployment's record has it. Two with the same names are the same, at any level.

    Raises:
        InputError: the id or the unit is none that the ledger can write; nothing such a one did could be recorded.
    """

    id: str
    tenant: str
    role: Role
    unit: str
    level: Level = field(default=Level.NONE, compare=False)

    def __post_init__(self) -> None:
        for name in ("id", "unit"):
            if not is_name(getattr(self, name)):
                raise InputError(name, "not-an-id")
