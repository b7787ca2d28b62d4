"""Seals orders to the service's keys before they leave this process (FORMAT.md section 6)."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, final

from masking.client.state import StateFolder
from masking.crypto.envelope import SealingKey, read_directory, seal
from masking.disk import replace
from masking.errors import IntegrityError, SettingsError
from masking.ledger.note import VerifierKey
from masking.runtime import World
from masking.values.json import order_to_json
from masking.values.plaintext import Order

ENVELOPE_LIVES = timedelta(days=3)
"""How long an envelope is valid."""

FRESH = timedelta(days=6)
"""A new directory is requested when the newest key expires sooner than this, about once a day."""
_FILE = ".sources.json"


class Directory(NamedTuple):
    """The service's sealing keys (newest last), the merchant, and the origin of the ledger whose key signed them."""

    keys: list[SealingKey]
    merchant: str
    origin: str


@final
class Sealer:
    """Seals one merchant's orders. Keeps the directory of sealing keys on disk, for times when the service is down."""

    def __init__(self, state: StateFolder, world: World) -> None:
        self._state = state
        self._world = world
        self._directory = Directory([], "", "")

    def is_fresh(self, key: VerifierKey) -> bool:
        """Whether the known directory is signed by the ledger's `key` and is recent enough."""
        if not self._has_fresh():  # another process, or an earlier run, may have stored a newer one
            kept = self._kept()
            if kept is not None:
                self._directory = _checked(kept, key)
        return self._has_fresh()

    def learn(self, answer: Mapping[str, Any], key: VerifierKey) -> None:
        """Check a directory, use it and store it.

        Raises:
            IntegrityError: the directory is not signed by the ledger's key.
        """
        self._directory = _checked(answer, key)
        text = json.dumps({"note": answer["note"], "merchant": answer["merchant"]}).encode()
        path = self._state.path(_FILE)
        with self._state.locked(), self._state.writing():
            if not path.exists() or path.read_bytes() != text:
                replace(path, text)

    def seal(self, orders: Sequence[Order]) -> list[str]:
        """An envelope in base64 for each order. An empty list if all known keys have expired."""
        now, known = self._world.now(), self._directory
        alive = [key for key in known.keys if key.until > now]
        return [self._envelope(known, alive[-1], order, now) for order in orders] if alive else []

    def _has_fresh(self) -> bool:
        keys = self._directory.keys
        return bool(keys) and keys[-1].until > self._world.now() + FRESH

    def _kept(self) -> Mapping[str, Any] | None:
        path = self._state.path(_FILE)
        try:
            if not path.exists():
                return None
            with self._state.locked():
                found = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise SettingsError(
                f"{path.name} can't be read. Delete it, so that it is requested from the service again"
            ) from error
        return found if isinstance(found, dict) else {}

    def _envelope(self, known: Directory, key: SealingKey, order: Order, now: datetime) -> str:
        text = json.dumps(order_to_json(order), ensure_ascii=False, separators=(",", ":")).encode()
        tenant = known.origin.partition("/")[2]
        sealed = seal(key, tenant, known.merchant, self._world.entropy(16), now + ENVELOPE_LIVES, text)
        return base64.b64encode(sealed).decode()


def _checked(answer: Mapping[str, Any], key: VerifierKey) -> Directory:
    note, merchant = answer.get("note"), answer.get("merchant")
    if not isinstance(note, str) or not isinstance(merchant, str):
        raise IntegrityError("the service's answer is not a directory of sealing keys")
    return Directory(read_directory(note, key), merchant, key.name)
