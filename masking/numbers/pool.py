"""Slots of virtual numbers, and how long each stage of a lease lasts.

free -> leased (at checkout) -> cooling (after sign-off) -> free. No provider has a cool-down of its own, so a slot freed
today could ring a stranger tomorrow while yesterday's label still shows it; here it rests first.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import NamedTuple

from masking.errors import InputError

LEASE = timedelta(days=30)
"""A lease made at checkout ends by itself after this, if the parcel never arrives."""

COOL_DOWN = timedelta(days=7)
"""How long a released slot rests: 7 days suffice where each call is authorised, so that a stale label rings nobody."""

UNUSED_COOL_DOWN = timedelta(0)
"""A number that was never printed needs no rest."""

DEMO_MAIN = "17000000000"
"""The demo's main number: visibly fake, in a range that no operator has given out."""


class Slot(NamedTuple):
    """A main number and an extension."""

    main: str
    extension: str


def slots(main: str, first: int, last: int, *, digits: int) -> list[Slot]:
    """The slots of one main number, extensions from `first` to `last` in `digits` digits (1 to 6; it differs by provider).

    Raises:
        InputError: the main number is no number, or the extensions don't fit into the digits.
    """
    if not re.fullmatch(r"\d{7,20}", main):
        raise InputError("main", "not-a-number")
    if not 1 <= digits <= 6 or not 0 <= first <= last < 10**digits:
        raise InputError("extension", "does-not-fit-the-digits")
    return [Slot(main, f"{number:0{digits}}") for number in range(first, last + 1)]


def demo_slots() -> list[Slot]:
    """A thousand visibly fake slots for the demo."""
    return slots(DEMO_MAIN, 1000, 1999, digits=4)
