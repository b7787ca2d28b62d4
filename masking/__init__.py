"""Replace a recipient's personal data by a masked view, a virtual number and a token.

Start with `connect`: it gives a merchant's connection, whose `checkout` turns an `Order` into a `Waybill` or says why it
was `Rejected`. Names are loaded when they are first used, so that a printer process, which imports `masking.values.printable`
only, never has keys or a database in memory.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from masking.connection import connect
    from masking.errors import (
        ClosedError,
        ForkedError,
        InputError,
        IntegrityError,
        MaskingError,
        RefusedError,
        SettingsError,
        UnavailableError,
        UnknownWaybillError,
    )
    from masking.values.plaintext import Grant, Order, Party
    from masking.values.printable import Refusal, Rejected, Waybill

__all__ = [
    "ClosedError",
    "ForkedError",
    "Grant",
    "InputError",
    "IntegrityError",
    "MaskingError",
    "Order",
    "Party",
    "Refusal",
    "RefusedError",
    "Rejected",
    "SettingsError",
    "UnavailableError",
    "UnknownWaybillError",
    "Waybill",
    "connect",
]

_HOMES = {
    "connect": "masking.connection",
    "Grant": "masking.values.plaintext",
    "Order": "masking.values.plaintext",
    "Party": "masking.values.plaintext",
    "Refusal": "masking.values.printable",
    "Rejected": "masking.values.printable",
    "Waybill": "masking.values.printable",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(name)
    return getattr(importlib.import_module(_HOMES.get(name, "masking.errors")), name)
