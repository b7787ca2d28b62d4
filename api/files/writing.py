"""Writes the answer to a file: masked rows and rejected rows, as CSV or XLSX that importers and spreadsheets take.

A file appears under its name only when it is whole: it is written beside it, flushed to disk, and renamed. No cell can be
a formula, and no cell breaks a line.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from masking.disk import sync_folder
from masking.order import FIELDS

from .cells import no_formula
from .importing import Taken

Cells = Sequence[str]

_BREAK = re.compile(r"\s*[\r\n\t\v\f\u0085\u2028\u2029]+\s*")

MASKED = {
    "order_number": "订单号",
    "waybill_token": "面单令牌",
    "waybill_number": "运单号",
    "routing_code": "三段码",
    "virtual_number": "虚拟号",
    "recipient_name": "收件人",
    "recipient_phone": "收件电话",
    "recipient_address": "收件地址",
    "sender_name": "寄件人",
    "sender_phone": "寄件电话",
    "sender_address": "寄件地址",
    "goods": "品名",
    "remark": "备注",
    "buyer_reference": "合单标记",
    "state": "状态",
}
"""The columns of a masked file, in English and in Chinese."""

REJECTED = {"row": "行", "column": "列", "field": "字段", "rule": "规则", "meaning": "说明"}
"""The columns of a reject file: where and which rule, never what stood there."""


class Sheet(Protocol):
    """Something to write rows to."""

    def write(self, cells: Cells, /) -> None:
        """Add one row."""


def masked_row(taken: Taken) -> list[str]:
    """One waybill as a row under `MASKED`; the virtual number in the form that importers take for a phone."""
    waybill = taken.waybill
    view = waybill.masked.fields() if waybill.masked else {}
    return [
        waybill.reference or "",
        waybill.id,
        waybill.waybill_number or "",
        waybill.routing_code or "",
        f"{waybill.number.main}-{waybill.number.extension}" if waybill.number else "",
        *(view[name].text if view else "" for name in FIELDS),
        waybill.merge or "",
        waybill.state,
    ]


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A place to write a file that replaces `path` when the block ends well, and otherwise leaves it as it was."""
    part = path.with_name(f".{path.name}.part")
    try:
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(path)
        sync_folder(path.parent)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def sheet(path: Path, headers: Cells) -> Iterator[Sheet]:
    """A table to write to, CSV (UTF-8 with a mark, as spreadsheets want it) or XLSX by the path's name; whole or not at all."""
    with whole(path) as part, (_xlsx if path.suffix == ".xlsx" else _csv)(part) as rows:
        rows.write(headers)
        yield rows


def _safe(text: str) -> str:
    return no_formula(_BREAK.sub(" ", text) if not text.isprintable() else text)


class _Csv:
    def __init__(self, file: Any) -> None:
        self._row = csv.writer(file, lineterminator="\r\n").writerow

    def write(self, cells: Cells) -> None:
        self._row(map(_safe, cells))


@contextmanager
def _csv(part: Path) -> Iterator[Sheet]:
    with part.open("w", encoding="utf-8-sig", newline="") as file:
        yield _Csv(file)


class _Xlsx:
    def __init__(self, page: Any) -> None:
        self._append = page.append

    def write(self, cells: Cells) -> None:
        self._append([_safe(cell) for cell in cells])


@contextmanager
def _xlsx(part: Path) -> Iterator[Sheet]:
    import openpyxl  # noqa: PLC0415  only where asked for

    book = openpyxl.Workbook(write_only=True)
    page = book.create_sheet("masked")
    try:
        yield _Xlsx(page)
        book.save(part)
    finally:
        if not page.closed:
            page.close()
