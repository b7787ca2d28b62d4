"""Slots of virtual numbers: the stages of a lease, and how long each lasts.

One table says how a slot moves from stage to stage; the store's statements are built from it, and it draws the diagram in
`docs/telephony.md`. No provider has a cool-down of its own, so a slot freed today could ring a stranger tomorrow while
yesterday's label still shows it; here it rests first.

A lease takes the nearest line, by the order of `reaches`: where the parcel goes, its province, anywhere; and of these first
lines of which somebody of ours authorises each call.
"""

from __future__ import annotations

import re
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

from masking.errors import InputError

LEASE = timedelta(days=30)
"""A lease ends by itself this long after the parcel's last sign of life; every scan and assignment renews it."""

REST = timedelta(days=7)
"""How long a released slot rests where each call is authorised, so that a stale label rings nobody."""

REST_OF_OPEN_LINES = timedelta(days=60)
"""How long where the provider connects anybody who dials: until labels have left the waste paper."""


class Stage(StrEnum):
    """Where a slot stands."""

    FREE = "free"
    """Nobody's: never leased, never printed, or rested."""
    LEASED = "leased"
    """One waybill's: it rings."""
    COOLING = "cooling"
    """Was printed; rings nobody until its rest is over."""
    LEAVING = "leaving"
    """Still one waybill's; goes out of the pool when that lease ends."""
    QUARANTINED = "quarantined"
    """Out of use until somebody clears it."""
    RETIRED = "retired"
    """Out of the pool."""


class SlotAct(StrEnum):
    """What moves a slot."""

    LEASE = "lease"
    """A waybill takes it."""
    RENEW = "renew"
    """The parcel shows a sign of life: a scan, an assignment; attempts and returns too."""
    RELEASE = "release"
    """Signed for, sealed away, destroyed, or overdue."""
    RETURN_UNPRINTED = "return unprinted"
    """The same, of a waybill that never had a label: nobody has seen the number."""
    REST = "rest"
    """Its rest is over."""
    QUARANTINE = "quarantine"
    """Something is wrong with it."""
    CLEAR = "clear"
    """It is not any more."""
    RETIRE = "retire"
    """The operator gives the number back to the provider."""


TRANSITIONS: dict[tuple[Stage, SlotAct], Stage] = {
    (Stage.FREE, SlotAct.LEASE): Stage.LEASED,
    (Stage.LEASED, SlotAct.RENEW): Stage.LEASED,
    (Stage.LEASED, SlotAct.RELEASE): Stage.COOLING,
    (Stage.LEASED, SlotAct.RETURN_UNPRINTED): Stage.FREE,
    (Stage.COOLING, SlotAct.REST): Stage.FREE,
    (Stage.FREE, SlotAct.QUARANTINE): Stage.QUARANTINED,
    (Stage.LEASED, SlotAct.QUARANTINE): Stage.QUARANTINED,
    (Stage.COOLING, SlotAct.QUARANTINE): Stage.QUARANTINED,
    (Stage.QUARANTINED, SlotAct.CLEAR): Stage.COOLING,
    (Stage.FREE, SlotAct.RETIRE): Stage.RETIRED,
    (Stage.COOLING, SlotAct.RETIRE): Stage.RETIRED,
    (Stage.QUARANTINED, SlotAct.RETIRE): Stage.RETIRED,
    (Stage.LEASED, SlotAct.RETIRE): Stage.LEAVING,
    (Stage.LEAVING, SlotAct.RENEW): Stage.LEAVING,
    (Stage.LEAVING, SlotAct.RELEASE): Stage.RETIRED,
    (Stage.LEAVING, SlotAct.RETURN_UNPRINTED): Stage.RETIRED,
}

HELD = (Stage.LEASED, Stage.LEAVING)
"""The stages in which a slot is somebody's."""


def ways(act: SlotAct) -> dict[Stage, Stage]:
    """From which stages `act` leads where."""
    return {before: after for (before, how), after in TRANSITIONS.items() if how is act}


def diagram() -> str:
    """The table as a Mermaid state diagram, for the documents."""
    lines = [f"    {before} --> {after}: {act}" for (before, act), after in TRANSITIONS.items()]
    return "\n".join(["stateDiagram-v2", "    [*] --> free: import", *lines, "    retired --> [*]"])


DICE = 40
"""Bits of a slot's place that are drawn; those above are its area, so that an area is one stretch of the pool."""

OPEN_AREAS = 10_000
"""Where the areas of lines that connect anybody begin; below are those of which each call is authorised."""


class Reach(NamedTuple):
    """Areas to look for a free slot in: "city", "province" or "anywhere"."""

    name: str
    areas: range


def area_of(city: str, rest: timedelta = REST) -> int:
    """The area of lines of a city: the four digits of its division code (GB/T 2260), 0 for any other word.

    Lines whose slots rest longer, because they connect anybody, have areas of their own.
    """
    number = int(city) if re.fullmatch(r"[1-9][0-9]{3}", city) else 0
    return number + (OPEN_AREAS if rest > REST else 0)


def reaches(city: str) -> list[Reach]:
    """Where to look for a number for a parcel that goes to this city, the best first.

    What connects anybody comes after all else: a number of another province is a nuisance, an open one a risk.
    """
    found = []
    for first in (0, OPEN_AREAS):
        own, province = first + area_of(city), first + area_of(city) // 100 * 100
        found += [
            Reach("city", range(own, own + 1)),
            Reach("province", range(province, province + 100)),
            Reach("anywhere", range(first, first + OPEN_AREAS)),
        ]
    return found


class Slot(NamedTuple):
    """A main number and an extension."""

    main: str
    extension: str


class Line(NamedTuple):
    """A main number, whose extensions are slots.

    Attributes:
        main: the main number, digits.
        digits: how long its extensions are: 1 to 6, it differs by provider.
        provider: where it comes from, a word.
        city: where it belongs: four digits of a division code ("3101"), or a word that is no place.
        switch: the id of the one switch that may ask about it.
        rest: how long its released slots cool down.
    """

    main: str
    digits: int
    provider: str
    city: str
    switch: str
    rest: timedelta = REST

    def slots(self, first: int, last: int) -> list[Slot]:
        """Its slots from extension `first` to `last`.

        Raises:
            InputError: the main number is no number, a word is no word, or the extensions don't fit into the digits.
        """
        if not re.fullmatch(r"\d{7,20}", self.main):
            raise InputError("main", "not-a-number")
        for field in ("provider", "city", "switch"):
            if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,31}", getattr(self, field)):
                raise InputError(field, "not-1-to-32-small-letters-digits-hyphens")
        if not 1 <= self.digits <= 6 or not 0 <= first <= last < 10**self.digits:
            raise InputError("extension", "does-not-fit-the-digits")
        return [Slot(self.main, f"{number:0{self.digits}}") for number in range(first, last + 1)]


DEMO = Line("17000000000", 4, "demo", "nowhere", "switch")
"""The demo's main number: visibly fake, in a range that no operator has given out."""
