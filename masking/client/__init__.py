"""The client of a service: the same methods as an embedded deployment, without its keys and databases.

`masking.connect("https://...")` returns a `RemoteShop`. A courier's app uses `Courier`, an outlet's or a printing shop's app
`Outlet`, and a supervisor's app `Supervisor`. Threads may share each of them. Every request is signed by a key that never leaves
its `Device`. Orders are sealed before they are sent, and also while they wait for a service that is down. They are never written
to this machine in plain text.
"""

from masking.client.device import Device
from masking.client.shop import RemoteShop
from masking.client.staff import Courier, Outlet, Supervisor
from masking.client.watch import accept_ledger

__all__ = ["Courier", "Device", "Outlet", "RemoteShop", "Supervisor", "accept_ledger"]
