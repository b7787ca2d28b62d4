"""Slots of virtual numbers: the stages of a lease, and how long each lasts.

The table `TRANSITIONS` says how a slot moves from stage to stage. The store's statements and the diagram in
`docs/telephony.md` are made from it. Providers have no cool-down: a slot that is freed today could connect a stranger
tomorrow, while an old label still shows it. Therefore a slot cools down first.

A lease takes the nearest line by the order of `reaches`: the parcel's city, its province, anywhere. Lines whose calls the
service authorises one by one come first.
"""

from __future__ import annotations

import re
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

from masking.errors import InputError
from masking.words.request_rules import RequestRule

LEASE = timedelta(days=30)
"""A lease expires this long after the parcel's last scan or assignment, each of which renews it."""

REST = timedelta(days=7)
"""The cool-down of a slot whose calls are authorised one by one, so that an old label connects no one."""

OPEN_LINE_REST = timedelta(days=60)
"""The cool-down of a slot that connects anyone who dials: until old labels have left the waste paper."""


class Stage(StrEnum):
    """The stage of a slot."""

    FREE = "free"
    """Not leased: new, never printed, or cooled down."""
    LEASED = "leased"
    """Leased to one waybill. It connects calls."""
    COOLING = "cooling"
    """Printed on an old label. It connects no calls until the cool-down is over."""
    LEAVING = "leaving"
    """Leased to one waybill. It leaves the pool when the lease ends."""
    QUARANTINED = "quarantined"
    """Out of use until the operator clears it."""
    RETIRED = "retired"
    """Out of the pool."""


class SlotAct(StrEnum):
    """An act that moves a slot to another stage."""

    LEASE = "lease"
    """A waybill gets the slot."""
    RENEW = "renew"
    """The parcel was scanned or assigned, attempts and returns included."""
    RELEASE = "release"
    """The parcel was delivered, sealed away or destroyed, or the lease expired."""
    RETURN_UNPRINTED = "return unprinted"
    """The same for a waybill without a label, so that no one has seen the number."""
    REST = "rest"
    """The cool-down is over."""
    QUARANTINE = "quarantine"
    """The operator found a fault of the slot."""
    CLEAR = "clear"
    """The operator found that the fault has ended."""
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
"""The stages in which a waybill holds the slot."""


def ways(act: SlotAct) -> dict[Stage, Stage]:
    """The stages that `act` starts from, each with the stage it leads to."""
    return {before: after for (before, how), after in TRANSITIONS.items() if how is act}


def diagram() -> str:
    """The table as a Mermaid state diagram, for the documents."""
    lines = [f"    {before} --> {after}: {act}" for (before, act), after in TRANSITIONS.items()]
    return "\n".join(["stateDiagram-v2", "    [*] --> free: import", *lines, "    retired --> [*]"])


RANDOM_BITS = 40
"""The low bits of a slot's random key are random. The bits above are its area, so that an area is one range of keys."""

OPEN_AREAS = 10_000
"""The first area of lines that connect anyone who dials. Below are lines whose calls are authorised one by one."""


class Reach(NamedTuple):
    """Areas to look for a free slot in: "city", "province" or "anywhere"."""

    name: str
    areas: range


def area_of(city: str, rest: timedelta = REST) -> int:
    """The area of a city's lines: the four digits of its division code (GB/T 2260), 0 for any other word.

    Lines that connect anyone who dials have a longer cool-down, and areas of their own.
    """
    number = int(city) if re.fullmatch(r"[1-9][0-9]{3}", city) else 0
    return number + (OPEN_AREAS if rest > REST else 0)


def reaches(city: str) -> list[Reach]:
    """The areas to search for the number of a parcel that goes to this city, the best first.

    Lines that connect anyone who dials come last: a number of another province is a nuisance, an open one is a risk.
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
        digits: the length of its extensions, 1 to 6, which depends on the provider.
        provider: the name of its origin.
        city: the four digits of a division code ("3101"), or a word that is not a place.
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
            InputError: the main number, a word or the extensions are not valid.
        """
        if not re.fullmatch(r"\d{7,20}", self.main):
            raise InputError("main", RequestRule.NOT_A_NUMBER)
        for field in ("provider", "city", "switch"):
            if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,31}", getattr(self, field)):
                raise InputError(field, RequestRule.PROVIDER_WORD_MALFORMED)
        if not 1 <= self.digits <= 6 or not 0 <= first <= last < 10**self.digits:
            raise InputError("extension", RequestRule.NOT_AN_EXTENSION_RANGE)
        return [Slot(self.main, f"{number:0{self.digits}}") for number in range(first, last + 1)]


DEMO = Line("17000000000", 4, "demo", "nowhere", "switch")
"""The demo's main number: visibly fake, in a range that no operator has assigned."""
