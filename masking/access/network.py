"""Three tables: the outlet that collects from a merchant, the outlet that delivers a routing code, the owner of a number.

The operator sets them (`[collects]`, `[delivers]` and `[numbers_of]` in `waybill.toml`); a unit can't change them. An
outlet that could claim parcels for itself would need no second person, and a merchant that could use any waybill number
would take those of others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import final

from masking.errors import SettingsError

EVERYTHING = "*"
"""The key of a table's default entry."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """The responsibilities of units.

    Attributes:
        collects: merchant's unit -> the outlet where its parcels start and its returns end.
        delivers: beginning of a routing code in whole parts ("342-081") -> the outlet where a parcel ends.
        numbers_of: merchant's unit -> its waybill numbers, as prefixes ("YT10") and ranges ("YT100..YT499"). An empty
            table allots nothing: then a merchant may ship only where no other merchant's unit is enrolled.

    Raises:
        SettingsError: a range is invalid, or two units have the same number.
    """

    collects: Mapping[str, str] = field(default_factory=dict)
    delivers: Mapping[str, str] = field(default_factory=dict)
    numbers_of: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        farthest, owner = "", ""
        for first, last, unit in sorted((*_span(each), unit) for unit, own in self.numbers_of.items() for each in own):
            if first <= farthest and unit != owner:
                raise SettingsError(
                    f"[numbers_of] gives {owner} and {unit} the same numbers. Give each number to one unit"
                )
            farthest, owner = max((farthest, owner), (last, unit))

    def is_allotted(self, merchant: str, waybill_number: str) -> bool:
        """Whether the table gives a waybill number to a merchant's unit, regardless of earlier use."""
        own = self.numbers_of.get(merchant) or self.numbers_of.get(EVERYTHING, ())
        return any(_covers(each, waybill_number) for each in own)

    def origin(self, merchant: str) -> str | None:
        """The outlet that collects from a merchant, None without an entry."""
        return self.collects.get(merchant) or self.collects.get(EVERYTHING)

    def destination(self, routing_code: str | None) -> str | None:
        """The outlet that delivers this routing code, by the entry with the most matching parts. None without one."""
        parts = parts_of(routing_code or "")
        for count in range(len(parts), 0, -1):
            found = self.delivers.get("-".join(parts[:count]))
            if found:
                return found
        return self.delivers.get(EVERYTHING) if routing_code else None


def _span(allotted: str) -> tuple[str, str]:
    """The first and the last number of a prefix or a range, in character order."""
    first, range_, last = allotted.partition("..")
    if not (first and (last or not range_) and len(first) == len(last or first) and first <= (last or first)):
        raise SettingsError(
            f'[numbers_of]: "{allotted}" is not a range. Give two numbers of the same length, the lower one first'
        )
    return first, last or first + "\x7f"


def _covers(allotted: str, number: str) -> bool:
    first, last = _span(allotted)
    return first <= number <= last and (".." not in allotted or len(number) == len(first))


def parts_of(routing_code: str) -> list[str]:
    """The parts of a routing code or of its beginning, separated by spaces or hyphens."""
    return re.split(r"[ -]+", routing_code)
