"""Templates: TOML files with boxes in millimetres, turned into boxes in whole dots of one printer resolution.

paper = [100, 180]                                     width and height
frame = [2, 2, 96, 108]  (any number: [[frame]] box)   a hollow rectangle
[[rule]] box                                           a filled one
[[text]] box show=["收", "{recipient.name}"] size=[5, 3] weight align top white blocks
[[code128]] box turned     [[qr]] box                  boxes hold the quiet zones too
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, final

from masking.errors import InputError
from masking.waybill import Masked
from print_templates.breaking import Style, fit
from print_templates.drawing import Drawing, Rect
from print_templates.typeface import printable

FOLDER = Path(__file__).parent / "templates"
DPI_203 = 203.2
"""What is sold as 203 dpi: eight dots a millimetre."""
MM = 25.4
FRAME = 0.375
"""Width of a frame's line in mm: three dots."""
STEP = 0.25
"""By how many mm an em shrinks at a time."""

Box = tuple[int, int, int, int]


class TextBox(NamedTuple):
    """Where texts go: constants, and names of `content.NAMES` in braces."""

    box: Box
    show: tuple[str, ...]
    style: Style


class CodeBox(NamedTuple):
    """Where a code goes, quiet zones included: `kind` is code128 or qr, a module `least` to `most` dots."""

    kind: str
    box: Box
    least: int
    most: int
    turned: bool


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A template for one resolution: what all labels share is already drawn."""

    name: str
    background: Drawing
    texts: tuple[TextBox, ...]
    codes: tuple[CodeBox, ...]
    constants: frozenset[str]


@cache
def template(name: str, dpi: float = DPI_203) -> Template:
    """The template of a built-in name ("100x180") or of a TOML file's path, for a resolution in dots an inch.

    Raises:
        InputError: there is none, or it can't be drawn; says where and why.
    """
    path = FOLDER / f"{name}.toml" if "/" not in name and not name.endswith(".toml") else Path(name)
    try:
        source = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        known = ", ".join(sorted(each.stem for each in FOLDER.glob("*.toml")))
        raise InputError("template", f"unknown; there are {known}") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError("template", f"not TOML: {error}") from None
    return _compiled(path.stem, source, dpi)


def _compiled(name: str, source: dict[str, Any], dpi: float) -> Template:
    def dots(mm: float) -> int:
        return round(mm * dpi / MM)

    def box(mm: list[float]) -> Box:
        x, y, right, bottom = (dots(edge) for edge in (mm[0], mm[1], mm[0] + mm[2], mm[1] + mm[3]))
        return x, y, right - x, bottom - y

    width, height = map(dots, source["paper"])
    rects = [Rect(*box(each["box"])) for each in source.get("rule", ())]
    for each in source.get("frame", ()):
        rects += _frame(box(each["box"]), dots(FRAME))
    texts = [TextBox(box(each["box"]), tuple(each["show"]), _style(each, dots)) for each in source.get("text", ())]
    codes = [
        CodeBox(kind, box(each["box"]), dots(each["module"][0]), dots(each["module"][-1]), each.get("turned", False))
        for kind in ("code128", "qr")
        for each in source.get(kind, ())
    ]
    runs = []
    for each in texts:
        if is_constant(each):
            found = fit([Masked(printable(text)) for text in each.show], each.box, each.style)
            if found is None:
                raise InputError("template", f"the text {each.show} does not fit its box")
            runs += found
    background = Drawing(width=width, height=height, dpi=dpi, rects=tuple(rects), runs=tuple(runs))
    return Template(
        name=name,
        background=background,
        texts=tuple(each for each in texts if not is_constant(each)),
        codes=tuple(codes),
        constants=frozenset(printable(text) for each in texts for text in each.show if not text.startswith("{")),
    )


def is_constant(box: TextBox) -> bool:
    """Whether a box shows the same on every label."""
    return not any(text.startswith("{") for text in box.show)


def _style(source: dict[str, Any], dots: Any) -> Style:
    wanted, least = source["size"][0], source["size"][-1]
    steps = [wanted - STEP * n for n in range(int((wanted - least) / STEP) + 1)]
    return Style(
        sizes=tuple(dots(size) for size in steps),
        weight=source.get("weight", "text"),
        align=source.get("align", "left"),
        top=source.get("top", False),
        white=source.get("white", False),
        blocks=source.get("blocks", False),
    )


def _frame(box: Box, line: int) -> list[Rect]:
    x, y, width, height = box
    return [
        Rect(x, y, width, line),
        Rect(x, y + height - line, width, line),
        Rect(x, y, line, height),
        Rect(x + width - line, y, line, height),
    ]
