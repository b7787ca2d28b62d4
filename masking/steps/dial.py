"""Step 6 with a number provider: each announced call is bound at the provider, over an intermediate number.

The provider is asked outside of any transaction, after the call is on the ledger and the request is on disk. A request that
may have succeeded is never repeated. `reconcile` looks it up, and ends bindings that no record here explains. So a crash or a
time-out loses no binding and no main number.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from masking.numbers.provider import PROVIDER, Bound, NumberProvider
from masking.runtime import World, milliseconds
from masking.store.alarms import raise_alarm
from masking.store.rows import bindings
from masking.store.rows.bindings import Binding
from masking.store.store import Store
from masking.values.outcomes import Dial
from masking.values.plaintext import Announced
from masking.values.printable import Refusal, VirtualNumber
from masking.words.reasons import Reason

AT_ONCE = 8
"""The most simultaneous requests to the provider."""

TRIES = 3
"""How many main numbers are tried for one call, when the phones are already bound over earlier ones."""

SETTLED = timedelta(seconds=30)
"""A request without an answer counts as lost after this time."""


def dial(
    world: World,
    store: Store,
    announced: Sequence[Dial | Announced | Refusal],
    *,
    provider: NumberProvider,
) -> list[Dial | Refusal]:
    """Have the provider bind each call that `call.announce(..., bind=True)` announced; other outcomes stay as they are.

    The outcome is a number to dial, or a refusal that says whether to try again.

    "provider-down", "provider-busy", "provider-refused", "provider-not-bindable", "provider-conflict": nothing is bound.
    "provider-no-answer": the result is unknown; the call may be announced again, over another number.

    Raises:
        UnavailableError: the store could not take what a call needs; nothing more is bound.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda each: _bind(world, store, provider, each), announced))
    _report_fault(world, store, provider)
    return answers


def end(world: World, store: Store, provider: NumberProvider) -> int:
    """End the bindings of parcels whose data is destroyed. Run it after `retire` and every few minutes.

    The next run tries again to end a binding that could not be ended.

    Returns:
        How many bindings were ended.
    """
    now, ended = world.now(), 0
    with store.reading() as tx:
        orphans = bindings.without_waybill(tx)
    for row in orphans:
        over = bindings.is_over(row, now)
        gone = over or provider.unbind(row.main, str(row.subscription))
        if gone:
            with store.transaction() as tx:
                bindings.delete_bindings(tx, [row.call])
        ended += gone and not over
    return ended


def reconcile(world: World, store: Store, provider: NumberProvider) -> int:
    """End bindings at the provider that no record here explains, and delete records of those that have ended.

    A main number with an open request is left to the next run. If the account had a fault, it is checked again.

    Returns:
        How many bindings were ended at the provider.
    """
    if provider.fault:
        provider.subscriptions(provider.mains[0])
        _report_fault(world, store, provider)
    ended, now = end(world, store, provider), world.now()
    settled = milliseconds(now - SETTLED)
    for main in provider.mains:
        with store.reading() as tx:
            rows = bindings.on_main_number(tx, main)
        open_ = [row for row in rows if row.subscription is None]
        done = [row for row in rows if row.subscription is None or bindings.is_over(row, now)]
        if not done or any(bindings.asked_at(row) > settled for row in open_):
            continue
        bound = provider.subscriptions(main)
        if bound is None:
            continue
        orphans = sorted(bound - {row.subscription for row in rows if row not in done})
        gone = [provider.unbind(main, orphan) for orphan in orphans]
        ended += sum(gone)
        if all(gone):
            with store.transaction() as tx:
                bindings.delete_bindings(tx, [row.call for row in done])
    return ended


def _report_fault(world: World, store: Store, provider: NumberProvider) -> None:
    if provider.fault:
        with store.transaction() as tx:
            raise_alarm(tx, provider.fault, PROVIDER, world.now(), world, at_most_every=timedelta(hours=1))


def _bind(world: World, store: Store, provider: NumberProvider, outcome: Dial | Announced | Refusal) -> Dial | Refusal:
    if not isinstance(outcome, Announced):
        return outcome
    for main in _some(provider.mains, world):
        row = Binding(outcome.call, outcome.waybill, main, None, milliseconds(outcome.until))
        with store.transaction() as tx:
            if not bindings.record_request(tx, row):
                return Refusal(reason=Reason.UNKNOWN)
        answer = provider.bind(main, outcome.a, outcome.b, outcome.until, outcome.call.hex())
        if isinstance(answer, Bound):
            with store.transaction() as tx:
                kept = bindings.record_answer(tx, outcome.call, answer.subscription)
            if not kept:
                end(world, store, provider)
                return Refusal(reason=Reason.UNKNOWN)
            number = VirtualNumber(main=main, extension="", expires=outcome.until)
            return Dial(number=number, valid_until=outcome.until)
        if answer.known:
            with store.transaction() as tx:
                bindings.delete_bindings(tx, [outcome.call])
        if answer.reason is not Reason.PROVIDER_CONFLICT:
            return Refusal(reason=answer.reason, retry_after=answer.retry_after)
    return Refusal(reason=Reason.PROVIDER_CONFLICT, retry_after=int(SETTLED.total_seconds()))


def _some(mains: Sequence[str], world: World) -> list[str]:
    """A few main numbers in random order."""
    return sorted(mains, key=lambda _: world.entropy(8))[:TRIES]
