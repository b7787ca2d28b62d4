"""Orders that wait for a service that does not answer: sealed, one file each, on disk before a checkout says `pending`.

A file holds an envelope, the merchant's own reference and a keyed digest of the order, never a name, phone or address. No
program on this side can open the envelope. The digest tells whether a second order under the same reference is the
same order; its key lies in a file of its own, as private as the device's key, so a copy of the outbox allows no guessing.

Files appear under their names whole, and names change under a lock, so any number of threads and processes may share
an outbox, and a process that is killed loses nothing that it has acknowledged.
"""

from __future__ import annotations

import base64
import hmac
import json
import logging
import secrets
import time
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple, final

from masking.client.state import StateFolder
from masking.crypto.envelope import head
from masking.crypto.index import content_mac
from masking.disk import read_secret, replace, sync_folder, write_beside
from masking.values.plaintext import Order
from masking.values.printable import Pending

LOG = logging.getLogger("masking.client")
SOON = timedelta(days=1)
"""Orders whose envelopes expire within this time are counted, and logged, as expiring."""
_LEFT_BEHIND = 3600.0
"""Seconds after which a file that never got its name was left by a process that was killed."""


class Waiting(NamedTuple):
    """An order that has not been answered: the merchant's reference, a digest of its content, its envelope in base64."""

    reference: str
    digest: str
    envelope: str


@final
class Outbox:
    """One merchant's envelopes."""

    def __init__(self, state: StateFolder) -> None:
        self._state = state
        self._folder = state.path(".outbox")
        self._key_file = state.path(".outbox.key")

    def is_empty(self) -> bool:
        """Whether nothing waits."""
        try:
            return not any(_is_envelope(path) for path in self._folder.iterdir())
        except FileNotFoundError:
            return True

    def names(self) -> list[str]:
        """The names of all files that wait, oldest first."""
        try:
            found = [path for path in self._folder.iterdir() if _is_envelope(path)]
        except FileNotFoundError:
            return []
        return [path.name for path in sorted(found, key=_age)]

    def read(self, names: Iterable[str]) -> list[Waiting]:
        """What waits under these names, without those that are gone. A file that holds no envelope is logged and left."""
        return [found for name in names if (found := self._read(self._folder / name)) is not None]

    def find(self, orders: Sequence[Order]) -> list[Waiting | None]:
        """What waits under each order's reference."""
        return [self._read(self._path(order.reference)) for order in orders]

    def is_same(self, order: Order, waiting: Waiting) -> bool:
        """Whether an order has the content of one that waits."""
        return hmac.compare_digest(self._digest(order), waiting.digest)

    def pending(self, now: datetime) -> Pending:
        """How many orders wait, and until when."""
        waiting = self.read(self.names())
        ends = [end for each in waiting if (end := _expiry(each)) is not None]
        return Pending(
            count=len(waiting), expiring=sum(end < now + SOON for end in ends), first_expires=min(ends, default=None)
        )

    def keep(self, orders: Sequence[Order], envelopes: Sequence[str]) -> list[bool]:
        """Add orders; on disk before this returns. False for one whose reference other content waits under already.

        An order that waits already takes its new envelope, which expires later.

        Raises:
            SettingsError: the folder can't be written, or is full; nothing new is acknowledged then.
        """
        kept: list[bool] = []
        waiting = [Waiting(o.reference, self._digest(o), e) for o, e in zip(orders, envelopes, strict=True)]
        parts: list[Path] = []
        with self._state.writing():
            try:
                self._folder.mkdir(mode=0o700, exist_ok=True)
                parts += [write_beside(self._path(each.reference), json.dumps(each).encode()) for each in waiting]
                with self._state.locked():
                    for each, part in zip(waiting, parts, strict=True):
                        there = self._read(self._path(each.reference))
                        kept.append(there is None or hmac.compare_digest(there.digest, each.digest))
                        if kept[-1]:
                            part.replace(self._path(each.reference))
                sync_folder(self._folder)
                sync_folder(self._folder.parent)
            finally:
                for part in parts:
                    part.unlink(missing_ok=True)
        return kept

    def drop(self, waiting: Iterable[Waiting]) -> None:
        """Forget what has been answered: these very envelopes, and none that was kept under the same reference since."""
        with self._state.locked(), self._state.writing():
            for each in waiting:
                if self._read(self._path(each.reference)) == each:
                    self._path(each.reference).unlink(missing_ok=True)
            self._clear()

    def _clear(self) -> None:
        """Remove what processes that were killed have left behind."""
        for path in self._folder.glob(".*"):
            if time.time() - _age(path) > _LEFT_BEHIND:
                path.unlink(missing_ok=True)

    def _path(self, reference: str) -> Path:
        return self._folder / f"{sha256(reference.encode()).hexdigest()}.json"

    def _read(self, path: Path) -> Waiting | None:
        try:
            reference, digest, envelope = map(str, json.loads(path.read_bytes()))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError):
            LOG.warning("%s in the outbox can't be read and is left out; move it away", path.name)
            return None
        return Waiting(reference, digest, envelope)

    def _digest(self, order: Order) -> str:
        key = self._key()
        return content_mac(key, order.fields(), ["show-goods" if order.show_goods else ""]).hex()

    def _key(self) -> bytes:
        """The key of the digests, made on first use."""
        if not self._key_file.exists():
            with self._state.locked(), self._state.writing():
                if not self._key_file.exists():
                    replace(self._key_file, secrets.token_bytes(32))
        return read_secret(self._key_file, 32)


def _is_envelope(path: Path) -> bool:
    return path.suffix == ".json" and not path.name.startswith(".")


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # answered meanwhile
        return time.time()


def _expiry(waiting: Waiting) -> datetime | None:
    try:
        found = head(base64.b64decode(waiting.envelope, validate=True))
    except ValueError:
        found = None
    return found.not_after if found else None
