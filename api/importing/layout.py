"""Understands a whole file: how to read it, which row holds the headers, and which columns form which field.

A required field without a column becomes a question, and a file with questions is not imported. The user answers at the
terminal or in a file (`--columns`), of which `Layout.answer_sheet` writes a draft.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import final

from masking.errors import InputError
from masking.values.plaintext import Party

from ..terminal import one_line, quoted
from .answers import LISTS, NEEDED, Answers
from .headers import FIELDS, IGNORED, PARTIES, Meaning, place
from .profiles import profile_of
from .table import Reading, Row

WAYS = {"phone": ("mobile", "phone"), "name": ("name", "given_name", "family_name"), "address": ("address", "street")}
"""The fields by which a required part of a party may be given."""
_PERSONAL = 7
"""A header with so many digits may be a phone."""

_KIN = {"recipient.mobile": ["recipient.phone"], "recipient.phone": ["recipient.mobile"]}
_OF_THE_BUYER = re.compile(r"买家|客户|顾客|用户|buyer|customer|收件|留言|message")
"""A remark that names the buyer; another one next to it is the seller's own."""
_LONGEST_TITLE = 20
_GROUPS = {
    "recipient": ("收件", "收货", "recipient", "receiver", "consignee"),
    "sender": ("寄件", "发件", "发货", "sender", "shipper"),
}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """An understood file. `columns` maps fields to column positions from 0. `questions` must be empty to import."""

    reading: Reading
    header_row: int
    headers: Sequence[str]
    columns: Mapping[str, Sequence[int]]
    ignored: Sequence[int]
    unplaced: Sequence[int]
    sender: Party | None
    questions: Sequence[str]
    doubts: Mapping[str, Sequence[int]]
    """The columns that a question about a field names."""
    skip_hidden: bool = False
    """Whether rows that the spreadsheet hides are left out."""
    profile: str = ""
    """The shop or ERP whose form the file has, if it is one of `profiles.toml`."""

    @property
    def chinese(self) -> bool:
        """Whether most headers are Chinese, so that the results get Chinese headers."""
        return sum(not header.isascii() for header in self.headers) * 2 >= len(self.headers)

    @property
    def missing(self) -> list[str]:
        """The required fields that no column forms."""
        return missing(self.columns, self.sender)

    def names(self, of: str) -> str:
        """The headers of the columns that form a field of an order, to name the place of a fault."""
        party, _, part = of.rpartition(".")
        kin = {part: (*ways, "line") for part, ways in WAYS.items()} | {
            "address": ("address", "street", "region", "line")
        }
        wanted = [f"{party}.{each}" for each in kin.get(part, (part,))] if party else [of]
        found = [named(self.headers, at) for name in wanted for at in self.columns.get(name, ())]
        return "/".join(found)

    def answer_sheet(self, asked: Iterable[int]) -> str:
        """A draft of the file for `--columns` that answers the questions. `asked` are columns of unknown meaning."""
        lines = [f"# fields: {', '.join(FIELDS)}"]
        unplaced = [named(self.headers, at) for at in asked]
        lacking = self.missing
        doubts = {name: [named(self.headers, at) for at in columns] for name, columns in self.doubts.items()}
        for name in lacking:
            if not name.startswith("sender."):  # one line for each missing field, because TOML allows a key once
                perhaps = f", perhaps {quoted(headers, toml=True)}" if (headers := doubts.pop(name, [])) else ""
                lines.append(f'"{name}" = []  # the headers of its columns{perhaps}')
        for name, headers in doubts.items():
            chosen = headers if name.rpartition(".")[2] in LISTS else headers[:1]
            others = quoted([each for each in headers if each not in chosen], toml=True)
            lines.append(f'# "{name}" = {quoted(chosen, toml=True)}  # if so, remove the "#"; the others are {others}')
        lines.append(f"ignore = {quoted(unplaced, toml=True)}  # columns that no waybill needs")
        if any(name.startswith("sender.") for name in lacking):
            lines += ["[sender]  # of every parcel", *(f'{part} = ""' for part in NEEDED)]
        return "\n".join(lines)


def understand(readings: Sequence[Reading], answers: Answers, sheet: str | None = None) -> Layout:
    """The layout of the reading with the most understood headers.

    Raises:
        InputError: no reading has a row of headers.
    """
    if sheet is not None:
        readings = [reading for reading in readings if reading.sheet == sheet]
        if not readings:
            raise InputError("--sheet", "the workbook has no sheet of this name")
    found, errors = [], []
    for reading in readings:
        try:
            layout = _read(reading, answers)
        except InputError as error:  # a delimiter or an encoding that is not the file's
            errors.append(error)
        else:
            found += [layout] if layout else []
    if not found and errors:
        raise errors[0]
    if not found:
        raise InputError("file", "no row of headers in the first 20 rows: add one, or name the columns with --columns")
    best = max(found, key=lambda layout: sum(map(len, layout.columns.values())))
    rivals = [layout.reading.sheet for layout in found if layout.reading.sheet and not layout.questions]
    if len(rivals) > 1:
        raise InputError("--sheet", f"several sheets hold orders: choose one of {', '.join(map(one_line, rivals))}")
    return best


def missing(columns: Mapping[str, Sequence[int]], sender: Party | None) -> list[str]:
    """The required fields that no column forms."""
    absent = [] if "reference" in columns else ["reference"]
    for party in PARTIES:
        if f"{party}.line" in columns or (party == "sender" and sender):
            continue
        for part in NEEDED:
            ways = WAYS.get(part, (part,))
            if not any(f"{party}.{way}" in columns for way in ways):
                absent.append(f"{party}.{part}")
    return absent


def _read(reading: Reading, answers: Answers) -> Layout | None:
    head = reading.head()
    scores = [sum(_placed(cell, answers) for cell in cells) for _, cells in head]
    enough = 1 if answers.columns else 2  # one header that the user names is no accident
    if not scores or max(scores) < enough:
        return None
    at = scores.index(max(scores))
    number, headers = head[at]
    headers = [header.strip() for header in headers]
    while headers and not headers[-1]:
        headers.pop()
    headers, meant = _grouped(headers, head[:at])
    return _lay_out(reading, number, meant, headers, answers)


def _placed(cell: str, answers: Answers) -> bool:
    return len(cell) <= 40 and bool(cell.strip() in _said(answers) or place(cell))


def _said(answers: Answers) -> set[str]:
    return {header for headers in answers.columns.values() for header in headers} | answers.ignore


def _grouped(headers: Sequence[str], above: Sequence[Row]) -> tuple[list[str], list[str]]:
    """The headers, and what each means with the merged cell in the row above it: a party, or a group such as 货物.

    A header cell that is merged over both rows is blank in the lower one.
    """
    row = above[-1][1] if above else []
    group, title, named_, meant = "", "", [], []
    for at, header in enumerate(headers):
        over = row[at].strip() if at < len(row) else ""
        if over:
            title = over if len(over) <= _LONGEST_TITLE else ""
            group = next((party for party, words in _GROUPS.items() if any(w in title.lower() for w in words)), "")
        meaning = place(header)
        if not header and over and (upper := place(over)) and upper.said != "bare":
            header = over  # noqa: PLW2901  the cell's text stands in the row above
            meaning = upper
        bare = meaning is not None and meaning.said == "bare"
        joined = f"{group} {header}" if group and bare else header
        if meaning is None and header and title and place(title + header):
            joined = title + header
        named_.append(header)
        meant.append(joined)
    return named_, meant


def _lay_out(reading: Reading, number: int, meant: Sequence[str], headers: Sequence[str], answers: Answers) -> Layout:
    columns: dict[str, list[int]] = {}
    questions: list[str] = []
    profile = profile_of(headers)
    if profile:
        answers = _with_profile(answers, profile.chosen(headers), profile.ignore)
    positions = {f"#{at + 1}": at for at in range(len(headers))}
    for name, wanted in answers.columns.items():
        for header in wanted:
            hits = [at for at, each in enumerate(headers) if each == header] or [
                positions[header] for header in [header] if header in positions
            ]
            if len(hits) != 1:
                problem = "no column is" if not hits else "several columns are"
                questions.append(f"--columns, {name}: {problem} called {one_line(header)}")
            columns.setdefault(name, []).extend(hits)
    answered = {at for hits in columns.values() for at in hits}
    left = {at for at, header in enumerate(headers) if header in answers.ignore or f"#{at + 1}" in answers.ignore}
    meanings = {at: place(header) for at, header in enumerate(meant) if at not in answered and at not in left}
    ignored = sorted(left | {at for at, meaning in meanings.items() if meaning and meaning.field == IGNORED})
    unplaced = [at for at, meaning in meanings.items() if meaning is None]
    placed = {at: m for at, m in meanings.items() if m and m.field != IGNORED and m.field not in answers.columns}
    ignored += [at for at, m in meanings.items() if m and m.field in answers.columns]
    doubts: dict[str, list[int]] = {}
    ignored += _settle(placed, columns, questions, headers, doubts)
    questions += [f"which column is {name}?" for name in missing(columns, answers.sender)]
    return Layout(
        reading=reading,
        header_row=number,
        headers=headers,
        columns={name: columns[name] for name in sorted(columns)},
        ignored=sorted(ignored),
        unplaced=unplaced,
        sender=answers.sender,
        questions=questions,
        doubts=doubts,
        profile=profile.name if profile else "",
    )


def _with_profile(answers: Answers, columns: Mapping[str, Sequence[str]], ignore: frozenset[str]) -> Answers:
    """The answers, and what the profile says about columns that they don't name."""
    named_ = {header for headers in answers.columns.values() for header in headers} | answers.ignore
    own = {
        name: headers for name, headers in columns.items() if name not in answers.columns and not named_ & {*headers}
    }
    return Answers(columns={**own, **answers.columns}, ignore=answers.ignore | (ignore - named_), sender=answers.sender)


def _settle(
    placed: Mapping[int, Meaning],
    columns: dict[str, list[int]],
    questions: list[str],
    headers: Sequence[str],
    doubts: dict[str, list[int]],
) -> list[int]:
    """Assign columns to fields, and add a question and a doubt for each field with rival columns.

    Returns:
        The columns that are not used.
    """
    claims: dict[str, dict[str, list[int]]] = {}
    for at, meaning in placed.items():
        claims.setdefault(meaning.field, {}).setdefault(meaning.said, []).append(at)
    recipient_is_named = any(name.startswith("recipient.") and "own" in said for name, said in claims.items())
    left: list[int] = []
    for name, said in claims.items():
        own, bare, buyer = (said.get(how, []) for how in ("own", "bare", "buyer"))
        kin = own + [at for each in _KIN.get(name, ()) for at in claims.get(each, {}).get("own", [])]
        if name == "remark" and any(_OF_THE_BUYER.search(headers[at].lower()) for at in own):
            left += [at for at in own if not _OF_THE_BUYER.search(headers[at].lower())]
            own = [at for at in own if at not in left]
        chosen = sorted(own or bare, key=lambda at: (headers[at], at))  # independent of the columns' order
        left += buyer
        if bare and kin:
            questions.append(f"{_list(bare, headers)}: {name}, like {_list(kin, headers)}, or something else?")
            doubts[name] = sorted(own + bare)
        elif buyer and not own and (bare or not recipient_is_named):
            questions.append(f"{_list(bare + buyer, headers)}: is the buyer the recipient?")
            doubts[name] = sorted(bare + buyer)
        elif len(chosen) > 1 and name.rpartition(".")[2] not in LISTS:
            questions.append(f"{_list(chosen, headers)}: which is {name}?")
            doubts[name] = list(chosen)
        if chosen:
            columns.setdefault(name, []).extend(chosen)
    codes = columns.pop("three_part_code", [])
    if codes:
        columns["routing_code"] = codes + columns.get("routing_code", [])
    return left


def _list(positions: Iterable[int], headers: Sequence[str]) -> str:
    return ", ".join(f"column {at + 1} ({one_line(named(headers, at))})" for at in positions)


def named(headers: Sequence[str], at: int) -> str:
    """A column's header; `#5` for a column without one, and where a row of data may have been taken for the headers."""
    header = headers[at]
    return header if header and sum(char.isnumeric() for char in header) < _PERSONAL else f"#{at + 1}"
