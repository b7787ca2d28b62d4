"""What is known about a file apart from its headers: the user's answers, kept for the next file of the same form, and the sender.

Answers come from a file (`--columns`), from an earlier run over the same headers, or from the user at a terminal. The sender
of all parcels comes from `--sender`, from the answers, or from `[sender]` in the deployment's `waybill.toml`.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

from masking.config import SETTINGS, read_table
from masking.disk import write_secret
from masking.errors import InputError
from masking.values.plaintext import Party

from ..terminal import quoted
from .headers import FIELDS

NEEDED = ("name", "phone", "address")
LISTS = frozenset({"remark", "address", "company", "mobile", "phone", "routing_code", "line", "goods", "status"})
"""Fields that several columns may form together."""

_REMEMBERED = "columns"
"""The folder of remembered answers in the deployment's folder, or next to a service's credentials."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Columns by field, columns to ignore, and the sender of all parcels."""

    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    ignore: frozenset[str] = frozenset()
    sender: Party | None = None

    def toml(self) -> str:
        """The answers as a file for `--columns`."""
        lines = [f'"{name}" = {quoted(list(headers), toml=True)}' for name, headers in self.columns.items()]
        lines.append(f"ignore = {quoted(sorted(self.ignore), toml=True)}")
        if self.sender:
            said = (self.sender.name, self.sender.phone, self.sender.address)
            lines.append("[sender]")
            lines += [f"{part} = {quoted(value.reveal(), toml=True)}" for part, value in zip(NEEDED, said, strict=True)]
        return "\n".join([*lines, ""])


def read_answers(path: Path) -> Answers:
    """The answers in a TOML file: `"recipient.address" = ["省", "详细地址"]`, `ignore = [...]`, `[sender]`.

    Raises:
        InputError: the file is not valid; the message names the entry.
    """
    try:
        table = tomllib.loads(path.read_text("utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError("--columns", f"{path.name} can't be read as TOML") from error
    sender = _party(
        table.pop("sender", None),
        InputError("--columns", '[sender] holds name, phone, address; columns are written with quotes: "sender.name"'),
    )
    columns = {}
    for name, value in table.items():
        headers = [value] if isinstance(value, str) else value
        if name not in (*FIELDS, "ignore"):
            raise InputError("--columns", f"no field is called {name}: use a field's name in quotes")
        if not isinstance(headers, list) or not all(isinstance(header, str) for header in headers):
            raise InputError("--columns", f"{name} is not a list of headers: write headers in quotes")
        if len(headers) > 1 and name.rpartition(".")[2] not in (*LISTS, "ignore"):
            raise InputError("--columns", f"{name} has several headers: give one")
        columns[name] = headers
    ignore = columns.pop("ignore", [])
    columns = {name: headers for name, headers in columns.items() if headers}
    return Answers(columns=columns, ignore=frozenset(ignore), sender=sender)


def sender_from(text: str) -> Party:
    """The sender given as `NAME,PHONE,ADDRESS`; the address may hold further commas.

    Raises:
        InputError: a part is missing.
    """
    parts = [part.strip() for part in re.split(r"[,，;；|\t]", text, maxsplit=2)]
    if len(parts) < len(NEEDED) or not all(parts):
        raise InputError("--sender", "give NAME,PHONE,ADDRESS, in quotes")
    name, phone, address = parts
    return Party(name=name, phone=phone, address=address)


def default_sender(folder: Path) -> Party | None:
    """The sender in a deployment's `waybill.toml`; None if there is no deployment yet, or no `[sender]`.

    Raises:
        InputError: `[sender]` is not name, phone and address.
        SettingsError: the file can't be read.
    """
    if not (folder / SETTINGS).is_file():
        return None
    return _party(
        read_table(folder).get("sender"), InputError(SETTINGS, "[sender] takes name, phone and address, all of them")
    )


def remembered(folder: Path, headers: Sequence[str]) -> Path:
    """The file of the answers that were given for a file with these headers."""
    return folder / _REMEMBERED / f"{hashlib.sha256(chr(31).join(headers).encode()).hexdigest()[:16]}.toml"


def remember(path: Path, answers: Answers) -> None:
    """Keep the answers for the next file with the same headers, readable by the owner only."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.unlink(missing_ok=True)
    write_secret(path, answers.toml().encode())


def _party(table: Any, otherwise: InputError) -> Party | None:
    if table is None:
        return None
    if (
        not isinstance(table, dict)
        or {*table} != {*NEEDED}
        or not all(isinstance(v, str) and v for v in table.values())
    ):
        raise otherwise
    return Party(**table)
