"""Reads a `masked.csv` that `waybill mask` wrote and a person filled with the carrier's numbers, and ships its waybills."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TextIO, final

from masking.connection import Shop
from masking.errors import InputError
from masking.values.printable import Rejected, Waybill, WaybillId

from .cells import clean, lost_digits, whole_again
from .importing import BOTH_OR_NEITHER
from .orders import RowFault
from .progress import Progress
from .table import Reading
from .writing import MASKED

if TYPE_CHECKING:
    from masking.client import RemoteShop

BATCH = 1000
_ID, _NUMBER, _ROUTE = "waybill_token", "waybill_number", "routing_code"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTable:
    """A table of masked waybills. `columns` maps names of `MASKED` to positions from 0."""

    reading: Reading
    header_row: int
    columns: dict[str, int]


class Line(NamedTuple):
    """A row that has both of the carrier's numbers."""

    row: int
    id: WaybillId
    number: str
    route: str


@final
@dataclass(slots=True, kw_only=True)
class Shipped:
    """What became of the rows. `job` names the print of their labels: it is the same for the same numbers."""

    ids: list[WaybillId] = field(default_factory=list)
    without_numbers: int = 0
    faults: list[RowFault] = field(default_factory=list)
    job: str = ""
    printed: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    files: list[Path] = field(default_factory=list)


def own_table(readings: Sequence[Reading]) -> OwnTable | None:
    """The reading that is a table of masked waybills, with headers in either language; None for any other file."""
    for reading in readings:
        for number, cells in reading.head():
            headers = {clean(cell): at for at, cell in enumerate(cells)}
            for table in (dict(zip(MASKED, MASKED, strict=True)), MASKED):
                columns = {name: headers[header] for name, header in table.items() if header in headers}
                if {_ID, _NUMBER, _ROUTE} <= columns.keys():
                    return OwnTable(reading=reading, header_row=number, columns=columns)
    return None


def ids_of(table: OwnTable) -> list[WaybillId]:
    """The waybill ids of the table, in its sequence."""
    return [WaybillId(id_) for _, id_, _, _ in _rows(table) if id_]


def ship(shop: Shop | RemoteShop, table: OwnTable, progress: TextIO) -> Shipped:
    """Give every waybill of the table the numbers of its row. A row without numbers is left as it is.

    Raises:
        UnavailableError: the store did not answer. Run it again.
    """
    result = Shipped()
    lines: list[Line] = []
    for row, id_, number, route in _rows(table):
        if not id_:
            result.faults.append(RowFault(rows=(row,), field="waybill_token", rule="missing"))
        elif lost_digits(number) or lost_digits(route):
            result.faults.append(RowFault(rows=(row,), field="waybill_number", rule="spreadsheet-exponent"))
        elif not number and not route:
            result.without_numbers += 1
        elif not number or not route:
            name = "routing_code" if number else "waybill_number"
            result.faults.append(RowFault(rows=(row,), field=name, rule=BOTH_OR_NEITHER))
        else:
            lines.append(Line(row, WaybillId(id_), number, route))
    with Progress("orders", len(lines), progress) as bar:
        for start in range(0, len(lines), BATCH):
            part = lines[start : start + BATCH]
            for line, answer in zip(part, shop.ship([line[1:] for line in part]), strict=True):
                if isinstance(answer, Waybill):
                    result.ids.append(answer.id)
                else:
                    name = answer.field if isinstance(answer, Rejected) else "waybill_token"
                    rule = answer.rule if isinstance(answer, Rejected) else answer.reason
                    result.faults.append(RowFault(rows=(line.row,), field=name, rule=rule))
            bar.step(len(part))
    said = "\n".join(f"{line.id} {line.number} {line.route}" for line in lines)
    result.job = f"ship-{hashlib.sha256(said.encode()).hexdigest()[:32]}"
    return result


def _rows(table: OwnTable) -> Iterator[tuple[int, str, str, str]]:
    """The row, waybill id, waybill number and routing code of every row that is not blank."""
    places = [table.columns[name] for name in (_ID, _NUMBER, _ROUTE)]
    for row, cells in table.reading.rows():
        if row > table.header_row and any(map(clean, cells)):
            id_, number, route = (clean(cells[at]) if at < len(cells) else "" for at in places)
            yield row, id_, whole_again(number), whole_again(route)


def require_own(readings: Sequence[Reading]) -> OwnTable:
    """The table of masked waybills in a file.

    Raises:
        InputError: the file is not one.
    """
    table = own_table(readings)
    if table is None:
        raise InputError("file", "not a table that waybill mask wrote: it has no column waybill_token or 面单令牌")
    return table
