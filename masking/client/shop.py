"""A merchant's connection to a service: the methods and outcomes of the embedded one.

Each order is checked and masked here as well: one that breaks a rule never leaves, and an answer whose masked view is not
this order's is not believed. Orders leave sealed to the service's key. While it does not answer they wait in an outbox,
as ciphertext that nobody here can open: a shop never stops selling, and nothing is entered twice.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from types import TracebackType
from typing import Any, Self, TypeVar

from masking.client.device import Device
from masking.client.link import Link
from masking.client.outbox import Outbox, Waiting
from masking.crypto.index import token_record
from masking.errors import InputError, IntegrityError, UnavailableError, UnknownWaybillError
from masking.order import Order
from masking.redact.view import mask_order
from masking.waybill import Labels, OnPage, Refusal, Rejected, Token, Waybill, WaybillState
from masking.wire import order_to_json, waybill_from_json
from masking.world import World

AT_ONCE = 100
"""Items in one request."""

Item = TypeVar("Item")


class RemoteShop:
    """A merchant's connection. Use it as a context manager; every method answers after the service's data is on disk."""

    def __init__(self, link: Link, *, world: World | None = None) -> None:
        self.link = link
        self.outbox = Outbox(link.beside(".outbox"), world or World())

    @classmethod
    def connect(cls, where: str, *, credentials: str | os.PathLike[str] | None, device: Device | None = None) -> Self:
        """A connection to the service at an https:// address, with the code of the enrolment in a file of mode 0600.

        The key that signs is made beside it on first use, as `NAME.key`; hardware that keeps one comes as `device`.

        Raises:
            SettingsError: the address or a file is not fit.
        """
        return cls(Link.open(where, credentials, device=device))

    def checkout(self, orders: Iterable[Order]) -> list[Waybill | Rejected]:
        """A waybill or a rejection for each order, same order and length. Same reference and content: same waybill.

        Where the service does not answer, the waybill is `pending`: masked, with no token and no number yet. `flush`
        sends it later.

        Raises:
            UnavailableError: the service did not answer, and no key to seal to is at hand; nothing was kept.
            IntegrityError: the directory of sealing keys is not signed by the pinned key; nothing was sent.
        """
        outcomes: list[Waybill | Rejected] = []
        for some in batches(orders):
            problems = [order.problems() for order in some]
            good = [order for order, found in zip(some, problems, strict=True) if not found]
            answered = iter(self._checkout(good) if good else [])
            for order, found in zip(some, problems, strict=True):
                if found:
                    reference = order.reference if isinstance(order.reference, str) else None
                    outcomes.append(Rejected(reference=reference, field=found[0].field, rule=found[0].rule))
                else:
                    outcomes.append(next(answered))
        return outcomes

    def flush(self) -> dict[str, Waybill | Rejected]:
        """Send what waits in the outbox; what became of it, by reference. Send it before its envelopes expire (3 days).

        Raises:
            UnavailableError: the service still does not answer; what it did answer is done, the rest waits on.
        """
        done: dict[str, Waybill | Rejected] = {}
        for some in batches(self.outbox.waiting()):
            found = self._send(some)
            done |= {each.reference: outcome for each, outcome in zip(some, found, strict=True)}
            self.outbox.drop(done)
        return done

    def ship(self, numbers: Iterable[tuple[Token, str, str]]) -> list[Waybill | Rejected | Refusal]:
        """Enter the carrier's (id, waybill number, routing code) of waybills; each waybill as it is now, or why not."""
        items = [{"id": id_, "waybill_number": n, "routing_code": r} for id_, n, r in numbers]
        return self._change("ship", "items", items)

    def amend(self, corrected: Iterable[tuple[Token, Order]]) -> list[Waybill | Rejected | Refusal]:
        """Replace the content of waybills whose parcels have not left; each takes a new key."""
        items = [{"id": id_, "order": order_to_json(order)} for id_, order in corrected]
        return self._change("amend", "items", items)

    def cancel(self, ids: Iterable[Token]) -> list[Waybill | Rejected | Refusal]:
        """Destroy the data of orders that will not be sent."""
        return self._change("cancel", "ids", list(ids))

    def find(self, *, phone: str | None = None, reference: str | None = None) -> list[Waybill]:
        """This merchant's waybills of one exact phone, or of one of its own references, oldest first.

        Raises:
            InputError: not exactly one of the two was given.
        """
        if (phone is None) == (reference is None):
            raise InputError("find", "give-a-phone-or-a-reference")
        asked = {"phone": phone} if phone is not None else {"reference": reference}
        return [waybill_of(each) for each in self.link.ask("POST", "/v1/waybills/find", asked).get("waybills", [])]

    def status(self, id_: Token) -> Waybill:
        """One waybill by its token.

        Raises:
            UnknownWaybillError: never issued, or not this merchant's.
        """
        if token_record(id_) is None:  # never issued; and no text that is no token gets into an address
            raise UnknownWaybillError
        return waybill_of(self.link.ask("GET", f"/v1/waybills/{id_}"))

    def labels(self, ids: Sequence[Token], *, job: str, station: str = "shop", template: str = "100x180") -> Labels:
        """Labels as one PDF, counted once a job: asking again under the same job gives the same prints."""
        return draw(self.link, ids, job=job, station=station, template=template)

    def close(self) -> None:
        """End the connection."""
        self.link.close()

    def _checkout(self, orders: Sequence[Order]) -> list[Waybill | Rejected]:
        sealed: list[Waiting] = []
        try:
            key = self.link.ledger_key
            if not self.outbox.fresh(key):
                self.outbox.learn(self.link.ask("GET", "/v1/sources"), key)
            sealed = self.outbox.seal(orders)
            found = self._send(sealed)
        except UnavailableError:
            sealed = sealed or self.outbox.seal(orders)
            if not sealed:
                raise
            self.outbox.keep(sealed)
            return [_pending(order) for order in orders]
        self.outbox.drop({order.reference for order in orders})
        return [_checked(order, outcome) for order, outcome in zip(orders, found, strict=True)]

    def _send(self, sealed: Sequence[Waiting]) -> list[Waybill | Rejected]:
        body = {"envelopes": [each.envelope for each in sealed]}
        return self.link.outcomes("/v1/waybills/sealed", body, count=len(sealed), kinds=(Waybill, Rejected))

    def _change(self, verb: str, name: str, items: Sequence[Any]) -> list[Waybill | Rejected | Refusal]:
        outcomes: list[Waybill | Rejected | Refusal] = []
        for some in batches(items):
            kinds = (Waybill, Rejected, Refusal)
            outcomes += self.link.outcomes(f"/v1/waybills/{verb}", {name: some}, count=len(some), kinds=kinds)
        return outcomes

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def draw(
    link: Link, ids: Sequence[Token], *, job: str, station: str, template: str, reason: str | None = None
) -> Labels:
    """Labels as one document, however many; asked for in lists that fit into one request."""
    parts: list[bytes] = []
    outcomes: list[OnPage | Rejected | Refusal] = []
    pages = 0
    for some in batches(ids):
        body = {"ids": some, "job": job, "station": station, "template": template, "reason": reason}
        answer = link.ask("POST", "/v1/labels", body)
        found = link.read(answer, count=len(some), kinds=(OnPage, Rejected, Refusal))
        outcomes += [OnPage(page=pages + each.page) if isinstance(each, OnPage) else each for each in found]
        pages += sum(isinstance(each, OnPage) for each in found)
        if isinstance(answer.get("pdf"), str):
            parts.append(base64.b64decode(answer["pdf"]))
    return Labels(pdf=_joined(parts), outcomes=outcomes)


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


def batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """The items, in lists that fit into one request."""
    waiting: list[Item] = []
    for item in items:
        waiting.append(item)
        if len(waiting) == AT_ONCE:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def waybill_of(value: Any) -> Waybill:
    """A waybill from an answer.

    Raises:
        IntegrityError: it is none.
    """
    try:
        return waybill_from_json(value)
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError("the service answered with something that is no waybill") from error.with_traceback(None)


def _checked(order: Order, outcome: Waybill | Rejected) -> Waybill | Rejected:
    """The outcome, if it can be this order's."""
    if isinstance(outcome, Rejected):
        return outcome
    if outcome.reference != order.reference:
        raise IntegrityError("the service answered for another order")
    mine = mask_order(order)
    if outcome.masked and outcome.masked.stamp == mine.stamp and outcome.masked != mine:
        raise IntegrityError("the service's masked view is not this order's")
    return outcome


def _pending(order: Order) -> Waybill:
    """What can be said of an order that waits: its masked view."""
    return Waybill(
        id=Token(""),
        reference=order.reference,
        masked=mask_order(order),
        number=None,
        merge=None,
        state=WaybillState.PENDING,
    )
