"""Finds assignments of a parcel that no colleague had taken in, which no step allows.

A waybill's row has no MAC, so a person who can write the data can move a parcel to another outlet; the assignment that
follows is on the ledger, and the arrival scan that would explain it is not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from masking.access.chain import Leg
from masking.ledger.log import Leaf
from masking.words.ledger_kinds import LedgerKind

AT_ONCE: Final = timedelta(minutes=1)
"""Acts of several workers at the same time may reach the ledger in another order than that of their times."""


def without_arrival(leaves: Sequence[Leaf], units: Mapping[str, str], since: datetime) -> Counter[str]:
    """How many assignments each clerk gave since then that no arrival in these leaves of one parcel explains.

    An arrival explains an assignment if it came before, after the last departure, and was scanned by another person of the
    same unit. `units` says where people belong; an unknown one may belong anywhere.
    """
    arrivals = [leaf for leaf in leaves if _is_scan(leaf, "arrived")]
    departures = [leaf.at for leaf in leaves if _is_scan(leaf, "departed")]
    found = Counter[str]()
    for leaf in leaves:
        if leaf.kind != LedgerKind.ASSIGN or leaf.at < since or leaf.detail.get("leg") == Leg.COLLECTION:
            continue
        left = max((at for at in departures if at < leaf.at - AT_ONCE), default=None)
        here = units.get(leaf.actor)
        explained = any(
            scan.actor != leaf.actor
            and scan.at <= leaf.at + AT_ONCE
            and (left is None or scan.at >= left - AT_ONCE)
            and here in {units.get(scan.actor, here), None}
            for scan in arrivals
        )
        found[leaf.actor] += not explained
    return +found


def _is_scan(leaf: Leaf, kind: str) -> bool:
    return leaf.kind == LedgerKind.SCAN and leaf.detail.get("what") == kind
