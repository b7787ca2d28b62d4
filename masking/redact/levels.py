"""How deep a part of an address lies."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple


class Level(IntEnum):
    """How deep a part of an address lies. From BUILDING on it is part of the door."""

    NOTHING = 0
    TOWN = 1
    STREET = 2
    LANE = 3
    NUMBER = 4
    PLACE = 5
    BUILDING = 6
    UNIT = 7
    FLOOR = 8
    ROOM = 9


NOTHING, TOWN, STREET, LANE, NUMBER, PLACE, BUILDING, UNIT, FLOOR, ROOM = Level
"""The same by short names: to read a member through its class takes ten times as long (Python 3.11)."""


class Part(NamedTuple):
    """A part of an address: its span in the normal form, and what it is."""

    start: int
    end: int
    level: Level
