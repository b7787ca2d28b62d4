"""A merchant's connection to a service, with the methods and outcomes of the embedded one.

Each order is also checked and masked here. An invalid order is never sent, and an answer whose masked view differs from the
order's own is refused. Orders are sealed to the service's key before they are sent. While the service does not answer, they
are stored in an outbox as ciphertext that no program on this machine can open. So a shop can go on selling, and no order is
entered twice.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from io import BytesIO
from types import TracebackType
from typing import Any, Self

from masking.client.device import Device
from masking.client.link import Link
from masking.client.sealed import SealedOrders, batches, checked
from masking.crypto.index import record_of_waybill_id
from masking.errors import InputError, IntegrityError, UnknownWaybillError
from masking.runtime import World
from masking.values import arguments
from masking.values.arguments import PAGE
from masking.values.json import order_to_json, waybill_from_json
from masking.values.plaintext import Order
from masking.values.printable import Labels, Pending, PrintedPage, Refusal, Rejected, Waybill, WaybillId
from masking.words.request_rules import RequestRule


class RemoteShop:
    """A merchant's connection, to be used as a context manager. Every method returns after its changes are on disk."""

    def __init__(self, link: Link, *, world: World | None = None) -> None:
        self.link = link
        self.sealed = SealedOrders(link, world or World())

    @classmethod
    def connect(
        cls,
        where: str,
        *,
        credentials: str | os.PathLike[str] | None,
        device: Device | None = None,
        state: str | os.PathLike[str] | None = None,
        accepted_losses: Collection[str] | None = None,
    ) -> Self:
        """Connect to the service at an https:// address, with the enrolment code in a file of mode 0600.

        On first use, the device's key is made next to that file, as `NAME.key`. For a key in hardware, give `device`. `state`
        is another folder for files that are kept between runs, if the folder of the credentials can't be written.
        `accepted_losses` names the announcements of lost leaves to accept; the default is the environment's
        `WAYBILL_ACCEPTED_LOSSES`.

        Raises:
            SettingsError: the address or a file can't be used, or the folder can't be written.
        """
        return cls(Link.open(where, credentials, device=device, state=state, accepted_losses=accepted_losses))

    def checkout(self, orders: Iterable[Order]) -> list[Waybill | Rejected]:
        """Check out orders. Returns a waybill or a rejection for each, in the same sequence.

        The same reference and content give the same waybill. The same reference with other content is rejected. If the
        service does not answer, the waybill is `pending`: the sealed order is on disk, and the waybill has a masked view, but
        no id and no number yet. A thread of this process or `flush` sends it later.

        Raises:
            UnavailableError: the service did not answer, and no sealing key is known here. No order was stored.
            IntegrityError: the pinned key did not sign the directory of sealing keys, or the answer is about other orders.
        """
        self.link.require_open()
        outcomes: list[Waybill | Rejected] = []
        for some in batches(arguments.orders(orders)):
            problems = [order.problems() for order in some]
            good = [order for order, found in zip(some, problems, strict=True) if not found]
            answered = iter(self.sealed.checkout(good) if good else [])
            for order, found in zip(some, problems, strict=True):
                if found:
                    reference = order.reference if isinstance(order.reference, str) else None
                    outcomes.append(Rejected(reference=reference, field=found[0].field, rule=found[0].rule))
                else:
                    outcomes.append(next(answered))
        return outcomes

    def flush(self) -> dict[str, Waybill | Rejected]:
        """Send the orders in the outbox. Returns the outcomes by reference. Envelopes expire after 3 days (`pending`).

        A thread also sends them once the service answers. The outcomes of orders that the thread has sent are not returned
        here: use `find(reference=...)`, or check them out again. A rejected order stays until this method has returned it.

        Raises:
            UnavailableError: the service still does not answer. Answered orders are done, and the others stay pending.
        """
        self.link.require_open()
        return self.sealed.flush()

    def pending(self) -> Pending:
        """How many orders are in the outbox, and when the first one expires."""
        self.link.require_open()
        return self.sealed.pending()

    def ship(self, numbers: Iterable[tuple[WaybillId, str, str]]) -> list[Waybill | Rejected | Refusal]:
        """Set the waybill number and routing code of each (id, number, code). Returns each waybill, or why it was not changed."""
        asked = [(WaybillId(id_), n, r) for id_, n, r in arguments.numbers(numbers)]
        items = [{"id": id_, "waybill_number": n, "routing_code": r} for id_, n, r in asked]
        return self._change("ship", "items", items, [id_ for id_, _, _ in asked])

    def amend(self, corrected: Iterable[tuple[WaybillId, Order]]) -> list[Waybill | Rejected | Refusal]:
        """Replace the order of waybills whose parcels have not left. Each waybill gets a new key."""
        pairs = [(WaybillId(id_), order) for id_, order in arguments.corrected(corrected)]
        items = [{"id": id_, "order": order_to_json(order)} for id_, order in pairs]
        outcomes = self._change("amend", "items", items, [id_ for id_, _ in pairs])
        return [
            checked(order, each) if isinstance(each, Waybill) else each
            for (_, order), each in zip(pairs, outcomes, strict=True)
        ]

    def cancel(self, ids: Iterable[WaybillId]) -> list[Waybill | Rejected | Refusal]:
        """Destroy the data of orders that will not be sent."""
        asked = arguments.ids(ids)
        return self._change("cancel", "ids", asked, asked)

    def find(
        self,
        *,
        phone: str | None = None,
        reference: str | None = None,
        limit: int = PAGE,
        after: WaybillId | None = None,
    ) -> list[Waybill]:
        """One page of this merchant's waybills for an exact phone or a reference, oldest first.

        A list shorter than `limit` (1 to 100) is the last page. For the next one give the last waybill's id as `after`.

        Raises:
            InputError: not exactly one of phone and reference was given, or `limit` or `after` is not valid.
        """
        self.link.require_open()
        if (phone is None) == (reference is None):
            raise InputError("find", RequestRule.PHONE_OR_REFERENCE)
        asked: dict[str, Any] = {"phone": phone} if phone is not None else {"reference": reference}
        asked |= {"limit": limit, "after": after}
        found = [waybill_of(each) for each in self.link.ask("POST", "/v1/waybills/find", asked).get("waybills", [])]
        if reference is not None and any(each.reference != reference for each in found):
            raise IntegrityError("the service answered for another reference")
        return found

    def status(self, id_: WaybillId) -> Waybill:
        """One waybill by its id.

        Raises:
            UnknownWaybillError: it was never issued, or belongs to another merchant.
        """
        self.link.require_open()
        if record_of_waybill_id(id_) is None:  # not a waybill id, and must not get into a URL
            raise UnknownWaybillError
        found = waybill_of(self.link.ask("GET", f"/v1/waybills/{id_}"))
        if found.id != id_:
            raise IntegrityError("the service answered for another id")
        return found

    def labels(self, ids: Sequence[WaybillId], *, job: str, station: str = "shop", template: str = "100x180") -> Labels:
        """Print labels into one PDF. A call with the same job returns the same prints and counts no others."""
        return draw(self.link, ids, job=job, station=station, form={"template": template})

    def close(self) -> None:
        """End this process's connection. Pending orders stay on disk. Later calls raise `ClosedError`."""
        self.sealed.close()
        self.link.close()

    def _change(
        self, verb: str, name: str, items: Sequence[Any], ids: Sequence[WaybillId]
    ) -> list[Waybill | Rejected | Refusal]:
        self.link.require_open()
        outcomes: list[Waybill | Rejected | Refusal] = []
        for some, asked in zip(batches(items), batches(ids), strict=True):
            kinds, path = (Waybill, Rejected, Refusal), f"/v1/waybills/{verb}"
            outcomes += self.link.outcomes(path, {name: some}, count=len(some), kinds=kinds, named=("id", asked))
        return outcomes

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def draw(
    link: Link, ids: Sequence[WaybillId], *, job: str, station: str, form: Mapping[str, Any], reason: str | None = None
) -> Labels:
    """Request labels in lists that fit into one request. Returns one PDF, or parts in a printer's language."""
    link.require_open()
    documents: list[bytes] = []
    parts: list[bytes] = []
    outcomes: list[PrintedPage | Rejected | Refusal] = []
    pages = 0
    for some in batches(arguments.ids(ids)):
        body = {"ids": some, "job": job, "station": station, "reason": reason, **form}
        answer = link.ask("POST", "/v1/labels", body)
        found = link.read(answer, count=len(some), kinds=(PrintedPage, Rejected, Refusal))
        outcomes += [replace(each, page=pages + each.page) if isinstance(each, PrintedPage) else each for each in found]
        pages += sum(isinstance(each, PrintedPage) for each in found)
        if isinstance(answer.get("pdf"), str):
            documents.append(base64.b64decode(answer["pdf"]))
        parts += [base64.b64decode(part) for part in answer.get("parts", ())]
    return Labels(pdf=_joined(documents), outcomes=outcomes, parts=parts)


def _joined(documents: list[bytes]) -> bytes:
    if len(documents) < 2:
        return b"".join(documents)
    from pypdf import PdfWriter  # noqa: PLC0415  only where there is something to join

    whole, joined = PdfWriter(), BytesIO()
    for each in documents:
        whole.append(BytesIO(each))
    whole.compress_identical_objects()  # the parts' fonts
    whole.write(joined)
    return joined.getvalue()


def waybill_of(value: Any) -> Waybill:
    """A waybill from an answer.

    Raises:
        IntegrityError: the value is not a waybill.
    """
    try:
        return waybill_from_json(value)
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError("the service's answer is not a waybill") from error.with_traceback(None)
