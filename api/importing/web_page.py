"""Reads the tables of web pages and of XML Spreadsheet 2003, which back offices save under the name of a workbook."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import final

_LONGEST_ROW = 16_384  # columns of a spreadsheet
_CHARSET = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_-]{2,20})""", re.IGNORECASE)
_ROWS, _CELLS, _BREAKS = {"tr", "row"}, {"td", "th", "cell"}, {"br", "p", "div"}
_UNSHOWN = {"style", "script", "head", "title", "styles", "documentproperties"}


def charset_of(head: bytes) -> str | None:
    """The encoding that a page names in its first bytes."""
    found = _CHARSET.search(head)
    name = found[1].decode("ascii").lower() if found else None
    return "gb18030" if name in {"gb2312", "gbk", "x-gbk"} else name


def rows_of(lines: Iterator[str]) -> Iterator[list[str]]:
    """The rows of all tables of a page, given in pieces."""
    page = _Page()
    for line in lines:
        page.feed(line)
        yield from page.taken()
    page.close()
    page.end_row()
    yield from page.taken()


@final
class _Page(HTMLParser):
    """Collects rows as they end. A cell over several columns or rows is blank but for the first."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._rows: list[list[str]] = []
        self._row: list[str] | None = None
        self._cell: list[str] | None = None
        self._wide = 1
        self._unshown = 0

    def taken(self) -> list[list[str]]:
        """The rows since the last call."""
        rows, self._rows = self._rows, []
        return rows

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a row or a cell."""
        said = dict(attrs)
        tag = tag.rpartition(":")[2]
        if tag in _UNSHOWN:
            self._unshown += 1
        elif tag in _ROWS:
            self.end_row()
            self._row = []
        elif tag in _CELLS:
            self._end_cell()
            self._row = [] if self._row is None else self._row
            place = _count(said.get("ss:index") or said.get("index"))
            while place and len(self._row) + 1 < place:
                self._row.append("")
            self._cell = []
            self._wide = _count(said.get("colspan")) or (_count(said.get("ss:mergeacross")) or 0) + 1
        elif tag in _BREAKS and self._cell:
            self._cell.append(" ")

    def handle_endtag(self, tag: str) -> None:
        """End a row or a cell."""
        tag = tag.rpartition(":")[2]
        if tag in _UNSHOWN:
            self._unshown = max(0, self._unshown - 1)
        elif tag in _CELLS:
            self._end_cell()
        elif tag in _ROWS or tag == "table":
            self.end_row()

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take an empty element, such as `<Cell/>`."""
        self.handle_starttag(tag, attrs)
        if tag.rpartition(":")[2] not in _BREAKS:
            self.handle_endtag(tag)

    def handle_data(self, data: str) -> None:
        """Take text inside a cell."""
        if self._cell is not None and not self._unshown:
            self._cell.append(data)

    def end_row(self) -> None:
        """End the row, also where the page does not."""
        self._end_cell()
        if self._row is not None:
            self._rows.append(self._row)
        self._row = None

    def _end_cell(self) -> None:
        if self._cell is not None and self._row is not None:
            self._row.append(" ".join("".join(self._cell).split()))
            self._row += [""] * (min(self._wide, _LONGEST_ROW) - 1)
        self._cell = None


def _count(text: str | None) -> int | None:
    return min(int(text), _LONGEST_ROW) if text and text.isascii() and text.isdecimal() and len(text) < 9 else None
