"""Puts a service together: settings become a store, and each step of the path becomes a queue in front of that store.

Also here: the one thing that runs by itself, the sequencer, which gives ledger leaves their places every second and keeps
the latest signed checkpoint at hand for the answers.
"""

from __future__ import annotations

import asyncio
import base64
import gc
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from itertools import count
from typing import Any

import anyio.to_thread

from api import auth
from api.batching import Batcher
from api.logs import LOG, RequestLines, where
from api.metrics import Metrics
from api.providers import read_provider
from api.settings import ServiceSettings
from masking.assign import assign
from masking.call import call
from masking.change import change
from masking.checkout import checkout
from masking.connection import open_folder
from masking.deliver import deliver
from masking.dial import dial, reconcile
from masking.enrol import enrol
from masking.errors import MaskingError
from masking.find import find
from masking.label import label
from masking.look import look
from masking.numbers.provider import NumberProvider
from masking.redeem import Attest, redeem, software
from masking.report import report
from masking.resolve import resolve
from masking.scan import scan
from masking.shift import shift
from masking.vault import codes, credentials, journal
from masking.vault.credentials import Held
from masking.vault.store import Store
from masking.vault.upkeep import keep_numbers
from masking.vault.watching import keep_watch
from masking.world import World

SWITCH = 0.0005
"""Seconds after which a thread that computes lets another one go on. Python's own 5 ms are long for answering a socket."""

SEQUENCE_EVERY = 1.0
"""Seconds between two rounds of the sequencer."""

KEEP_NUMBERS_EVERY = 60
"""Rounds of it between two looks at the pool of numbers and at calls without a report."""


class Service:
    """What the routes work with: a queue a step, the latest checkpoint, counts."""

    def __init__(
        self,
        settings: ServiceSettings,
        world: World,
        store: Store,
        provider: NumberProvider | None = None,
        attest: Attest = software,
    ) -> None:
        self.settings = settings
        self.world = world
        self.store = store
        self.metrics = Metrics(settings.counts)
        self.lines = RequestLines()
        self.note = b""
        self.log_key = journal.log_key(world, store)
        self.sequenced = True
        given: dict[str, Any] = {"most": settings.together, "waiting": settings.waiting}
        self.known: dict[bytes, Held] = {}
        self.quick = store.impatient()
        self.confirm = Batcher(auth.confirm, world, store, **given)
        self.holders = Batcher(auth.holders, world, store, quick=self.quick, **given)
        self.redeem = Batcher(partial(redeem, bearer=settings.bearer_roles, attest=attest), world, store, **given)
        self.checkout = Batcher(checkout, world, store, **given)
        self.change = Batcher(change, world, store, **given)
        self.find = Batcher(find, world, store, **given)
        self.label = Batcher(label, world, store, **given)
        self.scan = Batcher(scan, world, store, **given)
        self.assign = Batcher(assign, world, store, **given)
        self.resolve = Batcher(resolve, world, store, quick=self.quick, **given)
        self.look = Batcher(look, world, store, **given)
        self.provider = provider
        # a provider is slow, and is not waited for by our own switch
        self.announce = Batcher(partial(dial, provider=provider) if provider else call, world, store, **given)
        self.call = Batcher(call, world, store, quick=self.quick, **given)
        self.report = Batcher(report, world, store, **given)
        self.deliver = Batcher(deliver, world, store, **given)
        self.enrol = Batcher(enrol, world, store, **given)
        self.shift = Batcher(shift, world, store, **given)

    async def drain(self) -> None:
        """Let every queue answer what it has taken, and take nothing more."""
        for queue in vars(self).values():
            if isinstance(queue, Batcher):
                await queue.close()
        if self.quick:
            self.quick.close()

    async def sequence(self) -> None:
        """Place the waiting leaves and keep the latest checkpoint, as it goes into a header."""
        note = await anyio.to_thread.run_sync(journal.sequence, self.world, self.store)
        self.note = base64.b64encode(note.encode())

    async def keep_sequencing(self) -> None:
        """Do so for ever, and look after the numbers once a minute; a failure shows in `/readyz` until it has passed."""
        for turn in count():
            try:
                await self.sequence()
                with suppress(OSError):  # whoever asks for the counts hears of it
                    self.metrics.publish()
                if turn % KEEP_NUMBERS_EVERY == 0:
                    await anyio.to_thread.run_sync(self._keep_numbers)
                self.sequenced = True
            except MaskingError as error:
                self.sequenced = False
                name, places = where(error)
                LOG.error("sequencer", extra={"waybill": {"error": name, "at": places}})
            await asyncio.sleep(SEQUENCE_EVERY)

    def _keep_numbers(self) -> None:
        keep_numbers(self.world, self.store)
        keep_watch(self.world, self.store)
        with self.store.transaction() as tx:
            credentials.forget_proofs(tx, self.world.now())
            codes.sweep(tx, self.world.now())
        if self.provider:
            reconcile(self.world, self.store, self.provider)


@asynccontextmanager
async def running(settings: ServiceSettings, world: World, attest: Attest = software) -> AsyncIterator[Service]:
    """A service on an open store, with its sequencer; closed in the reverse order, leaves placed.

    Raises:
        SettingsError: the deployment can't be opened.
        IntegrityError: its ledger is not what was signed.
    """
    sys.setswitchinterval(SWITCH)
    store = await anyio.to_thread.run_sync(lambda: open_folder(settings.folder, world, must_exist=True))
    try:
        service = Service(settings, world, store, read_provider(settings.folder, world), attest)
        await service.sequence()
        gc.collect()
        gc.freeze()  # what is loaded by now stays: to look through it for garbage takes a tenth of each request
        background = asyncio.create_task(service.keep_sequencing())
        try:
            yield service
        finally:
            await service.drain()
            background.cancel()
            service.lines.flush()
            with suppress(OSError):
                service.metrics.publish()
            with suppress(asyncio.CancelledError):
                await background
            with suppress(MaskingError):  # the next start does it
                await service.sequence()
    finally:
        store.close()
