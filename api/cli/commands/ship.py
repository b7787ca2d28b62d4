"""`waybill ship`: gives waybills the carrier's numbers, one by one or from a filled `masked.csv`, and prints their labels."""

from __future__ import annotations

import argparse
from pathlib import Path

from masking.errors import InputError
from masking.values.printable import Waybill

from ...importing.own_table import require_own
from ...importing.table import readings
from .. import shipping, waybills


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    waybills.arguments(parser, "a masked.csv with the numbers filled in, or one waybill id or order number")
    parser.add_argument("--number", help="the carrier's waybill number, for one waybill")
    parser.add_argument("--route", help="the carrier's routing code, for one waybill")
    shipping.arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Enter the numbers and print the labels; 1 if some were not entered, 3 if none was."""
    if len(args.waybills) != 1:
        raise InputError("waybills", "give one masked.csv, or one waybill")
    [word] = args.waybills
    if args.number is None and args.route is None:
        template = shipping.template_of(args.labels)
        table = require_own(readings(Path(word)))
        with waybills.connected(args) as shop:
            return shipping.run(shop, table, args.out or Path(word).parent, template)
    if not args.number or not args.route:
        raise InputError("--number", "give --number and --route together")
    with waybills.connected(args) as shop:
        [(_, id_), *_] = waybills.chosen(shop, [word])
        if id_ is None:
            waybills.report_unknown(word)
            return waybills.UNKNOWN
        [answer] = shop.ship([(id_, args.number, args.route)])
    if isinstance(answer, Waybill):
        print(waybills.line_of(answer))
        return 0
    waybills.report(word, answer)
    return waybills.UNKNOWN
