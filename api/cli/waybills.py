"""What `ship`, `find`, `status` and `cancel` share: the merchant's connection, which waybills are meant, and a waybill's line."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from masking.config import SETTINGS
from masking.connection import Shop, connect
from masking.errors import InputError, SettingsError, UnknownWaybillError
from masking.values.printable import Refusal, Rejected, Waybill, WaybillId

from ..deployment import add_where
from ..importing.own_table import ids_of, require_own
from ..importing.table import readings
from ..language import say, say_reason
from ..terminal import one_line

if TYPE_CHECKING:
    from masking.client import RemoteShop

_ID = re.compile(r"wb1_[0-9a-z]{26}")
UNKNOWN = 1
"""The exit status if a waybill is unknown, or one was not changed."""


def arguments(parser: argparse.ArgumentParser, what: str) -> None:
    """The options of these commands. `what` is the help of the waybills that are named."""
    parser.add_argument("waybills", nargs="*", metavar="ID|ORDER|FILE", help=what)
    add_where(parser)


@contextmanager
def connected(args: argparse.Namespace) -> Iterator[Shop | RemoteShop]:
    """The merchant's connection. Unlike `waybill mask`, it never makes a deployment.

    Raises:
        SettingsError: there is no deployment in the folder.
    """
    if "://" not in args.to and not (Path(args.to) / SETTINGS).exists():
        raise SettingsError(f"there is no deployment in {args.to}: name it with --to")
    with connect(args.to, credentials=args.credentials, state=args.state) as shop:
        yield shop


def chosen(shop: Shop | RemoteShop, words: Sequence[str]) -> Iterator[tuple[str, WaybillId | None]]:
    """Each named waybill with its id: of an id, an order number, or every row of a `masked.csv`; None if it is unknown.

    Raises:
        InputError: nothing was named, or a file is not a table of masked waybills.
    """
    if not words:
        raise InputError("waybills", "missing: give waybill ids, order numbers, or a masked.csv")
    for word in words:
        if _ID.fullmatch(word):
            yield word, WaybillId(word)
        elif Path(word).suffix.lower() in {".csv", ".xlsx"} and Path(word).is_file():
            for id_ in ids_of(require_own(readings(Path(word)))):
                yield id_, id_
        else:
            found = shop.find(reference=word)
            yield word, found[0].id if found else None


def line_of(waybill: Waybill) -> str:
    """A waybill on one line: id, state, order number, the carrier's numbers, and the masked recipient."""
    view = waybill.masked.fields() if waybill.masked else {}
    recipient = [view[name].text for name in ("recipient.name", "recipient.phone", "recipient.address") if name in view]
    carrier = [waybill.waybill_number or "-", waybill.routing_code or "-"]
    return "\t".join(map(one_line, [waybill.id, waybill.state, waybill.reference or "-", *carrier, *recipient]))


def show(shop: Shop | RemoteShop, word: str, id_: WaybillId | None) -> bool:
    """Print a waybill's line; False, with a message, if it is unknown."""
    try:
        waybill = shop.status(id_) if id_ else None
    except UnknownWaybillError:
        waybill = None
    if waybill is None:
        report_unknown(word)
        return False
    print(line_of(waybill))
    return True


def report(word: str, answer: Rejected | Refusal) -> None:
    """Say why a named waybill was not changed."""
    why = f"{answer.field}: {say_reason(answer.rule)}" if isinstance(answer, Rejected) else say_reason(answer.reason)
    print(f"{one_line(word)}: {why}", file=sys.stderr)


def report_unknown(word: str) -> None:
    """Say that a named waybill does not exist, or is another merchant's."""
    print(say(f"{one_line(word)}: the waybill does not exist, or is not yours"), file=sys.stderr)
