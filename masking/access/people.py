"""Actors: enrolled people and programs, each with one role at one unit of one tenant."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import final

from masking.errors import InputError
from masking.ledger.log import is_name
from masking.words.request_rules import RequestRule


class Role(StrEnum):
    """The role of an actor, which limits the steps they may use. A duty then decides about each parcel."""

    MERCHANT = "merchant"
    """Checks out orders and sees their masked views. Its unit is the shop."""
    OUTLET = "outlet"
    """Receives, dispatches and prints at one outlet. Never resolves."""
    COURIER = "courier"
    """Collects and delivers parcels that others assigned."""
    SWITCH = "switch"
    """The telephone exchange. Asks which phone a dialled number connects to."""
    OPERATOR = "operator"
    """Runs retention and erasure. Never resolves."""
    SUPERVISOR = "supervisor"
    """Enrols and revokes the other people. Never has a duty."""


class KeyProtection(StrEnum):
    """How well a person's device protects its key, as attested at enrolment."""

    NONE = "none"
    """No device: an embedded deployment, or a program with a plain bearer token."""
    SOFTWARE = "software"
    """A key in a file, or one whose storage was not attested."""
    HARDWARE = "hardware"
    """A key that can't leave its chip, as verified by the port `Attest`."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """An enrolled identity. Equality ignores `level`.

    Raises:
        InputError: the id or the unit has a form that a ledger leaf can't hold, so no act of this actor could be recorded.
    """

    id: str
    tenant: str
    role: Role
    unit: str
    level: KeyProtection = field(default=KeyProtection.NONE, compare=False)

    def __post_init__(self) -> None:
        for name in ("id", "unit"):
            if not is_name(getattr(self, name)):
                raise InputError(name, RequestRule.NOT_AN_ID)
