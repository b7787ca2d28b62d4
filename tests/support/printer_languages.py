"""Small printers on paper: interpreters of the TSPL, CPCL and ZPL commands that we send. They know no others.

Written from the languages' manuals, sharing nothing with the writers, and strict: an unknown command, a picture that
leaves the paper, or a byte left over is an error. What real printers keep between labels these keep, too, and they begin
as another program may have left them: shifted, mirrored, turned, in millimetres, and with a former label's picture.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import AnyStr

import numpy as np

Paper = np.ndarray
FORMER = np.eye(4000, 2600, dtype=bool) | np.eye(4000, 2600, 5, dtype=bool)
"""A picture that another program has left in a printer's memory."""


@dataclass
class Tspl:
    """A TSPL printer's memory: settings in dots or as they were sent."""

    size: tuple[int, int] = (0, 0)
    reference: tuple[int, int] = (13, 9)
    shift: int = 21
    offset: str = "3 mm"
    direction: str = "1,1"
    paper: Paper = field(default_factory=FORMER.copy)


def tspl(data: bytes, dots_per_mm: float) -> list[Paper]:
    """The labels that a TSPL printer would print."""
    printed: list[Paper] = []
    now = Tspl()
    while data:
        line, _, rest = data.partition(b"\r\n")
        if line.startswith(b"BITMAP "):
            head = _matched(re.match(rb"BITMAP (\d+),(\d+),(\d+),(\d+),(\d),", data))
            x, y, width, height, mode = map(int, head.groups())
            start = head.end()
            assert mode == 0
            dots = ~_bits(data[start : start + width * height], width, height)
            _put(now.paper, x + now.reference[0], y + now.reference[1], dots)
            data = data[start + width * height :]
            assert data.startswith(b"\r\n")
            data = data[2:]
            continue
        word, _, rule = line.decode("ascii").partition(" ")
        match word:
            case "SIZE":
                wide, high = map(float, _matched(re.fullmatch(r"([\d.]+) mm,([\d.]+) mm", rule)).groups())
                now.size = round(high * dots_per_mm), round(wide * dots_per_mm)
            case "REFERENCE":
                x, y = map(int, rule.split(","))
                now.reference = x, y
            case "SHIFT":
                now.shift = int(rule)
            case "OFFSET":
                now.offset = rule
            case "DIRECTION":
                now.direction = rule
            case "CLS":
                now.paper = np.zeros(now.size, bool)
            case "PRINT":
                assert rule == "1,1"
                assert now.offset == "0 mm", "the paper is cut or torn elsewhere"
                turn, mirror = now.direction.split(",")
                assert turn == "1"
                printed.append(np.roll(now.paper[:, ::-1] if mirror == "1" else now.paper.copy(), now.shift, axis=0))
            case "GAP" | "BLINE":
                assert re.fullmatch(r"[\d.]+ mm,0 mm", rule)
            case _:
                assert word in {"DENSITY", "SPEED"}, line
        data = rest
    return printed


def cpcl(data: bytes) -> list[Paper]:
    """The labels that a CPCL printer would print."""
    printed: list[Paper] = []
    height, width = 0, 0
    pictures: list[tuple[int, int, Paper]] = []
    while data:
        line, _, rest = data.partition(b"\r\n")
        if line.startswith(b"CG "):
            head = _matched(re.match(rb"CG (\d+) (\d+) (\d+) (\d+) ", data))
            wide, high, x, y = map(int, head.groups())
            pictures.append((x, y, _bits(data[head.end() : head.end() + wide * high], wide, high)))
            data = data[head.end() + wide * high :]
            assert data.startswith(b"\r\n")
            data = data[2:]
            continue
        if line.startswith(b"! "):
            zero, _, _, height, copies = map(int, line[2:].split(b" "))
            assert (zero, copies) == (0, 1)
            pictures = []
        elif line.startswith(b"PAGE-WIDTH "):
            width = int(line.split(b" ")[1])
        elif line == b"PRINT":
            paper = np.zeros((height, width), bool)
            for x, y, dots in pictures:
                _put(paper, x, y, dots)
            printed.append(paper)
        else:
            assert line.split(b" ")[0] in {b"FORM", b"CONTRAST", b"SPEED", b"GAP-SENSE", b"BAR-SENSE"}, line
        data = rest
    return printed


@dataclass
class Zpl:
    """A ZPL printer's memory: each setting by its command's letters, and the picture behind the next label."""

    settings: dict[str, str] = field(
        default_factory=lambda: {
            "MU": "M", "JM": "B", "MC": "N", "PO": "I", "PM": "Y", "LR": "Y", "FW": "R", "CI": "13",
            "PW": "300", "LL": "200", "LH": "11,7", "LS": "37", "LT": "-12", "MN": "V", "PR": "6", "PQ": "3",
        }
    )  # fmt: skip
    behind: Paper = field(default_factory=FORMER.copy)

    def label(self, form: str) -> Paper:
        """The label that one format prints."""
        settings = self.settings
        paper = self.behind.copy()
        x = y = 0
        for word, rule in re.findall(r"\^([A-Z]{2})([^^]*)", form):
            match word:
                case "FO":
                    x, y = map(int, rule.split(","))
                case "GB":
                    assert (settings["MU"], settings["LH"], settings["LR"]) == ("D", "0,0", "N")
                    width, height, line, colour = rule.split(",")
                    assert colour == "W"
                    assert int(line) == min(int(width), int(height)), "a filled box, no wider than asked for"
                    paper[y : y + int(height), x : x + int(width)] = False
                case "GF":
                    assert (settings["MU"], settings["JM"], settings["LH"], settings["LR"]) == ("D", "A", "0,0", "N")
                    size, _, row, body = _matched(re.fullmatch(r"A,(\d+),(\d+),(\d+),(.*)", rule)).groups()
                    digits = _digits(body, 2 * int(row))
                    assert len(digits) == 2 * int(size)
                    bits = _bits(bytes.fromhex(digits), int(row), int(size) // int(row))
                    _put(paper[: int(settings["LL"]), : int(settings["PW"])], x, y, bits)
                case "FS":
                    assert not rule
                case _:
                    assert word in settings, word
                    settings[word] = rule
        self.behind = np.zeros_like(paper) if settings["MC"] == "Y" else paper
        shown = np.roll(paper, (int(settings["LT"]), -int(settings["LS"])), axis=(0, 1))
        shown = shown[: int(settings["LL"]), : int(settings["PW"])]
        shown = shown[::-1, ::-1] if settings["PO"] == "I" else shown
        assert settings["PQ"] == "1"
        return shown[:, ::-1] if settings["PM"] == "Y" else shown


def zpl(data: bytes) -> list[Paper]:
    """The labels that a ZPL printer would print."""
    printer = Zpl()
    forms = re.fullmatch(r"(?:(?:~SD\d\d)?\^XA.*?\^XZ\n)*", data.decode("ascii"), re.DOTALL)
    assert forms, "something stands between the formats"
    return [printer.label(form) for form in re.findall(r"\^XA(.*?)\^XZ", forms[0], re.DOTALL)]


def _matched(found: re.Match[AnyStr] | None) -> re.Match[AnyStr]:
    assert found, "a command in an unknown form"
    return found


def _digits(body: str, row: int) -> str:
    """ZPL's compressed hexadecimal, spelt out."""
    out, count = "", 0
    for char in body:
        if char in "ghijklmnopqrstuvwxyz":
            count += 20 * (ord(char) - ord("f"))
        elif char in "GHIJKLMNOPQRSTUVWXY":
            count += ord(char) - ord("F")
        elif char == ",":
            out += "0" * (row - len(out) % row)
        elif char == ":":
            out += out[-row:]
        else:
            out += char * (count or 1)
            count = 0
    return out


def _bits(data: bytes, width: int, height: int) -> Paper:
    assert len(data) == width * height
    return np.unpackbits(np.frombuffer(data, np.uint8).reshape(height, width), axis=1).astype(bool)


def _put(paper: Paper, x: int, y: int, dots: Paper) -> None:
    height, width = dots.shape
    beyond = dots[:, max(paper.shape[1] - x, 0) :]
    assert not beyond.any(), "ink beside the paper"
    assert y + height <= paper.shape[0], "ink below the paper"
    paper[y : y + height, x : x + width] |= dots[:, : paper.shape[1] - x]
