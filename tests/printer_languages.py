"""Small printers on paper: interpreters of the TSPL, CPCL and ZPL commands that we send. They know no others.

Written from the languages' manuals, sharing nothing with the writers, and strict: an unknown command, a picture that
leaves the paper, or a byte left over is an error.
"""

from __future__ import annotations

import re

import numpy as np

Paper = np.ndarray


def tspl(data: bytes, dots_per_mm: float) -> list[Paper]:
    """The labels that a TSPL printer would print."""
    printed: list[Paper] = []
    paper = np.zeros((0, 0), bool)
    size = (0, 0)
    while data:
        line, _, rest = data.partition(b"\r\n")
        if line.startswith(b"BITMAP "):
            x, y, width, height, mode = map(int, re.match(rb"BITMAP (\d+),(\d+),(\d+),(\d+),(\d),", data).groups())
            start = re.match(rb"BITMAP (?:\d+,){5}", data).end()
            assert mode == 0
            _put(paper, x, y, ~_bits(data[start : start + width * height], width, height))
            data = data[start + width * height :]
            assert data.startswith(b"\r\n")
            data = data[2:]
            continue
        word = line.split(b" ")[0]
        if word == b"SIZE":
            wide, high = map(float, re.fullmatch(rb"SIZE ([\d.]+) mm,([\d.]+) mm", line).groups())
            size = round(high * dots_per_mm), round(wide * dots_per_mm)
        elif word == b"CLS":
            paper = np.zeros(size, bool)
        elif word == b"PRINT":
            assert line == b"PRINT 1,1"
            printed.append(paper.copy())
        else:
            assert word in {b"GAP", b"DIRECTION", b"DENSITY"}, line
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
            head = re.match(rb"CG (\d+) (\d+) (\d+) (\d+) ", data)
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
            assert line.split(b" ")[0] in {b"FORM", b"CONTRAST"}, line
        data = rest
    return printed


def zpl(data: bytes) -> list[Paper]:
    """The labels that a ZPL printer would print."""
    printed = []
    for form in re.findall(r"\^XA(.*?)\^XZ", data.decode("ascii"), re.DOTALL):
        width, height = (int(re.search(rf"\^{word}(\d+)", form)[1]) for word in ("PW", "LL"))
        paper = np.zeros((height, width), bool)
        for x, y, size, row, body in re.findall(r"\^FO(\d+),(\d+)\^GFA,(\d+),\d+,(\d+),(.*?)\^FS", form):
            digits = _digits(body, 2 * int(row))
            assert len(digits) == 2 * int(size)
            _put(paper, int(x), int(y), _bits(bytes.fromhex(digits), int(row), int(size) // int(row)))
        printed.append(paper)
    return printed


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
