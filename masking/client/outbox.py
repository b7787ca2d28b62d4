"""Stores sealed orders on disk while the service does not answer, one file each, before the checkout returns `pending`.

A file holds an envelope, the merchant's reference and a keyed digest of the order, but no name, phone or address. No program on
this machine can open the envelope. The digest shows whether a second order with the same reference is the same order. Its key is
in another file, so that a copy of the outbox does not allow guessing.

A file gets its name when it is complete, and names change under a lock. So any number of threads and processes may share an
outbox, and a killed process loses no order that it has acknowledged.
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
"""Orders whose envelopes expire within this time count as expiring, and are logged."""
_LEFT_BEHIND = 3600.0
"""Seconds after which an incomplete file is taken to come from a killed process."""


class Waiting(NamedTuple):
    """A pending order: the merchant's reference, a digest of its content, and its envelope in base64."""

    reference: str
    digest: str
    envelope: str


@final
class Outbox:
    """One merchant's pending orders."""

    def __init__(self, state: StateFolder) -> None:
        self._state = state
        self._folder = state.path(".outbox")
        self._key_file = state.path(".outbox.key")

    def is_empty(self) -> bool:
        """Whether no order is pending."""
        try:
            return not any(_is_envelope(path) for path in self._folder.iterdir())
        except FileNotFoundError:
            return True

    def names(self) -> list[str]:
        """The names of the files of all pending orders, oldest first."""
        try:
            found = [path for path in self._folder.iterdir() if _is_envelope(path)]
        except FileNotFoundError:
            return []
        return [path.name for path in sorted(found, key=_age)]

    def read(self, names: Iterable[str]) -> list[Waiting]:
        """The pending orders in these files. Missing files are skipped, and invalid ones are logged and left."""
        return [found for name in names if (found := self._read(self._folder / name)) is not None]

    def find(self, orders: Sequence[Order]) -> list[Waiting | None]:
        """The pending order with the reference of each order, or None."""
        return [self._read(self._path(order.reference)) for order in orders]

    def is_same(self, order: Order, waiting: Waiting) -> bool:
        """Whether an order has the same content as a pending one."""
        return hmac.compare_digest(self._digest(order), waiting.digest)

    def pending(self, now: datetime) -> Pending:
        """How many orders are pending, and when the first expires."""
        waiting = self.read(self.names())
        ends = [end for each in waiting if (end := _expiry(each)) is not None]
        return Pending(
            count=len(waiting), expiring=sum(end < now + SOON for end in ends), first_expires=min(ends, default=None)
        )

    def keep(self, orders: Sequence[Order], envelopes: Sequence[str]) -> list[bool]:
        """Store orders on disk. Returns False for each whose reference a pending order with other content has.

        An order that is pending already gets its new envelope, which expires later.

        Raises:
            SettingsError: the folder can't be written, or the disk is full. No new order is acknowledged.
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
        """Delete answered orders. An order that was stored with the same reference since then stays."""
        with self._state.locked(), self._state.writing():
            for each in waiting:
                if self._read(self._path(each.reference)) == each:
                    self._path(each.reference).unlink(missing_ok=True)
            self._clear()

    def _clear(self) -> None:
        """Delete incomplete files of killed processes."""
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
            LOG.warning("%s in the outbox can't be read and is skipped. Move it away", path.name)
            return None
        return Waiting(reference, digest, envelope)

    def _digest(self, order: Order) -> str:
        key = self._key()
        return content_mac(key, order.fields(), ["show-goods" if order.show_goods else ""]).hex()

    def _key(self) -> bytes:
        """The key of the digests. It is made on first use."""
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
