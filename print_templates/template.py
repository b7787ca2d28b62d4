"""Templates: TOML files with boxes in millimetres, compiled to boxes in whole dots for one printer resolution.

`templates/schema.json` defines the form of the file, and `linting.py` checks the rest. A template that fails either is
rejected. The background that all labels of a template share is drawn here, once.
"""

from __future__ import annotations

import re
import tomllib
import warnings
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple, final

import numpy as np
from PIL import Image

from masking.errors import InputError
from masking.values.printable import Masked
from masking.words.request_rules import RequestRule
from print_templates import code128, linting
from print_templates.breaking import Style, fit
from print_templates.drawing import Code, Drawing, Rect, Run
from print_templates.schema import TemplateFault
from print_templates.typeface import printable

FOLDER = Path(__file__).parent / "templates"
MOST_DOTS = 4_000_000
"""The most dots of a logo, each unpacked to a byte. A label of 100 x 180 mm has 2.5 million at 300 dpi."""
RESOLUTIONS = {203: 203.2, 300: 300.0}
"""Nominal resolution -> actual dots per inch. "203" is eight dots a millimetre."""
MM = 25.4
STEP = 0.25
"""The step between two sizes of an em, in mm."""

Box = tuple[int, int, int, int]


class TextBox(NamedTuple):
    """A box for strings. `show` lists constants (`Masked`) and names of `content.NAMES`; `otherwise` is shown if they don't fit."""

    box: Box
    show: tuple[Masked | str, ...]
    style: Style
    reverse: bool
    otherwise: Masked | None

    @property
    def constants(self) -> list[Masked]:
        """The strings that the template itself puts in the box."""
        return [each for each in (*self.show, self.otherwise) if isinstance(each, Masked)]


class CodeBox(NamedTuple):
    """A box for a code with its quiet zones. `kind` is code128 or qr; a module has `least` to `most` dots.

    `quiet` is the least width of the quiet zones of bars, in modules. Bars that don't fit with it may have modules of
    `narrowest` dots, with the standard's quiet zones.
    """

    kind: str
    box: Box
    least: int
    most: int
    turned: bool
    quiet: float
    narrowest: int


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A template for one resolution. `paper` is its size in mm, `constants` are the strings that it may put on a label."""

    paper: tuple[float, float]
    background: Drawing
    texts: tuple[TextBox, ...]
    codes: tuple[CodeBox, ...]
    constants: frozenset[str]


def built_in() -> list[str]:
    """The names of the templates that come with the package."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def template(name: str | Path, dpi: int = 203) -> Template:
    """Load a template by its built-in name ("100x180") or the `Path` of a TOML file, for a printer of 203 or 300 dpi.

    A string is never taken as a path, since names come from callers who must not choose files.

    Raises:
        InputError: the template doesn't exist or is invalid; names the place and the fault.
    """
    if dpi not in RESOLUTIONS:
        raise InputError("dpi", RequestRule.NOT_LISTED, detail=f"give one of {', '.join(map(str, RESOLUTIONS))}")
    if isinstance(name, str) and name not in built_in():
        raise InputError("template", RequestRule.NOT_LISTED, detail=f"give one of {', '.join(built_in())}")
    path = FOLDER / f"{name}.toml" if isinstance(name, str) else name
    return _compiled(read(path), path.parent, RESOLUTIONS[dpi])


def read(path: Path) -> str:
    """Read a template file.

    Raises:
        InputError: the file can't be read, or is not UTF-8 text.
    """
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise InputError("template", RequestRule.NOT_READABLE, detail=path.name) from None


def parse(text: str) -> dict[str, Any]:
    """Parse a template's TOML.

    Raises:
        TOMLDecodeError: it is not TOML, or is nested so deeply that Python's parser gives up.
    """
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise tomllib.TOMLDecodeError("a list is nested too deeply") from None


def check(text: str, folder: Path) -> list[TemplateFault]:
    """All faults of a template given as TOML text, with their lines; empty if it is valid. `folder` holds its logos."""
    return located(text, _faults(text, folder))


def located(text: str, found: list[TemplateFault]) -> list[TemplateFault]:
    """The same faults, each with the line of the file on which its table begins: "text 27 (line 231)"."""
    lines: dict[str, int] = {}
    counts: Counter[str] = Counter()
    for number, line in enumerate(text.splitlines(), 1):
        if table := re.match(r"\s*\[\[\s*(\w+)\s*\]\]", line):
            counts[table[1]] += 1
            lines[f"{table[1]} {counts[table[1]]}"] = number

    def place(where: str) -> str:
        table = re.match(r"\w+ \d+", where)
        return f"{where} (line {lines[table[0]]})" if table and table[0] in lines else where

    return [TemplateFault(place(fault.where), fault.rule) for fault in found]


def _faults(text: str, folder: Path) -> list[TemplateFault]:
    try:
        source = parse(text)
    except tomllib.TOMLDecodeError as error:
        return [TemplateFault("template", f"is not TOML: {error}")]
    found = linting.faults(source)
    if found:
        return found
    for dpi in RESOLUTIONS.values():
        try:
            _compiled(text, folder, dpi)
        except InputError as error:
            return [TemplateFault(error.field, error.detail)]
    return []


@lru_cache(maxsize=32)
def _compiled(text: str, folder: Path, dpi: float) -> Template:
    try:
        source = parse(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError("template", RequestRule.TEMPLATE_FAULT, detail=f"is not TOML: {error}") from None
    if found := located(text, linting.faults(source)):
        raise InputError(found[0].where, RequestRule.TEMPLATE_FAULT, detail=found[0].rule)
    grid = _Grid(dpi)
    blocks = source.get("hidden") == "blocks"
    texts = [_text_box(each, grid, blocks=blocks) for each in source["text"]]
    fixed = [box for box in texts if not any(isinstance(each, str) for each in box.show)]
    rects = [Rect(*grid.box(each["box"])) for each in source.get("rule", ())]
    rects += [Rect(*grid.box(edge)) for each in source.get("frame", ()) for edge in linting.edges(each["box"])]
    rects += [Rect(*box.box) for box in fixed if box.reverse]
    width, height = map(grid.dots, source["paper"])
    return Template(
        paper=(source["paper"][0], source["paper"][1]),
        background=Drawing(
            width=width,
            height=height,
            dpi=dpi,
            rects=tuple(rects),
            runs=tuple(run for n, box in enumerate(texts, 1) if box in fixed for run in _constant(box, n)),
            codes=tuple(_logo(folder / each["file"], grid.box(each["box"])) for each in source.get("logo", ())),
        ),
        texts=tuple(box for box in texts if box not in fixed),
        codes=tuple(
            _code_box(kind, each, least, grid)
            for kind, least in (("code128", linting.BAR_MODULE), ("qr", linting.QR_MODULE))
            for each in source[kind]
        ),
        constants=frozenset(text.text for box in texts for text in box.constants),
    )


class _Grid(NamedTuple):
    """Conversion of millimetres to whole dots. It rounds edges, not lengths, so that adjoining boxes still adjoin."""

    dpi: float

    def dots(self, mm: float) -> int:
        return round(mm * self.dpi / MM)

    def box(self, mm: list[float]) -> Box:
        left, top, right, bottom = (self.dots(edge) for edge in (mm[0], mm[1], mm[0] + mm[2], mm[1] + mm[3]))
        return left, top, max(right - left, 1), max(bottom - top, 1)


def _code_box(kind: str, source: dict[str, Any], least_mm: float, grid: _Grid) -> CodeBox:
    least = int(least_mm * grid.dpi / MM + 1e-6)
    narrowest = ceil(source["narrowest"] * grid.dpi / MM - 1e-6) if "narrowest" in source else least
    return CodeBox(
        kind,
        grid.box(source["box"]),
        least,
        grid.dots(source.get("module", 2)),
        source.get("turned", False),
        source.get("quiet", code128.QUIET),
        min(narrowest, least),
    )


def _text_box(source: dict[str, Any], grid: _Grid, *, blocks: bool) -> TextBox:
    wanted, least = source["size"][0], source["size"][-1]
    steps = [wanted - STEP * n for n in range(int((wanted - least) / STEP) + 1)]
    style = Style(
        sizes=tuple(grid.dots(size) for size in steps),
        weight=source.get("weight", "text"),
        align=source.get("align", "left"),
        top=source.get("top", False),
        white=source.get("reverse", False),
        blocks=blocks,
    )
    otherwise = source.get("otherwise")
    return TextBox(
        grid.box(source["box"]),
        tuple(text[1:-1] if text.startswith("{") else printable(Masked(text)) for text in source["show"]),
        style,
        source.get("reverse", False),
        printable(Masked(otherwise)) if otherwise else None,
    )


def _constant(box: TextBox, number: int) -> tuple[Run, ...]:
    shown = tuple(each for each in box.show if isinstance(each, Masked))
    found = fit(shown, box.box, box.style) or (box.otherwise and fit((box.otherwise,), box.box, box.style))
    if not found:
        raise InputError(
            f"text {number}", RequestRule.TEMPLATE_FAULT, detail="does not fit its box at its smallest size"
        )
    return found


def _bad_logo(path: Path, fault: str) -> InputError:
    return InputError("logo", RequestRule.TEMPLATE_FAULT, detail=f"{path.name} {fault}")


def _logo(path: Path, box: Box) -> Code:
    """Scale a logo to its box. A dot is black if more than half of the area that it covers is black."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            opened = Image.open(path)
        with opened:
            if opened.width * opened.height > MOST_DOTS:
                raise _bad_logo(path, "has more than 4,000,000 dots; make it smaller")
            grey = opened.convert("L")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _bad_logo(path, "has more than 4,000,000 dots; make it smaller") from None
    except OSError:
        raise _bad_logo(path, "is not a readable picture") from None
    if sum(grey.histogram()[64:192]) > grey.width * grey.height // 50:
        raise _bad_logo(path, "has greys; a thermal printer prints black and white only")
    x, y, width, height = box
    dots = np.asarray(grey.resize((width, height), Image.Resampling.BOX)) < 128
    return Code("logo", x, y, width, height, width, height, np.packbits(dots, axis=1).tobytes())
