"""The levels of an address, from town to room."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple


class AddressLevel(IntEnum):
    """The depth of a part of an address. BUILDING and deeper levels are parts of the door."""

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


NOTHING, TOWN, STREET, LANE, NUMBER, PLACE, BUILDING, UNIT, FLOOR, ROOM = AddressLevel
"""The levels under short names. Reading a member through its class takes ten times as long (Python 3.11)."""


class Part(NamedTuple):
    """A part of an address: its span in the normal form, and its level."""

    start: int
    end: int
    level: AddressLevel
