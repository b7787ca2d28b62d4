"""The invented people of the tests, and the network that they work in."""

from __future__ import annotations

import string

from masking.access.network import Network
from masking.access.people import Actor, Role

TENANT = "carrier"
SHOP = Actor(id="shop", tenant=TENANT, role=Role.MERCHANT, unit="shop")
RIVAL = Actor(id="rival", tenant=TENANT, role=Role.MERCHANT, unit="rival")
RECEIVER = Actor(id="sh-01-receiver", tenant=TENANT, role=Role.OUTLET, unit="sh-01")
DISPATCHER = Actor(id="sh-01-dispatcher", tenant=TENANT, role=Role.OUTLET, unit="sh-01")
COURIER = Actor(id="courier-7", tenant=TENANT, role=Role.COURIER, unit="sh-01")
OTHER_COURIER = Actor(id="courier-8", tenant=TENANT, role=Role.COURIER, unit="sh-01")
SWITCH = Actor(id="switch", tenant=TENANT, role=Role.SWITCH, unit="switch")
OPERATOR = Actor(id="operator", tenant=TENANT, role=Role.OPERATOR, unit="operator")
STAFF = (SHOP, RIVAL, RECEIVER, DISPATCHER, COURIER, OTHER_COURIER, SWITCH, OPERATOR)
NETWORK = Network(
    collects={"*": "sh-01", "far-shop": "hz-01"},
    delivers={"*": "sh-01", "571": "hz-01"},
    numbers_of={"*": [*string.digits, *string.ascii_letters]},
)
"""The shop is round the corner from the outlet that delivers its parcels; the far shop is in another city.

All merchants share all waybill numbers.
"""
PHONES = {COURIER.id: "13900000007", OTHER_COURIER.id: "13900000008"}
