"""Checks a merchant's own templates for personal data and codes.

The release gate does not check a template's constants. So they are searched here with the rules that mask free text, and
logos with a decoder, so that no phone, door or code gets onto labels through a template.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from PIL import Image

from masking.errors import InputError, SettingsError
from masking.redact.freetext import find_personal
from masking.redact.names import is_person
from masking.redact.normalise import normalise
from masking.words.request_rules import RequestRule
from print_templates import schema
from print_templates.preview import picture, sample
from print_templates.schema import TemplateFault
from print_templates.template import built_in, check, located, parse, read
from print_templates.typeface import require_fonts

_HOTLINE = re.compile(r"(?<![\d-])[48]00[- ]?\d{3}[- ]?\d{4}(?![\d-])")
"""A company's hotline, which is not a person's number."""
_DOOR = re.compile(
    r"\d#\d|\d-\d{3,4}(?![\d-])|\b(?:room|rm|unit|flat|apartment|apt|suite|building|bldg|floor)\W{0,3}\d", re.IGNORECASE
)
_TRADE = frozenset(
    "品件类号码额量价格送付签收寄发货日期时间元个箱包袋装单据证票区站点线路车次勿轻放压向上防潮湿热冷易碎温度计"
)
"""Characters of usual words on labels, some of which begin with a surname: 易碎品, 温度计."""


def faults(path: Path) -> list[TemplateFault]:
    """All faults of a template file; empty if it can be used.

    Raises:
        InputError: the file can't be read.
    """
    text = read(path)
    found = check(text, path.parent)
    with suppress(tomllib.TOMLDecodeError):
        source = parse(text)
        if not schema.faults(source):
            found += located(text, _personal(source["text"]))
    return found or located(text, _drawn(source, path))


def _personal(texts: Sequence[Mapping[str, Any]]) -> list[TemplateFault]:
    """Boxes whose constants look personal, alone or joined. Digits are also joined across boxes."""
    found = []
    digits = ""
    for n, each in enumerate(texts, 1):
        own = [text for text in each["show"] if not text.startswith("{")]
        said = [*own, *([each["otherwise"]] if "otherwise" in each else []), "".join(own)]
        only = "".join(own)
        digits = digits + only if own and not re.sub(r"[\d\s-]", "", only) else ""
        if any(map(_looks_personal, [*said, digits])):
            found.append(
                TemplateFault(f"text {n}", "looks personal (a name, a phone, a door), and would be on every label")
            )
    return found


def _looks_personal(text: str) -> bool:
    plain = normalise(_HOTLINE.sub(" ", normalise(text).text))
    named = len(plain.text) == 3 and is_person(plain.text) and _TRADE.isdisjoint(plain.text)
    return named or bool(find_personal(plain) or _DOOR.search(plain.text))


def _drawn(source: Mapping[str, Any], path: Path) -> list[TemplateFault]:
    """Faults that only a drawn label shows: codes in logos, and too little room."""
    found = []
    logos = source.get("logo", ())
    if logos:
        from print_templates.read import decode  # noqa: PLC0415  an extra; only logos need a decoder
    for n, each in enumerate(logos, 1):
        with Image.open(path.parent / each["file"]) as logo:
            grey = logo.convert("L")
        if decode(grey.resize((grey.width * 4, grey.height * 4), Image.Resampling.NEAREST)) or decode(grey):
            found.append(TemplateFault(f"logo {n}", "holds a code, which scanners would read instead of the label's"))
    try:
        picture(sample(), path)
    except InputError as error:
        found.append(
            TemplateFault("template", f"has too little room: on an ordinary label, {error.field} {error.rule}")
        )
    return found


def own_templates(folder: Path) -> dict[str, Path]:
    """The checked templates of a deployment by name: the files NAME.toml of this folder.

    Raises:
        SettingsError: a template has a fault, or the name of a built-in size.
    """
    found = {path.stem: path for path in sorted(folder.glob("*.toml"))}
    for name, path in found.items():
        if name in built_in():
            raise SettingsError(f"{path}: {name} is a built-in size; give the template another name")
        try:
            chosen(str(path))
        except InputError as error:
            raise SettingsError(f"{path}: {error.field}: {error.detail}") from None
    return found


def chosen(name: str) -> str | Path:
    """A built-in size, or the path of a merchant's checked template, as `render` takes it.

    Raises:
        InputError: there is no such size, or the file has a fault. The first fault is named.
        SettingsError: the fonts are not installed.
    """
    require_fonts()
    if name in built_in():
        return name
    if not re.search(r"\.toml$", name):
        raise InputError("template", f"not a size: give one of {', '.join(built_in())}, or a .toml file")
    path = Path(name)
    for fault in faults(path):
        raise InputError(fault.where, RequestRule.TEMPLATE_FAULT, detail=fault.rule)
    return path
