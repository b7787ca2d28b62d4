"""What commands print. Text from files and services (headers, cells, sheet names) can't control the terminal.

Control characters could rename its window or erase its content. Bidirectional ones could reorder a line. Libraries print
nothing: their warnings, log lines and errors may repeat a cell.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
import unicodedata
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
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
    """Filter everything that is printed in the block with `harmless`, and print no library's warning or log line."""
    out, err = (cast("TextIO", _Guarded(stream)) for stream in (sys.stdout, sys.stderr))
    with redirect_stdout(out), redirect_stderr(err), warnings.catch_warnings(), _own_log_lines_only():
        warnings.showwarning = _unshown
        yield


@contextmanager
def silent_libraries() -> Iterator[None]:
    """Drop what libraries print in the block, which may repeat a cell of the file that they read.

    That is warnings, and the lines that a library in Rust writes to standard error itself before it raises an error.
    """
    with warnings.catch_warnings(), Path(os.devnull).open("wb") as nowhere:
        warnings.simplefilter("ignore")
        sys.stderr.flush()
        kept = os.dup(_STDERR)
        os.dup2(nowhere.fileno(), _STDERR)
        try:
            yield
        finally:
            os.dup2(kept, _STDERR)
            os.close(kept)


def place_of(error: BaseException) -> str:
    """The class of an unexpected error and the places it passed, innermost last. Its message may hold a value."""
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    places = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
    return f"{type(error).__name__} at {' > '.join(places)}"


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


_STDERR = 2
_OWN = frozenset({"masking", "waybill", "waybill_service", "api", "print_templates"})


@contextmanager
def _own_log_lines_only() -> Iterator[None]:
    """Without a configuration, Python prints every library's log lines from a warning on. Keep only this project's."""
    handler = logging.lastResort
    if handler is None:
        yield
        return
    handler.addFilter(_is_own)
    try:
        yield
    finally:
        handler.removeFilter(_is_own)


def _is_own(record: logging.LogRecord) -> bool:
    return record.name.partition(".")[0] in _OWN


def _unshown(*_: object, **__: object) -> None:
    """Takes the place of `warnings.showwarning`."""


def _escaped(char: str, *, toml: bool) -> str:
    return f"\\U{ord(char):08X}" if toml else json.dumps(char)[1:-1]  # TOML has no surrogate pairs


def _steers(char: str) -> bool:
    return char not in "\n\t" and unicodedata.category(char) in _STEERING
