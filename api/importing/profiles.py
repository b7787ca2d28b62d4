"""Recognises the exports of the big shops and ERPs by their headers, where the headers alone would leave a question."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import final

from .answers import LISTS


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a shop's export means. `columns` lists the possible headers of a field, the preferred one first."""

    name: str
    headers: frozenset[str]
    without: frozenset[str] = frozenset()
    columns: Mapping[str, Sequence[str]]
    ignore: frozenset[str] = frozenset()

    def fits(self, headers: frozenset[str]) -> bool:
        """Whether a file with these headers has this form."""
        return self.headers <= headers and not self.without & headers

    def chosen(self, headers: Sequence[str]) -> dict[str, list[str]]:
        """The headers of the file that form each field."""
        found = {name: [each for each in wanted if each in headers] for name, wanted in self.columns.items()}
        several = {name for name in found if name.rpartition(".")[2] in LISTS - {"goods"}}
        return {name: hits if name in several else hits[:1] for name, hits in found.items() if hits}


def profile_of(headers: Iterable[str]) -> Profile | None:
    """The profile with the most headers that the file has; None if the file has the form of none."""
    given = frozenset(headers)
    fitting = [profile for profile in _profiles() if profile.fits(given)]
    return max(fitting, key=lambda profile: len(profile.headers), default=None)


@cache
def _profiles() -> tuple[Profile, ...]:
    table = tomllib.loads(Path(__file__).with_name("profiles.toml").read_text("utf-8"))
    return tuple(
        Profile(
            name=each["name"],
            headers=frozenset(each["headers"]),
            without=frozenset(each.get("without", ())),
            columns=each.get("columns", {}),
            ignore=frozenset(each.get("ignore", ())),
        )
        for each in table.values()
    )
