"""The parser of commands, whose help and errors are in the user's language."""

from __future__ import annotations

import argparse
import sys
import unicodedata
from collections.abc import Iterable
from typing import Any, NoReturn

from ..language import say


class HelpFormatter(argparse.HelpFormatter):
    """Help in the user's language. A text with line breaks keeps them."""

    def add_usage(
        self,
        usage: str | None,
        actions: Iterable[argparse.Action],
        groups: Iterable[Any],
        prefix: str | None = None,
    ) -> None:
        """Add the usage line."""
        super().add_usage(usage, actions, groups, say("usage: ") if prefix is None else prefix)

    def start_section(self, heading: str | None) -> None:
        """Add a heading."""
        super().start_section(say(heading) if heading else heading)

    def add_text(self, text: str | None) -> None:
        """Add a description or an epilogue."""
        super().add_text(say(text) if text else text)

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return say(action.help) if action.help else action.help

    def _split_lines(self, text: str, width: int) -> list[str]:
        return super()._split_lines(text, width) if text.isascii() else wrapped(text, width)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if "\n" in text:
            return text
        if text.isascii():
            return super()._fill_text(text, width, indent)
        return "\n".join(indent + line for line in wrapped(text, width - len(indent)))


class Parser(argparse.ArgumentParser):
    """A parser whose help and errors are in the user's language."""

    def __init__(self, **settings: Any) -> None:
        settings.setdefault("formatter_class", HelpFormatter)
        super().__init__(**settings)

    def error(self, message: str) -> NoReturn:
        """Print the usage and the error, and exit with status 2."""
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog}: {say('error')}: {say(message, values=False)}\n")


def wrapped(text: str, width: int) -> list[str]:
    """Break text with Chinese characters, which take two columns, into lines. Latin words stay whole."""
    lines, line, columns = [], "", 0
    for whole in _parts(text):
        part, size = whole, sum(1 + (unicodedata.east_asian_width(char) in "WF") for char in whole)
        if line and columns + size > width:
            lines.append(line.rstrip())
            line, columns = "", 0
            part = part.lstrip()
        line += part
        columns += size
    return [*lines, line.rstrip()] if line.strip() else lines


def _parts(text: str) -> list[str]:
    """Single Chinese characters, and words of others with the blank before them. A line does not start with a comma."""
    parts: list[str] = []
    for char in text:
        joins = (
            parts
            and parts[-1]
            and ((char.isascii() and char != " " and parts[-1][-1].isascii()) or char in "，。；：、）")
        )
        if joins:
            parts[-1] += char
        else:
            parts.append(char)
    return parts
