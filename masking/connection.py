"""`connect(where)`: the entry point for merchants.

A folder is an embedded deployment with SQLite files and the root key, so that the owner of the folder can open everything. An
`https://` address is a service that holds the keys instead. Methods and outcomes are the same.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar, overload

from masking.access.people import Actor, Role
from masking.deployment import SHOP, open_folder
from masking.drawing import installed
from masking.errors import (
    ClosedError,
    ForkedError,
    InputError,
    UnavailableError,
    UnknownWaybillError,
    not_installed,
)
from masking.journal import journal
from masking.runtime import World
from masking.steps.change import Amend, Cancel, Change, Ship, change
from masking.steps.checkout import Checkout, checkout
from masking.steps.find import Find, find
from masking.steps.label import Label, label
from masking.store.store import Store
from masking.values import arguments
from masking.values.arguments import PAGE
from masking.values.plaintext import Order, Plain
from masking.values.printable import LabelData, Labels, Pending, Refusal, Rejected, Waybill, WaybillId
from masking.words.request_rules import RequestRule

if TYPE_CHECKING:
    from masking.client import RemoteShop

PART = 1000
"""How many requests one transaction handles. SQLite allows 32,766 values in a statement."""


Request = TypeVar("Request")
Outcome = TypeVar("Outcome")


class Shop:
    """A merchant's connection, to be used as a context manager. Every method returns after its changes are on disk."""

    def __init__(self, world: World, store: Store, merchant: Actor) -> None:
        self.world = world
        self.store = store
        self.merchant = merchant

    def checkout(self, orders: Iterable[Order]) -> list[Waybill | Rejected]:
        """Check out orders. Returns a waybill or a rejection for each, in the same sequence.

        An order with the same reference and content as an earlier one gets the same waybill.

        Raises:
            UnavailableError: the orders may not be stored. Check them out again with the same references.
        """
        return self._in_parts(
            checkout, [Checkout(merchant=self.merchant, order=order) for order in arguments.orders(orders)]
        )

    def ship(self, numbers: Iterable[tuple[WaybillId, str, str]]) -> list[Waybill | Rejected | Refusal]:
        """Set the waybill number and routing code of each (id, number, code). Returns each waybill, or why it was not changed."""
        return self._change(
            [
                Ship(merchant=self.merchant, id=WaybillId(id_), waybill_number=n, routing_code=r)
                for id_, n, r in arguments.numbers(numbers)
            ]
        )

    def amend(self, corrected: Iterable[tuple[WaybillId, Order]]) -> list[Waybill | Rejected | Refusal]:
        """Replace the order of waybills whose parcels have not left. Each waybill gets a new key."""
        return self._change(
            [
                Amend(merchant=self.merchant, id=WaybillId(id_), order=order)
                for id_, order in arguments.corrected(corrected)
            ]
        )

    def cancel(self, ids: Iterable[WaybillId]) -> list[Waybill | Rejected | Refusal]:
        """Destroy the data of orders that will not be sent."""
        return self._change([Cancel(merchant=self.merchant, id=id_) for id_ in arguments.ids(ids)])

    def find(
        self,
        *,
        phone: str | None = None,
        reference: str | None = None,
        limit: int = PAGE,
        after: WaybillId | None = None,
    ) -> list[Waybill]:
        """One page of this merchant's waybills for an exact phone or a reference, oldest first.

        A page shorter than `limit` (1 to 100) is the last one. For the next page, give the last waybill's id as `after`.

        Raises:
            InputError: not exactly one of phone and reference was given, or `limit` or `after` is not valid.
        """
        self.store.check_open()
        if (phone is None) == (reference is None):
            raise InputError("find", RequestRule.PHONE_OR_REFERENCE)
        plain = Plain(phone) if phone else None
        asked = Find(merchant=self.merchant, phone=plain, reference=reference, limit=limit, after=after)
        return find(self.world, self.store, [asked])[0]

    def status(self, id_: WaybillId) -> Waybill:
        """One waybill by its id.

        Raises:
            UnknownWaybillError: it does not exist, or belongs to another merchant.
        """
        found = find(self.world, self.store, [Find(merchant=self.merchant, id=id_)])[0]
        if not found:
            raise UnknownWaybillError
        return found[0]

    def labels(self, ids: Sequence[WaybillId], *, job: str, station: str = "shop", template: str = "100x180") -> Labels:
        """Print labels into one PDF. A call with the same job returns the same prints and counts no others.

        Raises:
            SettingsError: the packages that draw labels are not installed. Nothing was counted.
        """
        draw = installed()
        return draw(self.label_data(ids, job=job, station=station), template)

    def label_data(self, ids: Sequence[WaybillId], *, job: str, station: str) -> list[LabelData | Refusal]:
        """The content of labels, to be drawn with another program or template. Counts as a print, like `labels`."""
        asked = [Label(actor=self.merchant, id=id_, job=job, station=station) for id_ in arguments.ids(ids)]
        return self._in_parts(label, asked)

    def flush(self) -> dict[str, Waybill | Rejected]:
        """Return {}. Only a shop of a service has an outbox to send."""
        self.store.check_open()
        return {}

    def pending(self) -> Pending:
        """Return that no order is pending. Only a shop of a service has an outbox."""
        self.store.check_open()
        return Pending(count=0)

    def close(self) -> None:
        """Sequence pending ledger leaves, and close the databases. Closing twice is not an error."""
        # leaves that stay pending are sequenced when the store is next opened
        with contextlib.suppress(UnavailableError, ClosedError, ForkedError):
            journal.sequence(self.world, self.store)
        self.store.close()

    def _change(self, changes: Sequence[Change]) -> list[Waybill | Rejected | Refusal]:
        return self._in_parts(change, changes)

    def _in_parts(
        self, step: Callable[[World, Store, Sequence[Request]], list[Outcome]], requests: Sequence[Request]
    ) -> list[Outcome]:
        """Decide requests in parts, one transaction each, so that no other process waits for a whole large batch."""
        self.store.check_open()
        parts = (requests[start : start + PART] for start in range(0, len(requests), PART))
        return [outcome for part in parts for outcome in step(self.world, self.store, part)]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@overload
def connect(where: Path, *, world: World | None = None) -> Shop: ...


@overload
def connect(
    where: str | os.PathLike[str],
    *,
    world: World | None = None,
    credentials: str | os.PathLike[str] | None = None,
    state: str | os.PathLike[str] | None = None,
) -> Shop | RemoteShop: ...


def connect(
    where: str | os.PathLike[str],
    *,
    world: World | None = None,
    credentials: str | os.PathLike[str] | None = None,
    state: str | os.PathLike[str] | None = None,
) -> Shop | RemoteShop:
    """Connect to the deployment at `where`: a folder, which is made on first use, or an `https://` address.

    A service needs `credentials`, a file of mode 0600 with the one-time code of this merchant's enrolment. The client keeps its
    state next to that file, or in the folder `state`.

    Raises:
        SettingsError: the folder can't be written or holds other files, others can read its key file, the address is not
            https:// (http:// is allowed only on this machine), or the credentials are missing.
    """
    if str(where).startswith(("https://", "http://")):
        try:
            from masking.client import RemoteShop  # noqa: PLC0415  needs packages that an embedded deployment does not have
        except ImportError as error:
            raise not_installed(error) from error
        return RemoteShop.connect(str(where), credentials=credentials, state=state)
    world = world or World()
    folder = Path(where)
    store = open_folder(folder, world)
    return Shop(world, store, Actor(id=SHOP, tenant=store.settings.tenant, role=Role.MERCHANT, unit=SHOP))
