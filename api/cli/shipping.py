"""Ships the waybills of a filled `masked.csv` and prints their labels, for `waybill ship` and for `waybill mask` on that file."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from masking.connection import Shop
from masking.errors import InputError, not_installed

from ..importing.explaining import rule_of
from ..importing.own_table import OwnTable, Shipped, ship
from ..importing.progress import Progress
from ..language import say, say_reason
from ..terminal import one_line

if TYPE_CHECKING:
    from masking.client import RemoteShop

NONE_WENT_THROUGH = 3


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of labels."""
    parser.add_argument(
        "--labels",
        default="100x180",
        metavar="SIZE|FILE.toml",
        help="size, your own template, or none (default: 100x180)",
    )
    parser.add_argument("--out", type=Path, help="folder for the results (default: the folder of the file)")


def template_of(name: str) -> str | Path | None:
    """A built-in size or the path of a checked template; None for no labels.

    Raises:
        InputError: the size is unknown, or the packages that draw labels are not installed.
    """
    if name == "none":
        return None
    try:
        from ..printing.own_templates import chosen
    except ImportError as error:
        raise InputError("--labels", f"{not_installed(error)}. To mask without labels, give --labels none") from error
    return chosen(name)


def run(shop: Shop | RemoteShop, table: OwnTable, folder: Path, template: str | Path | None) -> int:
    """Enter the numbers, print the labels, and say what became of the rows; the exit status."""
    result = ship(shop, table, sys.stderr)
    if template and result.ids:
        _print(shop, result, folder, template)
    waiting = f", {result.without_numbers:,} without numbers" if result.without_numbers else ""
    print(say(f"{len(result.ids):,} shipped, {len(result.faults):,} rejected") + say(waiting))
    for fault in result.faults:
        print("  " + say(f"row {fault.rows[0]}: {fault.field}: {rule_of(fault.rule)}"), file=sys.stderr)
    if template:
        print(say(f"{result.printed:,} labels"))
        for reason, count in result.refused.most_common():
            print("  " + say(f"{count:,} not printed: {say_reason(reason)}"))
    for path in result.files:
        print(one_line(path))
    if not result.faults:
        return 0
    return 1 if result.ids else NONE_WENT_THROUGH


def _print(shop: Shop | RemoteShop, result: Shipped, folder: Path, template: str | Path) -> None:
    from ..importing.printing import print_labels

    folder.mkdir(parents=True, exist_ok=True)
    with Progress("labels", len(result.ids), sys.stderr) as bar:
        prints = print_labels(shop, result.ids, job=result.job, folder=folder, template=template, step=bar.step)
    result.printed, result.refused, result.files = prints.printed, prints.refused, list(prints.files)
