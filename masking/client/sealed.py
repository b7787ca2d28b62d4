"""Sends sealed orders to a service, or stores them until it answers. No order is entered twice or lost.

While the service does not answer, orders are stored in the outbox, and a thread sends them once it does. If the service fails
on one order of a batch, the others are sent one by one, so that one order never holds back the rest.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar, final

from masking.client.answers import DamageError, FaultError
from masking.client.flusher import Flusher
from masking.client.link import Link
from masking.client.outbox import Outbox
from masking.client.sealer import Sealer
from masking.client.state import PerProcess
from masking.disk import PATIENCE
from masking.errors import ClosedError, IntegrityError, MaskingError, SettingsError, UnavailableError
from masking.redact.view import mask_order
from masking.runtime import World
from masking.values.plaintext import Order
from masking.values.printable import Pending, Rejected, Waybill, WaybillId, WaybillState
from masking.words.rules import Rule

LOG = logging.getLogger("masking.client")
AT_ONCE = 100
"""Items in one request."""
AFTER_START = 5.0
"""Seconds after which a new process sends the orders that an earlier one left in the outbox."""
SOON_AGAIN, LATER = 5.0, 60.0
"""Seconds until pending orders are tried again: if no answer came, and if the service failed on some orders or rejected them."""
BETWEEN_WARNINGS = 600.0
CLOCK_AHEAD = "by this machine's clock every sealing key of the service has expired; set it, then check out again"
CLOCK_BEHIND = "by the service's clock this machine's clock is days behind; set it, then check these orders out again"

Item = TypeVar("Item")


@final
class SealedOrders:
    """The orders of one merchant, for all threads of a process and all processes with the same credentials."""

    def __init__(self, link: Link, world: World) -> None:
        self.outbox = Outbox(link.state)
        self._link = link
        self._world = world
        self._sealer = Sealer(link.state, world)
        self._flusher = PerProcess(lambda: Flusher(self._send_waiting))
        self._warning = PerProcess(threading.Lock)
        self._next_warning = 0.0
        self._held: dict[str, float] = {}
        """The time until which the thread skips an order that was rejected or that the service fails on, by reference."""
        if not self.outbox.is_empty():
            self._flusher.get().start(AFTER_START)

    def checkout(self, orders: Sequence[Order]) -> list[Waybill | Rejected]:
        """A waybill or a rejection for each valid order; `pending` if the service did not answer. See `RemoteShop`."""
        before = self.outbox.find(orders)
        outcomes: list[Waybill | Rejected] = [_changed(order) for order in orders]
        same = [n for n, each in enumerate(before) if each is None or self.outbox.is_same(orders[n], each)]
        asked = [orders[n] for n in same]
        for n, outcome in zip(same, self._send_or_keep(asked) if asked else [], strict=True):
            outcomes[n] = checked(orders[n], outcome)
        answered = [before[n] for n in same if not _is_pending(outcomes[n])]
        if any(answered):
            self.outbox.drop(each for each in answered if each)
        return outcomes

    def flush(self) -> dict[str, Waybill | Rejected]:
        """Send pending orders now, even if the service counts as down. See `RemoteShop`."""
        self._link.breaker.allow()
        self._held.clear()
        done, fault = self._flush(PATIENCE, drop_rejected=True)
        if fault is not None and (not done or isinstance(fault, IntegrityError)):
            raise fault
        return done

    def pending(self) -> Pending:
        """How many orders are pending, and when the first expires."""
        return self.outbox.pending(self._world.now())

    def close(self) -> None:
        """Stop this process's thread."""
        self._flusher.get().stop()

    def _send_or_keep(self, orders: Sequence[Order]) -> list[Waybill | Rejected]:
        envelopes: list[str] = []
        outcomes: Sequence[Waybill | Rejected | MaskingError]
        try:
            key = self._link.ledger_key
            if not self._sealer.is_fresh(key):
                self._sealer.learn(self._link.ask("GET", "/v1/sources"), key)
            envelopes = self._sealer.seal(orders)
            if not envelopes:
                raise SettingsError(CLOCK_AHEAD)
            outcomes = self._send(envelopes)
            if any(map(_has_expired, outcomes)):  # though they were sealed a moment ago
                raise SettingsError(CLOCK_BEHIND)
        except UnavailableError as error:
            envelopes = envelopes or self._sealer.seal(orders)
            if not envelopes:
                raise
            outcomes = [error] * len(orders)
        late = [n for n, outcome in enumerate(outcomes) if _waits(outcome)]
        kept = self._keep([orders[n] for n in late], [envelopes[n] for n in late])
        if len(late) < len(orders) and not self.outbox.is_empty():
            self._flusher.get().run_now()
        return [next(kept) if _waits(each) else _good(each) for each in outcomes]

    def _keep(self, orders: Sequence[Order], envelopes: Sequence[str]) -> Iterator[Waybill | Rejected]:
        """Store orders in the outbox. Each is pending, or rejected if its reference belongs to another pending order."""
        if not orders:
            return iter(())
        kept = self.outbox.keep(orders, envelopes)
        for order in orders:
            self._held.pop(order.reference, None)
        self._flusher.get().start(max(SOON_AGAIN, self._link.breaker.seconds_left()))
        self._warn()
        return iter([_pending(o) if taken else _changed(o) for o, taken in zip(orders, kept, strict=True)])

    def _send(self, envelopes: Sequence[str]) -> list[Waybill | Rejected | MaskingError]:
        """Send envelopes and return the outcome of each, or the error if the service failed on one alone.

        Raises:
            UnavailableError: the service does not answer.
        """
        try:
            body, kinds = {"envelopes": list(envelopes)}, (Waybill, Rejected)
            return self._link.outcomes("/v1/waybills/sealed", body, count=len(envelopes), kinds=kinds)
        except (FaultError, DamageError) as error:
            if len(envelopes) == 1:
                return [error]
        return [outcome for each in envelopes for outcome in self._send([each])]

    def _flush(
        self, patience: float, *, drop_rejected: bool
    ) -> tuple[dict[str, Waybill | Rejected], MaskingError | None]:
        """Send pending orders. Returns the outcomes by reference, and the last error of an order that the service failed on."""
        done: dict[str, Waybill | Rejected] = {}
        fault: MaskingError | None = None
        for some in batches(self.outbox.names()):
            with self._link.state.locked(".flush.lock", patience=patience):  # others need not send the same
                now = time.monotonic()
                waiting = [each for each in self.outbox.read(some) if self._held.get(each.reference, 0) <= now]
                answered = []
                for each, outcome in zip(
                    waiting, self._send([each.envelope for each in waiting]) if waiting else [], strict=True
                ):
                    if isinstance(outcome, MaskingError):
                        fault, self._held[each.reference] = outcome, now + LATER
                        continue
                    done[each.reference] = _for_reference(each.reference, outcome)
                    if drop_rejected or isinstance(outcome, Waybill):
                        answered.append(each)
                    else:
                        self._held[each.reference] = math.inf
                self.outbox.drop(answered)
        return done, fault

    def _send_waiting(self) -> float | None:
        """Send pending orders from the background thread. Returns the seconds until the next run, None if none is pending.

        A rejected order stays, so that `flush` or a new checkout returns the rejection to the program.
        """
        pause = LATER
        try:
            done, fault = self._flush(0, drop_rejected=False)
            rejected = sum(isinstance(outcome, Rejected) for outcome in done.values())
            if rejected:
                LOG.warning("%d pending orders were rejected; flush() says which and why", rejected)
            if fault:
                LOG.warning("the service failed on some orders, which stay pending: %s", fault)
        except ClosedError:
            return None
        except UnavailableError:
            pause = max(SOON_AGAIN, self._link.breaker.seconds_left())
        except MaskingError as error:
            LOG.warning("pending orders can't be sent: %s", error)
        self._warn()
        return None if self.outbox.is_empty() else pause

    def _warn(self) -> None:
        """Log, at most every ten minutes, that orders are about to expire."""
        with self._warning.get():
            if time.monotonic() < self._next_warning:
                return
            self._next_warning = time.monotonic() + BETWEEN_WARNINGS
        pending = self.pending()
        if pending.expiring and pending.first_expires:
            LOG.warning(
                "%d of %d pending orders expire within a day, the first at %s UTC. Make sure that the service can be reached, "
                "or check them out again later",
                pending.expiring,
                pending.count,
                pending.first_expires.strftime("%Y-%m-%d %H:%M"),
            )


def batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Split items into lists that fit into one request."""
    waiting: list[Item] = []
    for item in items:
        waiting.append(item)
        if len(waiting) == AT_ONCE:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def _waits(outcome: Waybill | Rejected | MaskingError) -> bool:
    """Whether an order stays pending: the service failed for a reason that is not in the order."""
    return isinstance(outcome, UnavailableError | DamageError)


def _is_pending(outcome: Waybill | Rejected) -> bool:
    return isinstance(outcome, Waybill) and outcome.state == WaybillState.PENDING


def _has_expired(outcome: Waybill | Rejected | MaskingError) -> bool:
    return isinstance(outcome, Rejected) and (outcome.field, outcome.rule) == ("envelope", Rule.EXPIRED)


def _good(outcome: Waybill | Rejected | MaskingError) -> Waybill | Rejected:
    if isinstance(outcome, MaskingError):
        raise outcome
    return outcome


def _for_reference(reference: str, outcome: Waybill | Rejected) -> Waybill | Rejected:
    """Check that an outcome is for the order with this reference.

    Raises:
        IntegrityError: it is for another order.
    """
    if isinstance(outcome, Rejected) and outcome.reference is None:  # an envelope that the service could not open
        return replace(outcome, reference=reference)
    if outcome.reference != reference:
        raise IntegrityError("the service answered for another order")
    return outcome


def checked(order: Order, outcome: Waybill | Rejected) -> Waybill | Rejected:
    """Check that an outcome is for this order.

    Raises:
        IntegrityError: it is for another order.
    """
    outcome = _for_reference(order.reference, outcome)
    if isinstance(outcome, Waybill):
        mine = mask_order(order)
        if outcome.masked and outcome.masked.stamp == mine.stamp and outcome.masked != mine:
            raise IntegrityError("the service's masked view is not this order's")
    return outcome


def _changed(order: Order) -> Rejected:
    return Rejected(reference=order.reference, field="reference", rule=Rule.CHANGED_AFTER_CHECKOUT)


def _pending(order: Order) -> Waybill:
    """The waybill of a pending order: only its masked view is known."""
    return Waybill(
        id=WaybillId(""),
        reference=order.reference,
        masked=mask_order(order),
        number=None,
        merge=None,
        state=WaybillState.PENDING,
    )
