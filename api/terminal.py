"""What commands print. Foreign text (headers, cells, sheet and file names, a service's words) can't steer the terminal.

Control characters would rename its window or erase what stands there; bidirectional ones show lines in another order.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, TextIO, cast

_STEERING = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""The Unicode categories that are never shown: control, format, half of a pair, line and paragraph separator."""


def harmless(text: str) -> str:
    """The text without characters that steer a terminal; line feeds and tabs stay."""
    return text if text.isprintable() else "".join(char for char in text if not _steers(char))


def one_line(text: object) -> str:
    """The text on one line, so that a header or a name can't pass for a line of the command."""
    return " ".join(str(text).split())


def quoted(value: object, *, toml: bool = False) -> str:
    """A value as JSON, or a string or list as TOML; characters that a terminal must not see are escaped, so none is lost."""
    written = json.dumps(value, ensure_ascii=False)
    return "".join(_escaped(char, toml=toml) if _steers(char) else char for char in written)


def write_over(stream: TextIO, line: str) -> None:
    """Show a line in place of the terminal's last one."""
    getattr(stream, "unguarded", stream).write(f"\r{harmless(line)}\x1b[K")
    stream.flush()


@contextmanager
def guarded_output() -> Iterator[None]:
    """Let nothing that is printed in the block steer the terminal."""
    out, err = (cast("TextIO", _Guarded(stream)) for stream in (sys.stdout, sys.stderr))
    with redirect_stdout(out), redirect_stderr(err):
        yield


class _Guarded:
    """A stream that writes harmless text; anything but text goes to the stream behind it."""

    def __init__(self, stream: TextIO) -> None:
        self.unguarded = stream

    def write(self, text: str) -> int:
        self.unguarded.write(harmless(text))
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.unguarded, name)


def _escaped(char: str, *, toml: bool) -> str:
    return f"\\U{ord(char):08X}" if toml else json.dumps(char)[1:-1]  # TOML has no surrogate pairs


def _steers(char: str) -> bool:
    return char not in "\n\t" and unicodedata.category(char) in _STEERING
