"""Orders on their way to a service: sealed before they leave, and kept, sealed, while it does not answer.

The file holds envelopes and the merchant's own references, never a name, phone or address; nobody here can open it, this
process included. It is written and on disk before a checkout says `pending` (FORMAT.md section 6).
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from masking.crypto.envelope import SealingKey, read_directory, seal
from masking.disk import sync_folder
from masking.errors import IntegrityError, SettingsError
from masking.ledger.checkpoint import LogKey
from masking.order import Order
from masking.wire import order_to_json
from masking.world import World

ENVELOPE_LIVES = timedelta(days=3)
FRESH = timedelta(days=6)
"""A directory is asked for anew when its newest key has less than this to live: about once a day."""


class Waiting(NamedTuple):
    """An order that has not been answered: the merchant's reference, and its envelope in base64."""

    reference: str
    envelope: str


class Outbox:
    """One merchant's envelopes, in a file of mode 0600, and the directory that they are sealed by."""

    def __init__(self, path: Path, world: World) -> None:
        self._path = path
        self._world = world
        self._directory = path.with_suffix(".sources.json")
        self._keys: list[SealingKey] = []
        self._merchant = ""
        self._origin = ""

    def fresh(self, key: LogKey) -> bool:
        """Whether the directory at hand is signed by the ledger's `key` and needn't be asked for again."""
        if not self._keys and self._directory.exists():
            try:
                self.learn(json.loads(self._directory.read_text("utf-8")), key)
            except (OSError, ValueError) as error:
                raise SettingsError(f"{self._directory.name} can't be read") from error
        return bool(self._keys) and self._keys[-1].until > self._world.now() + FRESH

    def learn(self, answer: dict[str, Any], key: LogKey) -> None:
        """Take over a directory, and keep it for when the service is down.

        Raises:
            IntegrityError: it is not signed by the ledger's key.
        """
        note, merchant = answer.get("note"), answer.get("merchant")
        if not isinstance(note, str) or not isinstance(merchant, str):
            raise IntegrityError("the service answered with something that is no directory")
        self._keys = read_directory(note, key.name, key.public)
        self._merchant, self._origin = merchant, key.name
        _write(self._directory, json.dumps({"note": note, "merchant": merchant}))

    def seal(self, orders: Sequence[Order]) -> list[Waiting]:
        """An envelope for each order; none where no key at hand is alive."""
        now = self._world.now()
        alive = [key for key in self._keys if key.until > now]
        return [Waiting(order.reference, self._envelope(alive[-1], order, now)) for order in orders] if alive else []

    def waiting(self) -> list[Waiting]:
        """What has not been answered, oldest first."""
        try:
            lines = self._path.read_text("utf-8").splitlines()
            return [Waiting(*json.loads(line)) for line in lines]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, TypeError) as error:
            raise SettingsError(f"{self._path.name} can't be read") from error

    def keep(self, waiting: Sequence[Waiting]) -> None:
        """Add envelopes; on disk before this returns. One that waits under the same reference makes way."""
        names = {each.reference for each in waiting}
        self._store([each for each in self.waiting() if each.reference not in names] + list(waiting))

    def drop(self, references: Collection[str]) -> None:
        """Forget what has been answered."""
        kept = self.waiting()
        left = [each for each in kept if each.reference not in references]
        if len(left) < len(kept):
            self._store(left)

    def _envelope(self, key: SealingKey, order: Order, now: datetime) -> str:
        text = json.dumps(order_to_json(order), ensure_ascii=False, separators=(",", ":")).encode()
        tenant = self._origin.partition("/")[2]
        sealed = seal(key, tenant, self._merchant, self._world.entropy(16), now + ENVELOPE_LIVES, text)
        return base64.b64encode(sealed).decode()

    def _store(self, waiting: Sequence[Waiting]) -> None:
        _write(self._path, "".join(json.dumps(each) + "\n" for each in waiting))


def _write(path: Path, text: str) -> None:
    """Replace a file, all or nothing."""
    beside = path.with_name(f".{path.name}.new")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(handle)
    beside.replace(path)
    sync_folder(path.parent)
