"""`waybill cancel`: destroys the data of orders that will not be sent. It can't be undone."""

from __future__ import annotations

import argparse

from masking.values.printable import Waybill

from ...language import say
from .. import waybills


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    waybills.arguments(parser, "waybill ids, order numbers, or a masked.csv")


def run(args: argparse.Namespace) -> int:
    """Cancel the waybills; 1 if one is unknown or was not cancelled."""
    with waybills.connected(args) as shop:
        named = list(waybills.chosen(shop, args.waybills))
        for word, id_ in named:
            if id_ is None:
                waybills.report_unknown(word)
        wanted = [(word, id_) for word, id_ in named if id_ is not None]
        answers = shop.cancel([id_ for _, id_ in wanted])
    done = 0
    for (word, _), answer in zip(wanted, answers, strict=True):
        if isinstance(answer, Waybill):
            done += 1
        else:
            waybills.report(word, answer)
    print(say(f"{done:,} cancelled, {len(named) - done:,} not"))
    return 0 if done == len(named) else waybills.UNKNOWN
