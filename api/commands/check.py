"""`waybill check LABEL --order FILE`: the auditor's tool. Reads finished labels back and compares them with their orders.

LABEL is a PDF; each page is read by another program than the one that drew it. FILE is a file of orders, as for `waybill
mask`; a page belongs to the order whose waybill number its barcode says, or to the only one there is. Prints one line a
leak: page, field, rule, never the value. Exit status: 0 no leak, 1 leaks or pages without an order, 2 not understood.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from masking.errors import InputError
from masking.order import Order
from masking.redact.printed import printed_leaks

from ..files.layout import Answers, read_answers, understand
from ..files.orders import Parcel, parcels, survey
from ..files.pasted import SURE
from ..files.table import readings


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument("label", type=Path, help="a PDF of labels")
    parser.add_argument("--order", type=Path, required=True, metavar="FILE", help="the orders they were made from")
    parser.add_argument("--columns", type=Path, metavar="TOML", help="what the file's columns mean")


def run(args: argparse.Namespace) -> int:
    """Compare every page with its order."""
    from print_templates.read import read_pdf

    orders = _orders(args.order, read_answers(args.columns) if args.columns else Answers())
    try:
        pages = read_pdf(args.label.read_bytes())
    except (OSError, RuntimeError) as error:
        raise InputError("label", "not-a-pdf") from error
    bad = 0
    for number, page in enumerate(pages, 1):
        order = _order_of(page.codes, orders)
        if order is None:
            print(f"page {number}: waybill_number: no order of the file has it")
            bad += 1
            continue
        for leak in printed_leaks(page.texts, order):
            print(f"page {number}: {leak.field}: {leak.rule}")
            bad += 1
    print(f"{len(pages)} pages, {bad} findings")
    return 1 if bad or not pages else 0


def _orders(path: Path, answers: Answers) -> Mapping[str, Order]:
    """The file's orders by waybill number, or by their own number where the carrier's is not known yet."""
    layout = understand(readings(path), answers)
    found = parcels(layout, survey(layout).repeated, confidence=SURE)
    orders = [parcel.order for parcel in found if isinstance(parcel, Parcel)]
    return {order.waybill_number or order.reference: order for order in orders}


def _order_of(codes: list[str], orders: Mapping[str, Order]) -> Order | None:
    if len(orders) == 1:
        return next(iter(orders.values()))
    return next((orders[code] for code in codes if code in orders), None)
