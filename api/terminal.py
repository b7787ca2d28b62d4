"""What commands print. Text from files and services (headers, cells, sheet names) can't control the terminal.

Control characters could rename its window or erase its content. Bidirectional ones could reorder a line.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, TextIO, cast

_STEERING = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""The Unicode categories that are never shown: control, format, surrogate, line and paragraph separator."""


def harmless(text: str) -> str:
    """The text without characters that control a terminal. Line feeds and tabs stay."""
    return text if text.isprintable() else "".join(char for char in text if not _steers(char))


def one_line(text: object) -> str:
    """The text on one line, so that a header or a name can't be mistaken for a line that the command printed."""
    return " ".join(str(text).split())


def quoted(value: object, *, toml: bool = False) -> str:
    """A value as JSON, or a string or list as TOML. Characters that could control a terminal are escaped, not dropped."""
    written = json.dumps(value, ensure_ascii=False)
    return "".join(_escaped(char, toml=toml) if _steers(char) else char for char in written)


def write_over(stream: TextIO, line: str) -> None:
    """Show a line in place of the terminal's current one."""
    getattr(stream, "unguarded", stream).write(f"\r{harmless(line)}\x1b[K")
    stream.flush()


@contextmanager
def guarded_output() -> Iterator[None]:
    """Filter everything that is printed in the block with `harmless`."""
    out, err = (cast("TextIO", _Guarded(stream)) for stream in (sys.stdout, sys.stderr))
    with redirect_stdout(out), redirect_stderr(err):
        yield


class _Guarded:
    """A text stream that writes through `harmless`. Other attributes are those of the wrapped stream."""

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
