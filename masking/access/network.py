"""Which outlet collects from a merchant, which one delivers a routing code, and whose a waybill number is: three tables.

They are the deployment's own (`[collects]`, `[delivers]` and `[numbers_of]` in `waybill.toml`), not something that a unit
says of itself: an outlet that could name its own parcels would need nobody else, and a merchant that could name any number
would take those of others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import final

from masking.errors import SettingsError

EVERYTHING = "*"
"""What stands in a table for all that no other line names."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Units by what is theirs.

    Attributes:
        collects: the outlet where a merchant's parcels begin, and where returns end, by the merchant's unit.
        delivers: the outlet where a parcel ends, by the beginning of its routing code in whole parts ("342-081").
        numbers_of: the waybill numbers of a merchant's unit, as beginnings ("YT10") and ranges ("YT100..YT499").
            Without any, a number belongs to the first one who ships under it.

    Raises:
        SettingsError: a range is not one, or two units are given the same number.
    """

    collects: Mapping[str, str] = field(default_factory=dict)
    delivers: Mapping[str, str] = field(default_factory=dict)
    numbers_of: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        farthest, owner = "", ""
        for first, last, unit in sorted((*_span(each), unit) for unit, own in self.numbers_of.items() for each in own):
            if first <= farthest and unit != owner:
                raise SettingsError(f"[numbers_of] gives {owner} and {unit} the same numbers: give each to one unit")
            farthest, owner = max((farthest, owner), (last, unit))

    def may_use(self, merchant: str, waybill_number: str) -> bool:
        """Whether a merchant's unit may ship under this waybill number, whoever else has used it."""
        own = self.numbers_of.get(merchant) or self.numbers_of.get(EVERYTHING, ())
        return not self.numbers_of or any(_covers(each, waybill_number) for each in own)

    def origin(self, merchant: str) -> str | None:
        """The outlet that collects from a merchant; None where nobody does."""
        return self.collects.get(merchant) or self.collects.get(EVERYTHING)

    def destination(self, routing_code: str | None) -> str | None:
        """The outlet that delivers what has this routing code: the line with the most parts of it wins."""
        parts = parts_of(routing_code or "")
        for count in range(len(parts), 0, -1):
            found = self.delivers.get("-".join(parts[:count]))
            if found:
                return found
        return self.delivers.get(EVERYTHING) if routing_code else None


def _span(allotted: str) -> tuple[str, str]:
    """The first and the last number of a beginning or a range, in the order of their characters."""
    first, range_, last = allotted.partition("..")
    if not (first and (last or not range_) and len(first) == len(last or first) and first <= (last or first)):
        raise SettingsError(
            f'[numbers_of]: "{allotted}" is no range: give two numbers of one length, the lower one first'
        )
    return first, last or first + "\x7f"


def _covers(allotted: str, number: str) -> bool:
    first, last = _span(allotted)
    return first <= number <= last and (".." not in allotted or len(number) == len(first))


def parts_of(routing_code: str) -> list[str]:
    """The parts of a routing code or of its beginning, however they are set apart."""
    return re.split(r"[ -]+", routing_code)
