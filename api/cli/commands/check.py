"""`waybill check LABEL --order FILE`: for auditors. Reads finished labels back and compares them with their orders.

LABEL is a PDF, which is read by another program than the one that drew it. FILE is a file of orders, as for `waybill
mask`. A page belongs to the order whose waybill number is in its barcode, or to the only order of the file. Text,
symbols, metadata and all other content of the PDF are compared. A page that can't be read completely (a picture,
outlines, an undecodable symbol) is not checkable. One line is printed for each finding: page, field and rule, never the
value. Exit status: 0 no finding, 1 leaks or pages without an order, 2 unreadable input, 3 no leak found but not
everything could be checked.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from masking.crypto.labelcode import is_label_code
from masking.errors import InputError
from masking.redact.printed import printed_leaks
from masking.values.plaintext import Order, number_problems

from ...importing.answers import Answers, read_answers
from ...importing.layout import understand
from ...importing.orders import Parcel, parcels, survey
from ...importing.pasted import SURE
from ...importing.table import readings
from ...language import say

if TYPE_CHECKING:
    from print_templates.drawing import Drawing
    from print_templates.read import Page

NOT_CHECKABLE = 3


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument("label", type=Path, help="a PDF of labels")
    parser.add_argument("--order", type=Path, required=True, metavar="FILE", help="the orders they were made from")
    parser.add_argument(
        "--template", type=Path, metavar="TOML", help="the template of the labels, so that its logos are recognised"
    )
    parser.add_argument("--columns", type=Path, metavar="TOML", help="a file that says what the columns mean")


def run(args: argparse.Namespace) -> int:
    """Compare every page with its order."""
    from print_templates.objects import read_objects
    from print_templates.read import read_pdf

    orders = _orders(args.order, read_answers(args.columns) if args.columns else Answers())
    try:
        data = args.label.read_bytes()
        pages = read_pdf(data, _logos(args.template))
    except (OSError, RuntimeError) as error:
        raise InputError("label", "not-a-pdf") from error
    contents = read_objects(data)
    leaks = [
        f"file: {leak.field}: {leak.rule}" for order in orders.values() for leak in printed_leaks(contents.texts, order)
    ]
    unreadable = [f"file: not checkable: {reason}" for reason in contents.unreadable]
    for number, page in enumerate(pages, 1):
        unreadable += [f"page {number}: not checkable: {reason}" for reason in page.unreadable]
        order = _order_of(page.codes, orders)
        if order is None:
            leaks.append(f"page {number}: waybill_number: no order of the file has it")
        else:
            leaks += [f"page {number}: {each}" for each in _findings(page, order)]
    for line in (*dict.fromkeys(leaks), *unreadable):
        print(say(line))
    not_checkable = say(f", {len(unreadable)} not checkable") if unreadable else ""
    print(say(f"{len(pages)} pages, {len(leaks)} findings") + not_checkable)
    return 1 if leaks or not pages else NOT_CHECKABLE if unreadable else 0


def _findings(page: Page, order: Order) -> Iterator[str]:
    """What a page shows and should not. Its symbols may hold the waybill number or a label code only."""
    number = order.waybill_number
    for code in page.codes:
        is_number = code == number if number else not number_problems(code, None)
        if not is_number and not is_label_code(code):
            yield "symbol: neither the waybill number nor a label code"
    for leak in printed_leaks([*page.texts, *page.codes], order):
        yield f"{leak.field}: {leak.rule}"


def _logos(path: Path | None) -> list[Drawing]:
    """The backgrounds of a template at both resolutions."""
    from print_templates.template import RESOLUTIONS, template

    return [template(path, dpi).background for dpi in RESOLUTIONS] if path else []


def _orders(path: Path, answers: Answers) -> Mapping[str, Order]:
    """The file's orders by waybill number, or by reference where the waybill number is not known yet."""
    layout = understand(readings(path), answers)
    found = parcels(layout, survey(layout).repeated, confidence=SURE)
    orders = [parcel.order for parcel in found if isinstance(parcel, Parcel)]
    return {order.waybill_number or order.reference: order for order in orders}


def _order_of(codes: list[str], orders: Mapping[str, Order]) -> Order | None:
    if len(orders) == 1:
        return next(iter(orders.values()))
    return next((orders[code] for code in codes if code in orders), None)
