"""Writes the results of an import: masked rows and rejected rows, as CSV or XLSX.

No cell can be a formula, and no cell contains a line break.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol

from masking.values.plaintext import FIELDS

from ..output import output
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
"""The columns of a file of rejected rows: the place and the rule, never the value."""


class Sheet(Protocol):
    """A table to write rows to."""

    def write(self, cells: Cells, /) -> None:
        """Add one row."""


def masked_row(taken: Taken) -> list[str]:
    """One waybill as a row of `MASKED`, with the virtual number in a form that importers accept as a phone."""
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
def sheet(path: Path, headers: Cells, *, overwrite: bool = False) -> Iterator[Sheet]:
    """A table to write to: CSV (UTF-8 with a byte order mark, for spreadsheets) or XLSX, by the path's suffix.

    Raises:
        InputError: see `output`.
    """
    with output(path, overwrite=overwrite) as file, (_xlsx if path.suffix == ".xlsx" else _csv)(file) as rows:
        rows.write(headers)
        yield rows


def safe(text: str) -> str:
    """A cell's text as it is written: on one line, and not a formula."""
    return no_formula(_BREAK.sub(" ", text) if not text.isprintable() else text)


class _Csv:
    def __init__(self, file: Any) -> None:
        self._row = csv.writer(file, lineterminator="\r\n").writerow

    def write(self, cells: Cells) -> None:
        self._row(map(safe, cells))


@contextmanager
def _csv(file: IO[bytes]) -> Iterator[Sheet]:
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    yield _Csv(text)
    text.detach()  # flushed, and the file left open


class _Xlsx:
    def __init__(self, page: Any) -> None:
        self._append = page.append

    def write(self, cells: Cells) -> None:
        self._append([safe(cell) for cell in cells])


@contextmanager
def _xlsx(file: IO[bytes]) -> Iterator[Sheet]:
    import openpyxl  # noqa: PLC0415  only where asked for

    book = openpyxl.Workbook(write_only=True)
    page = book.create_sheet("masked")
    try:
        yield _Xlsx(page)
        book.save(file)
    finally:
        if not page.closed:
            page.close()
