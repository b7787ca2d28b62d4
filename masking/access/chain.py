"""The chain of custody: which scans are plausible, from whom, and where they move a parcel. Pure: a table of rules.

Two people confirm each move between units: one sends the parcel off, another takes it in. A parcel starts at the outlet
that collects from its merchant. It ends at the outlet of its routing code, or where another person recorded that it is
diverted to. A return ends where the parcel started. A parcel sent to a named unit can be taken in only there, or by the
sending unit. Any other scan moves nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import final

from masking.access.network import Network
from masking.access.people import Actor, Role
from masking.words.reasons import Reason


class Leg(StrEnum):
    """The part of the parcel's way that it is on, which decides whose door is next."""

    COLLECTION = "collection"
    """Still with its sender; the sender's door is next."""
    DELIVERY = "delivery"
    """On its way to the recipient's door, through as many units as it takes."""
    RETURN = "return"
    """On its way back to the sender's door."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """The custody of a parcel, after the last scan that moved it.

    Attributes:
        leg: the part of its way.
        custody: the kind of that scan (arrived, departed, collected, delivered), None before the first.
        custodian_unit: the unit that has the parcel, or had it last.
        holder: the person who made that scan.
        received_by: the person who took it in at its place, None in transit.
        bound_for: the unit that it was explicitly sent to; None if it is not in transit, or no unit was named.
        diverted_to: the unit that delivers it instead of its routing code's (or, on a return, instead of its origin's).
    """

    leg: Leg
    custody: str | None = None
    custodian_unit: str | None = None
    holder: str | None = None
    received_by: str | None = None
    bound_for: str | None = None
    diverted_to: str | None = None

    def outlet(self, network: Network, merchant: str, routing_code: str | None) -> str | None:
        """The unit where this leg ends. Only its couriers go to the door."""
        if self.leg is Leg.COLLECTION:
            return network.origin(merchant)
        if self.diverted_to:
            return self.diverted_to
        return network.origin(merchant) if self.leg is Leg.RETURN else network.destination(routing_code)


KINDS = {
    Role.OUTLET: frozenset({"arrived", "departed", "returned", "diverted"}),
    Role.COURIER: frozenset({"collected", "attempted"}),
}
"""The kinds of scan that a role may record. Couriers also need a duty, and `delivered` has its own step."""

Way = Callable[[Where, Actor, str | None], bool]
"""A rule over the parcel's custody, the actor who scans, and the unit where the leg ends: True if it allows the scan."""

WAYS: dict[str, dict[str, Way]] = {
    "arrived": {
        "from its merchant": lambda at, who, outlet: at.custody is None and outlet == who.unit,
        "from upstream, which named this unit or none": lambda at, who, _: (
            at.custody == "departed" and at.bound_for in {None, who.unit} and at.holder != who.id
        ),
        "back on our lorry": lambda at, who, _: _here(at, who, "departed") and at.holder != who.id,
        "from our courier": lambda at, who, _: _here(at, who, "collected") and at.holder != who.id,
        "again": lambda at, who, _: _here(at, who, "arrived"),
    },
    "departed": {
        "out of our custody": lambda at, who, _: _here(at, who, "arrived"),
        "again": lambda at, who, _: _here(at, who, "departed"),
    },
    "returned": {"out of our custody, or again": lambda at, who, _: _here(at, who, "arrived")},
    "diverted": {
        "out of our custody": lambda at, who, _: _here(at, who, "arrived") or _here(at, who, "departed"),
        "what should have come to us": lambda at, who, outlet: (
            at.custody in {"arrived", "departed"} and outlet == who.unit
        ),
    },
    "collected": {
        "from its sender": lambda at, who, outlet: at.custody is None and outlet == who.unit,
        "out of our custody": lambda at, who, _: _here(at, who, "arrived"),
        "from a colleague, or again": lambda at, who, _: _here(at, who, "collected"),
    },
    "attempted": {
        "at its sender's": lambda at, who, outlet: at.custody is None and outlet == who.unit,
        "out of our custody": lambda at, who, _: _here(at, who, "arrived") or _here(at, who, "collected"),
    },
}
"""The rules that allow each kind of scan. One that holds is enough."""


def may_scan(kind: str, at: Where, actor: Actor, outlet: str | None) -> bool:
    """Whether a scan of this kind by this actor is plausible."""
    return kind in KINDS.get(actor.role, ()) and any(way(at, actor, outlet) for way in WAYS[kind].values())


def sent_elsewhere(kind: str, at: Where, actor: Actor) -> bool:
    """Whether a scan is of a stray parcel, which was sent to another named unit. Such a scan moves nothing."""
    astray = at.custody == "departed" and at.bound_for not in {None, actor.unit} and at.custodian_unit != actor.unit
    return kind in {"arrived", "departed"} and astray


def is_repeat(kind: str, at: Where) -> bool:
    """Whether a plausible scan may only say again what is known. No number of parcels bounds how often that is done."""
    match kind:
        case "attempted":  # the custody does not tell the first attempt from later ones
            return True
        case "returned":
            return at.leg is Leg.RETURN
        case "diverted":
            return at.diverted_to is not None
    return at.custody == kind


def place_after(kind: str, at: Where, actor: Actor, *, to: str | None = None) -> Where:
    """The custody after a plausible scan."""
    match kind:
        case "returned":
            return replace(at, leg=Leg.RETURN, diverted_to=None)
        case "diverted":  # a diversion by the named unit also renames the destination
            return replace(at, diverted_to=to, bound_for=to if at.bound_for == actor.unit else at.bound_for)
        case "attempted":
            return at
    received_by, bound_for = at.received_by, None
    if kind == "departed":
        received_by = None
        bound_for = to or at.bound_for  # repeated without a name, it is the same departure
    elif kind == "arrived" and at.custody != "arrived":
        received_by = actor.id
    leg = Leg.DELIVERY if at.leg is Leg.COLLECTION else at.leg
    said = {"custody": kind, "custodian_unit": actor.unit, "holder": actor.id}
    return replace(at, leg=leg, received_by=received_by, bound_for=bound_for, **said)


def ends_duty(kind: str, at: Where) -> bool:
    """Whether a scan ends an open duty: the parcel is elsewhere, goes elsewhere, or is back on the shelf."""
    match kind:
        case "collected":
            return at.leg is Leg.COLLECTION
        case "arrived":
            return at.custody != "arrived"
        case "returned":
            return at.leg is not Leg.RETURN
        case _:
            return kind in {"departed", "diverted"}


def refusal_to_assign(at: Where, actor: Actor, outlet: str | None) -> Reason | None:
    """Why this clerk may not assign this parcel to a courier, None if they may. `UNKNOWN` for a parcel that isn't here."""
    if at.leg is Leg.COLLECTION:
        return None if outlet == actor.unit else Reason.UNKNOWN
    if not (_here(at, actor, "arrived") or _here(at, actor, "collected")):
        return Reason.UNKNOWN
    if outlet != actor.unit:
        return Reason.NEEDS_A_DIVERSION
    if at.received_by is None:
        return Reason.NOT_ARRIVED
    return Reason.ARRIVAL_SCANNED_BY_THE_SAME_PERSON if at.received_by == actor.id else None


def _here(at: Where, actor: Actor, custody: str) -> bool:
    return at.custody == custody and at.custodian_unit == actor.unit
