"""A merchant's own templates: what must be clean before one is printed with, beyond their form.

The release gate lets a template's constants through; so they are searched here with the rules that mask free text, and
logos with a decoder: nobody prints a phone number, a door, or a code of their own past the mask.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from PIL import Image

from masking.errors import InputError, SettingsError
from masking.redact.freetext import find_personal
from masking.redact.normalise import normalise
from print_templates.preview import picture, sample
from print_templates.schema import Fault
from print_templates.template import built_in, check, read
from print_templates.typeface import require_fonts


def faults(path: Path) -> list[Fault]:
    """Everything that keeps a template file from being used; empty for a good one.

    Raises:
        InputError: the file can't be read.
    """
    text = read(path)
    found = check(text, path.parent)
    if found:
        return found
    source = tomllib.loads(text)
    for n, each in enumerate(source["text"], 1):
        for constant in (*each["show"], each.get("otherwise", "")):
            if not constant.startswith("{") and find_personal(normalise(constant)):
                found.append(Fault(f"text {n}", "looks personal (a name, a phone, a door); it would be on every label"))
    logos = source.get("logo", ())
    if logos:
        from print_templates.read import decode  # noqa: PLC0415  an extra; only logos need a decoder
    for n, each in enumerate(logos, 1):
        with Image.open(path.parent / each["file"]) as logo:
            grey = logo.convert("L")
        if decode(grey.resize((grey.width * 4, grey.height * 4), Image.Resampling.NEAREST)) or decode(grey):
            found.append(Fault(f"logo {n}", "holds a code; scanners would read it in place of the label's"))
    try:
        picture(sample(), path)
    except InputError as error:
        found.append(Fault("template", f"has too little room: of an ordinary label, {error.field} {error.rule}"))
    return found


def own_templates(folder: Path) -> dict[str, Path]:
    """The templates of a deployment by their names, checked: the files NAME.toml of this folder.

    Raises:
        SettingsError: one has a fault, or the name of a built-in size.
    """
    found = {path.stem: path for path in sorted(folder.glob("*.toml"))}
    for name, path in found.items():
        if name in built_in():
            raise SettingsError(f"{path}: {name} is a built-in size; give the template another name")
        try:
            chosen(str(path))
        except InputError as error:
            raise SettingsError(f"{path}: {error.field}: {error.rule}") from None
    return found


def chosen(name: str) -> str | Path:
    """A built-in size by its name, or a merchant's own file, checked: what `render` may be given.

    Raises:
        InputError: there is no such size, or the file has a fault; names the first.
        SettingsError: the fonts are not installed.
    """
    require_fonts()
    if name in built_in():
        return name
    if not re.search(r"\.toml$", name):
        raise InputError("template", f"unknown; there are {', '.join(built_in())}, or give a .toml file")
    path = Path(name)
    for fault in faults(path):
        raise InputError(*fault)
    return path
