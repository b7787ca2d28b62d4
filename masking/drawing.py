"""How drawn labels come out of an embedded deployment, though this package draws nothing and imports nothing that does.

Whoever draws labels offers a `Draw` as an entry point of the group `waybill_masking.labels`; print_templates does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import entry_points

from masking.errors import SettingsError, not_installed
from masking.waybill import LabelData, Labels, Refusal

Draw = Callable[[Sequence[LabelData | Refusal], str], Labels]
"""Draws labels by a template's name, as one document; a refusal is passed on as the outcome it is."""

GROUP = "waybill_masking.labels"


def installed() -> Draw:
    """What draws labels in this installation.

    Raises:
        SettingsError: nothing does, or a library that it needs is missing.
    """
    for each in entry_points(group=GROUP):
        try:
            draw: Draw = each.load()
        except ImportError as error:
            raise not_installed(error) from error
        return draw
    raise SettingsError(
        "nothing is installed that draws labels: install waybill-masking with pip, not by its path alone"
    )
