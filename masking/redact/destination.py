"""The destination city of a parcel, read from its masked view, for choosing a virtual number of that city."""

from __future__ import annotations

from masking.redact.normalise import normalise
from masking.redact.regions import MUNICIPALITIES, find_region
from masking.values.printable import MaskedView


def city_of(view: MaskedView) -> str:
    """The four-digit division code (GB/T 2260) of the city that a parcel is addressed to.

    "3300" if only the province is known, "" if nothing is. A municipality counts as one city ("3101").
    """
    code = find_region(normalise(view.recipient.address.text).text).code[:4]
    return code[:2] + "01" if code[:2] in MUNICIPALITIES else code.ljust(4, "0") if code else ""
