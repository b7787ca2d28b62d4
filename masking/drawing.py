"""The plug-in point through which an embedded deployment draws labels. This package imports no drawing code.

A package that draws labels registers a `Draw` as an entry point in the group `waybill_masking.labels`, as print_templates
does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import entry_points

from masking.errors import SettingsError, not_installed
from masking.values.printable import LabelData, Labels, Refusal

Draw = Callable[[Sequence[LabelData | Refusal], str], Labels]
"""Draws labels with the template of that name into one document. A refusal passes through as its own outcome."""

GROUP = "waybill_masking.labels"


def installed() -> Draw:
    """Load the installed `Draw`.

    Raises:
        SettingsError: no `Draw` is installed, or a library that it needs is missing.
    """
    for each in entry_points(group=GROUP):
        try:
            draw: Draw = each.load()
        except ImportError as error:
            raise not_installed(error) from error
        return draw
    raise SettingsError(
        "no package that draws labels is installed. Install waybill-masking with pip; its folder on the path is not enough"
    )
