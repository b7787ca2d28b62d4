"""Template checks beyond the schema: every box is on the paper, boxes don't overlap, codes aren't too dense.

A code's box includes its quiet zones, so the overlap check covers those too. A frame through a quiet zone makes a QR symbol
unreadable.
"""

from __future__ import annotations

import re
from itertools import combinations
from typing import Any, NamedTuple

from print_templates import code128, qr, schema
from print_templates.content import NAMES
from print_templates.schema import TemplateFault

LINE = 0.375
"""The width of a frame's line in mm: three dots at 203 dpi."""
SAMPLE = "SF0000000000000"
"""A waybill number of the commonest form, two letters and 13 digits. Every template must have room for its bar code."""
BAR_MODULE, QR_MODULE = 0.375, 0.625
"""The least module widths in mm: three and five dots at 203 dpi. Narrower codes can't be read when blurred."""
MUST_SHOW = ("routing_code", "recipient.address", "privacy_mark", "print_number")
APART = 'give a name an item of its own, as in show = ["备注", "{remark}"]'
SLIP = 1e-6
"""The tolerance for rounding errors, in mm."""


class Area(NamedTuple):
    """The area of an element on the paper. Nothing may overlap a `solid` one."""

    where: str
    box: list[float]
    solid: bool


def faults(source: dict[str, Any]) -> list[TemplateFault]:
    """All faults of a parsed template; empty if it is valid."""
    found = schema.faults(source)
    if found:
        return found
    areas = list(_areas(source))
    width, height = source["paper"]
    found += [
        TemplateFault(area.where, "is outside the paper")
        for area in areas
        if area.box[0] + area.box[2] > width + SLIP or area.box[1] + area.box[3] > height + SLIP
    ]
    found += [
        TemplateFault(a.where, f"overlaps {b.where}")
        for a, b in combinations(areas, 2)
        if (a.solid or b.solid) and _overlap(a.box, b.box)
    ]
    return found + _texts(source) + _codes(source)


def edges(box: list[float]) -> list[list[float]]:
    """The four lines of a frame."""
    x, y, width, height = box
    return [
        [x, y, width, LINE],
        [x, y + height - LINE, width, LINE],
        [x, y, LINE, height],
        [x + width - LINE, y, LINE, height],
    ]


def _areas(source: dict[str, Any]) -> list[Area]:
    solid = [
        Area(f"{kind} {n}", each["box"], solid=True)
        for kind in ("text", "code128", "qr", "logo")
        for n, each in enumerate(source.get(kind, ()), 1)
    ]
    rules = [Area(f"rule {n}", each["box"], solid=False) for n, each in enumerate(source.get("rule", ()), 1)]
    frames = [
        Area(f"frame {n}", edge, solid=False)
        for n, each in enumerate(source.get("frame", ()), 1)
        for edge in edges(each["box"])
    ]
    return solid + rules + frames


def _overlap(a: list[float], b: list[float]) -> bool:
    return all(a[n] + a[n + 2] > b[n] + SLIP and b[n] + b[n + 2] > a[n] + SLIP for n in (0, 1))


def _texts(source: dict[str, Any]) -> list[TemplateFault]:
    found, named = [], set()
    for n, each in enumerate(source["text"], 1):
        if each["size"][-1] > each["size"][0]:
            found.append(TemplateFault(f"text {n}, size", "the least is above the wanted one"))
        if each["size"][-1] > each["box"][3] + SLIP:
            found.append(TemplateFault(f"text {n}", "is higher than its box"))
        for text in each["show"]:
            name = re.fullmatch(r"\{([^{}]*)\}", text)
            if name:
                named.add(name[1])
                if name[1] not in NAMES:
                    found.append(TemplateFault(f"text {n}", f"there is no {text}"))
            elif "{" in text or "}" in text:
                found.append(TemplateFault(f"text {n}", f"has a brace inside other text; {APART}"))
        if re.search(r"[{}]", each.get("otherwise", "")):
            found.append(TemplateFault(f"text {n}, otherwise", "has a brace; it can only hold your own text"))
    return found + [
        TemplateFault("template", f"must show {'{' + name + '}'}") for name in MUST_SHOW if name not in named
    ]


def _codes(source: dict[str, Any]) -> list[TemplateFault]:
    found = []
    for n, each in enumerate(source["code128"], 1):
        bars = len(code128.bars(SAMPLE)) + 2 * each.get("quiet", code128.QUIET)
        _, _, width, height = each["box"]
        along, across = (height, width) if each.get("turned") else (width, height)
        if along < bars * BAR_MODULE:
            found.append(
                TemplateFault(
                    f"code128 {n}", f"is too dense: needs {bars * BAR_MODULE} mm for {len(SAMPLE)} characters"
                )
            )
        if across < 5:
            found.append(TemplateFault(f"code128 {n}", "is lower than 5 mm"))
    for n, each in enumerate(source["qr"], 1):
        side = (qr.SIZE + 2 * qr.QUIET) * QR_MODULE
        if min(each["box"][2:]) < side:
            found.append(TemplateFault(f"qr {n}", f"is too dense: needs {side} mm each way, quiet zones included"))
    return found
