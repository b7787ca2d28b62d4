"""A deployment at the other end of a connection: the same facade, without keys or a store on this side.

`masking.connect("https://...")` gives a `RemoteShop`; a courier's app uses `Courier`, an outlet's or a printing shop's
`Outlet`, a supervisor `Supervisor`. Threads may share each of them. Every request is signed by a key that never leaves its `Device`. Orders go to
the service sealed, and wait sealed while it is down; nothing of them is ever written here in plain text.
"""

from masking.client.device import Device
from masking.client.shop import RemoteShop
from masking.client.staff import Courier, Outlet, Supervisor
from masking.client.watch import accept_ledger

__all__ = ["Courier", "Device", "Outlet", "RemoteShop", "Supervisor", "accept_ledger"]
