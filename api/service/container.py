"""Builds a service from its settings: opens the store, puts a queue in front of each step, and runs background tasks.

Once a second the sequencer places new ledger leaves and caches the signed checkpoint that goes into answers. Chores such
as refilling the pool of numbers run once a minute.
"""

from __future__ import annotations

import asyncio
import base64
import gc
import os
import secrets
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import anyio.to_thread

from masking.deployment import open_folder
from masking.errors import MaskingError, UnavailableError
from masking.journal import journal
from masking.journal.watch import keep_watch
from masking.keys import root_record
from masking.keys.disk_space import check_room
from masking.keys.root_record import CONFIRM_EVERY
from masking.ledger import checkpoint
from masking.numbers.provider import NumberProvider
from masking.runtime import SteadyClock, World
from masking.steps.assign import assign
from masking.steps.call import Call, announce, call
from masking.steps.change import change
from masking.steps.checkout import checkout
from masking.steps.deliver import deliver
from masking.steps.dial import dial, reconcile
from masking.steps.enrol import enrol
from masking.steps.find import find
from masking.steps.label import label
from masking.steps.look import look
from masking.steps.redeem import Attest, redeem, software
from masking.steps.report import report
from masking.steps.resolve import resolve
from masking.steps.route import route
from masking.steps.scan import scan
from masking.steps.shift import shift
from masking.store.rows import codes, credentials, interventions
from masking.store.rows.credentials import TokenHolder
from masking.store.store import Store
from masking.upkeep.number_pool import keep_numbers
from masking.values.outcomes import Dial
from masking.values.printable import Refusal

from ..printing.own_templates import own_templates
from . import login
from .alarm_delivery import Destinations, read_destinations, send_alarms
from .batching import Batcher
from .logs import LOG, RequestLines, named, where
from .metrics import Metrics
from .providers import read_provider
from .settings import ServiceSettings

SWITCH = 0.0005
"""Python's thread switch interval in seconds. The default of 5 ms is long for answering a socket."""

GARBAGE = 10_000
"""New objects after which Python looks for cycles among them. Its own 700 are fewer than the requests of a group hold: it looked
three times a group, which cost 30 us a request, and found nothing."""

SEQUENCE_EVERY = 1.0
"""Seconds between two runs of the sequencer."""

SIGN_EVERY = timedelta(seconds=0.9)
"""The age of the last checkpoint at which a worker signs the next one, so that all workers together sign one a second."""

ALARMS_EVERY = 5.0
"""Seconds between two deliveries of alarms."""

WAIT = 10.0
"""Seconds that a worker waits for the store at startup. Then it exits, and the parent starts another one."""

CHORES_EVERY = 60.0
"""Seconds between two runs of each chore."""


class Service:
    """What the routes use: a queue for each step, the latest checkpoint, metrics."""

    def __init__(
        self,
        settings: ServiceSettings,
        world: World,
        store: Store,
        provider: NumberProvider | None = None,
        attest: Attest = software,
        destinations: Destinations | None = None,
    ) -> None:
        self.settings = settings
        self.world = world
        self.store = store
        self.metrics = Metrics(settings.counts)
        self.lines = RequestLines()
        self.name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self.note = b""
        self.log_key = journal.log_key(world, store)
        self.failing: set[str] = set()
        given: dict[str, Any] = {"max_items": settings.max_batch_items, "max_queued": settings.max_queued_items}
        self.known: dict[bytes, TokenHolder] = {}
        self.here = store.nowait()
        quick: dict[str, Any] = given | {"quick": True, "here": self.here}
        self.confirm = Batcher(login.confirm, world, store, **given)
        self.holders = Batcher(login.holders, world, store, **quick)
        self.redeem = Batcher(partial(redeem, bearer=settings.bearer_roles, attest=attest), world, store, **given)
        self.checkout = Batcher(checkout, world, store, **given)
        self.change = Batcher(change, world, store, **given)
        self.find = Batcher(find, world, store, **given)
        self.label = Batcher(label, world, store, **given)
        self.scan = Batcher(scan, world, store, **given)
        self.assign = Batcher(assign, world, store, **given)
        self.resolve = Batcher(resolve, world, store, **quick)
        self.look = Batcher(look, world, store, **given)
        self.provider = provider
        self.destinations = destinations or Destinations()
        self.templates = own_templates(settings.folder / "templates")
        # a provider answers slowly, so the calls of the deployment's own switch have another queue
        self.announce = Batcher(
            partial(_announce_and_dial, provider=provider) if provider else call, world, store, **given
        )
        self.route = Batcher(route, world, store, **quick)
        self.report = Batcher(report, world, store, **given)
        self.deliver = Batcher(deliver, world, store, **given)
        self.enrol = Batcher(enrol, world, store, **given)
        self.shift = Batcher(shift, world, store, **given)

    async def drain(self) -> None:
        """Let every queue answer its accepted requests, and refuse further ones."""
        for queue in vars(self).values():
            if isinstance(queue, Batcher):
                await queue.close()
        if self.here:
            self.here.close()

    async def sequence(self, *, at_most_every: timedelta = timedelta(0)) -> None:
        """Place the waiting leaves, cache the latest checkpoint as header text, and publish the metrics."""
        work = partial(journal.sequence, self.world, self.store, at_most_every=at_most_every)
        note = await anyio.to_thread.run_sync(work)
        self.note = base64.b64encode(note.encode())
        with suppress(OSError):  # `/metrics` reports it
            self.metrics.publish()

    async def alarm(self) -> None:
        """Send the alarms that are due. A stopping service waits for at most one attempt."""
        kinds = await anyio.to_thread.run_sync(send_alarms, self.world, self.store, self.destinations)
        for kind in kinds:
            self.metrics.alarm(kind)

    async def run(self) -> None:
        """Run the sequencer, the delivery of alarms and the chores for ever, each in a task of its own."""
        chores: dict[str, Callable[[World, Store], object]] = {
            "numbers": keep_numbers,
            "watch": keep_watch,
            "sweep": sweep,
            "room": _room,
            "schema": _schemas,  # finds a trigger that was added while the service runs
        }
        if self.provider:
            chores["provider"] = partial(reconcile, provider=self.provider)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep("sequencer", partial(self.sequence, at_most_every=SIGN_EVERY), SEQUENCE_EVERY))
            confirm = partial(anyio.to_thread.run_sync, _confirm_root, self.name, self.store)
            tasks.create_task(self._keep("root", confirm, CONFIRM_EVERY))
            tasks.create_task(self._keep("alarms", self.alarm, ALARMS_EVERY))
            for name, chore in chores.items():
                work = partial(anyio.to_thread.run_sync, chore, self.world, self.store)
                tasks.create_task(self._keep(name, work, CHORES_EVERY))

    async def _keep(self, name: str, work: Callable[[], Awaitable[object]], every: float) -> None:
        """Run `work` every `every` seconds. After a failure retry soon, and make `/readyz` fail until it succeeds."""
        while True:
            try:
                await work()
                self.failing.discard(name)
            except Exception as error:  # noqa: BLE001  the task must survive any error, and report it
                self.failing.add(name)
                kind, places = where(error)
                LOG.error(name, extra={"waybill": {"error": kind, "at": places} | named(getattr(error, "fault", None))})
            await asyncio.sleep(SEQUENCE_EVERY if name in self.failing else every)


def sweep(world: World, store: Store) -> None:
    """Delete used proofs, codes and counts of interventions that have expired."""
    with store.transaction() as tx:
        credentials.forget_proofs(tx, world.now())
        codes.sweep(tx, world.now())
        interventions.sweep(tx, world.now())


def _room(world: World, store: Store) -> None:
    check_room(world, store.keys)


def _last_signed(world: World, store: Store) -> datetime:
    """The time of the latest checkpoint, or the present before the first one."""
    note = journal.latest(store)
    return checkpoint.read(note, journal.log_key(world, store)).at if note else world.now()


def _announce_and_dial(
    world: World, store: Store, requests: Sequence[Call], *, provider: NumberProvider
) -> list[Dial | Refusal]:
    return dial(world, store, announce(world, store, requests, bind=True), provider=provider)


def _confirm_root(name: str, store: Store) -> None:
    root_record.confirm(store.keys.engine, name, store.keys.other_roots())


def _schemas(_world: World, store: Store) -> None:
    store.check_schemas()


async def _begun(settings: ServiceSettings, world: World, attest: Attest) -> Service:
    """Open the service and sign its ledger. If there are several workers, wait for a store that does not answer.

    A worker that fails at startup would end its parent and the other workers, which continue when the store is back.
    """
    until = time.monotonic() + WAIT
    while True:
        try:
            return await _opened(settings, world, attest)
        except UnavailableError as error:
            if settings.counts is None:  # a single process reports it on the terminal
                raise
            LOG.warning("waiting for the store", extra={"waybill": named(error.fault)})
            if time.monotonic() > until:
                # uvicorn handles a stop signal only after startup; the parent starts another worker
                os._exit(os.EX_TEMPFAIL)
        await asyncio.sleep(SEQUENCE_EVERY)


async def _opened(settings: ServiceSettings, world: World, attest: Attest) -> Service:
    store = await anyio.to_thread.run_sync(lambda: open_folder(settings.folder, world, must_exist=True))
    try:
        if isinstance(world.now, SteadyClock):
            world.now.not_before(await anyio.to_thread.run_sync(_last_signed, world, store))
        destinations = read_destinations(settings.folder)
        service = Service(settings, world, store, read_provider(settings.folder, world), attest, destinations)
        await service.sequence()
    except BaseException:
        store.close()
        raise
    return service


@asynccontextmanager
async def running(settings: ServiceSettings, world: World, attest: Attest = software) -> AsyncIterator[Service]:
    """A running service with its background tasks. At the end queues are drained, leaves placed and the store closed.

    Raises:
        SettingsError: the deployment can't be opened.
        IntegrityError: the ledger differs from what was signed.
    """
    sys.setswitchinterval(SWITCH)
    service = await _begun(settings, world, attest)
    store = service.store
    usual, *later = gc.get_threshold()
    try:
        gc.collect()
        gc.set_threshold(GARBAGE, *later)
        gc.freeze()  # scanning the loaded modules for garbage would take a tenth of each request
        background = asyncio.create_task(service.run())
        try:
            yield service
        finally:
            await service.drain()
            background.cancel()
            service.lines.flush()
            with suppress(asyncio.CancelledError):
                await background
            with suppress(MaskingError):  # the next start places the leaves
                await service.sequence()
            with suppress(MaskingError):  # otherwise a rotation of the root waits until this worker counts as dead
                await anyio.to_thread.run_sync(root_record.record_end, store.keys.engine, service.name)
    finally:
        gc.set_threshold(usual, *later)
        gc.unfreeze()  # frozen objects are not freed at exit, and ZXing's binding would report them as leaked
        store.close()
