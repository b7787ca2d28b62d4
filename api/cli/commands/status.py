"""`waybill status`: how many of a merchant's waybills are in each state, and which still need the carrier's numbers."""

from __future__ import annotations

import argparse
from collections import Counter

from masking.errors import UnknownWaybillError

from ...language import say
from .. import waybills

_SHOWN = 20


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    waybills.arguments(parser, "waybill ids, order numbers, or a masked.csv")


def run(args: argparse.Namespace) -> int:
    """Count the waybills by state; 1 if one is unknown."""
    states: Counter[str] = Counter()
    waiting: list[str] = []
    status = 0
    with waybills.connected(args) as shop:
        for word, id_ in waybills.chosen(shop, args.waybills):
            try:
                waybill = shop.status(id_) if id_ else None
            except UnknownWaybillError:
                waybill = None
            if waybill is None:
                waybills.report_unknown(word)
                status = waybills.UNKNOWN
                continue
            states[waybill.state] += 1
            if waybill.state == "active" and not waybill.waybill_number:
                waiting.append(waybill.reference or waybill.id)
    for state, count in states.most_common():
        print(f"{say(state)}: {count:,}")
    if waiting:
        some = ", ".join(waiting[:_SHOWN]) + (", ..." if len(waiting) > _SHOWN else "")
        print(say(f"{len(waiting):,} without the carrier's numbers: {some}"))
    return status
