"""Which outlet collects from a merchant, and which one delivers what has a given routing code: two small tables.

They are the deployment's own (`[collects]` and `[delivers]` in `waybill.toml`), not something that an outlet says of
itself: an outlet that could name its own parcels would need nobody else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import final

EVERYTHING = "*"
"""What stands in a table for all that no other line names."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Units by what is theirs.

    Attributes:
        collects: the outlet where a merchant's parcels begin, and where returns end, by the merchant's unit.
        delivers: the outlet where a parcel ends, by the beginning of its routing code in whole parts ("342-081").
    """

    collects: Mapping[str, str] = field(default_factory=dict)
    delivers: Mapping[str, str] = field(default_factory=dict)

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


def parts_of(routing_code: str) -> list[str]:
    """The parts of a routing code or of its beginning, however they are set apart."""
    return re.split(r"[ -]+", routing_code)
