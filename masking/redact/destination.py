"""Where a parcel goes, as far as its masked view says: the city, for a number that belongs there."""

from __future__ import annotations

from masking.redact.normalise import normalise
from masking.redact.regions import MUNICIPALITIES, find_region
from masking.waybill import MaskedView


def city_of(view: MaskedView) -> str:
    """The city that a parcel is addressed to: the four digits of its division code (GB/T 2260).

    "3300" where only the province is known, "" where nothing is; a municipality is one city ("3101").
    """
    code = find_region(normalise(view.recipient.address.text).text).code[:4]
    return code[:2] + "01" if code[:2] in MUNICIPALITIES else code.ljust(4, "0") if code else ""
