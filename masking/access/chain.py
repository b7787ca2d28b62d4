"""The chain of custody: where a parcel may be said to be, and by whom. Pure: a table of ways, and what each leads to.

A parcel moves from hand to hand, and each time two people say so: what somebody sent off somebody else takes in. It
begins at the outlet that collects from its merchant, ends at the outlet of its routing code, or where somebody else has
recorded that it was diverted to; a return ends where it began. What was sent to a unit by name only that unit takes in, or
the one that sent it. Whoever says anything else moves nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import final

from masking.access.network import Network
from masking.access.people import Actor, Role
from masking.reasons import Reason


class Leg(StrEnum):
    """Which part of its way a parcel is on: whose door comes next."""

    COLLECTION = "collection"
    """Still with its sender; the sender's door is next."""
    DELIVERY = "delivery"
    """On its way to the recipient's door, through as many units as it takes."""
    RETURN = "return"
    """On its way back to the sender's door."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Where a parcel is, as the last scan that moved it says.

    Attributes:
        leg: which part of its way.
        custody: the kind of that scan (arrived, departed, collected, delivered), None before the first.
        place: the unit whose it is, or whose it was last.
        holder: who made that scan.
        received_by: who took it in at the place where it is now, None on the road.
        bound_for: the unit that it was sent to by name, None where it is not on the road or nobody has said.
        diverted_to: the unit that delivers it instead of its routing code's (or, on a return, instead of its origin's).
    """

    leg: Leg
    custody: str | None = None
    place: str | None = None
    holder: str | None = None
    received_by: str | None = None
    bound_for: str | None = None
    diverted_to: str | None = None

    def outlet(self, network: Network, merchant: str, routing_code: str | None) -> str | None:
        """The unit where this leg ends: only its couriers go to a door."""
        if self.leg is Leg.COLLECTION:
            return network.origin(merchant)
        if self.diverted_to:
            return self.diverted_to
        return network.origin(merchant) if self.leg is Leg.RETURN else network.destination(routing_code)


KINDS = {
    Role.OUTLET: frozenset({"arrived", "departed", "returned", "diverted"}),
    Role.COURIER: frozenset({"collected", "attempted"}),
}
"""Who may record what; `delivered` is a step of its own, and what couriers record needs their duty besides."""

Way = Callable[[Where, Actor, str | None], bool]
"""Whether a parcel may go this way: where it is, who says so, the unit where its leg ends."""

WAYS: dict[str, dict[str, Way]] = {
    "arrived": {
        "from its merchant": lambda at, who, outlet: at.custody is None and outlet == who.unit,
        "from upstream, that named us or nobody": lambda at, who, _: (
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
"""By kind of scan, the ways that it may be true; one is enough."""


def may(kind: str, at: Where, actor: Actor, outlet: str | None) -> bool:
    """Whether this scan may be true, coming from this actor."""
    return kind in KINDS.get(actor.role, ()) and any(way(at, actor, outlet) for way in WAYS[kind].values())


def sent_elsewhere(kind: str, at: Where, actor: Actor) -> bool:
    """Whether this scan is of a parcel that was sent to another unit by name, and turned up here: it moves nothing."""
    astray = at.custody == "departed" and at.bound_for not in {None, actor.unit} and at.place != actor.unit
    return kind in {"arrived", "departed"} and astray


def after(kind: str, at: Where, actor: Actor, *, to: str | None = None) -> Where:
    """Where the parcel is after a scan that was true."""
    match kind:
        case "returned":
            return replace(at, leg=Leg.RETURN, diverted_to=None)
        case "diverted":  # whoever it was sent to by name says as well where it has turned up instead
            return replace(at, diverted_to=to, bound_for=to if at.bound_for == actor.unit else at.bound_for)
        case "attempted":
            return at
    received_by, bound_for = at.received_by, None
    if kind == "departed":
        received_by = None
        bound_for = to or at.bound_for  # said again without the name it is the same departure
    elif kind == "arrived" and at.custody != "arrived":
        received_by = actor.id
    leg = Leg.DELIVERY if at.leg is Leg.COLLECTION else at.leg
    said = {"custody": kind, "place": actor.unit, "holder": actor.id}
    return replace(at, leg=leg, received_by=received_by, bound_for=bound_for, **said)


def ends_duty(kind: str, at: Where) -> bool:
    """Whether this scan ends whatever duty is open: the parcel is elsewhere, goes elsewhere, or is back on the shelf."""
    match kind:
        case "collected":
            return at.leg is Leg.COLLECTION
        case "arrived":
            return at.custody != "arrived"
        case "returned":
            return at.leg is not Leg.RETURN
        case _:
            return kind in {"departed", "diverted"}


def assignable(at: Where, actor: Actor, outlet: str | None) -> Reason | None:
    """Why this clerk does not give this parcel to a courier; None for one who may. Unknown where it is not here."""
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
    return at.custody == custody and at.place == actor.unit
