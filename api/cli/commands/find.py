"""`waybill find`: a merchant's waybills by order number, or by a phone that is read from standard input.

A phone is never an argument, because arguments stay in the shell's history and are seen by other users.
"""

from __future__ import annotations

import argparse
import sys

from masking.values.arguments import PAGE
from masking.values.printable import Waybill

from ...language import say
from .. import waybills


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    waybills.arguments(parser, "waybill ids, order numbers, or a masked.csv")
    parser.add_argument("--phone", action="store_true", help="find by the recipient's phone, read from standard input")


def run(args: argparse.Namespace) -> int:
    """Print the waybills; 1 if one is unknown or none was found."""
    status = 0
    with waybills.connected(args) as shop:
        if args.phone:
            phone = sys.stdin.readline().strip()
            page: list[Waybill] = []
            found = page = shop.find(phone=phone)
            while len(page) == PAGE:
                page = shop.find(phone=phone, after=page[-1].id)
                found = [*found, *page]
            for waybill in found:
                print(waybills.line_of(waybill))
            if not found:
                print(say("no waybill has this phone, or it is older than 30 days"), file=sys.stderr)
            return 0 if found else waybills.UNKNOWN
        for word, id_ in waybills.chosen(shop, args.waybills):
            if not waybills.show(shop, word, id_):
                status = waybills.UNKNOWN
    return status
