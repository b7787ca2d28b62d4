"""Decides whether a run may replace the results of an earlier run in the same folder.

It may if nothing is lost: the new file has every order of the earlier `masked.csv`, with the same waybill. So the same
command continues, a file with corrected or further rows replaces its results, and another day's file does not.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from masking.errors import InputError

from .cells import clean
from .layout import Layout
from .merging import PARCEL
from .orders import order_numbers
from .table import readings
from .writing import MASKED, REJECTED, safe


def earlier_waybills(layout: Layout, masked: Path, rejected: Path) -> dict[str, set[str]]:
    """The waybill ids in the results of an earlier run, by order number; empty without an earlier run.

    Raises:
        InputError: `waybill mask` did not write a file of that name, or the new file lacks an order of it.
    """
    for _ in _rows(rejected, REJECTED):
        break
    tokens: dict[str, set[str]] = {}  # a set, because cleaning makes different numbers equal: "'1" and "1"
    for row in _rows(masked, MASKED):
        tokens.setdefault(clean(row[0]), set()).add(row[1])
    lost = set(tokens)
    if lost:
        here = {clean(safe(number)) for number in order_numbers(layout)}
        lost = {number for number in lost if number not in here and PARCEL.sub("", number) not in here}
    if lost:
        raise InputError("--out", f"{masked} holds {len(lost):,} orders that this file lacks; {_way_out(masked)}")
    return tokens


def require_same_waybill(tokens: Mapping[str, set[str]], number: str, token: str, masked: Path) -> None:
    """Check that an order has the waybill that the earlier results name.

    Raises:
        InputError: it has another one.
    """
    if token not in tokens.get(clean(safe(number)), {token}):
        raise InputError("--out", f"{masked} holds other waybills for the same orders; {_way_out(masked)}")


def _rows(path: Path, headers: Mapping[str, str]) -> Iterator[list[str]]:
    """The rows of an earlier table; no rows if the file is missing or empty."""
    if not os.path.lexists(path) or not path.stat().st_size:
        return
    try:
        [rows, *_] = [each.rows() for each in readings(path) if each.delimiter in {"", ","}]
        _, first = next(rows, (0, []))
    except InputError:
        first = []
    if first not in (list(headers), list(headers.values())):
        raise InputError("--out", f"{path} was not made by waybill mask; {_way_out(path)}")
    for _, cells in rows:
        yield cells


def _way_out(path: Path) -> str:
    base = path.parent if path.parent.name else path.parent / "masked"
    folder = next(folder for n in range(2, 10_000) if not os.path.lexists(folder := f"{base}-{n}"))
    return f"give another folder (--out {folder}), or --overwrite to replace it"
