"""Keeps the latest checkpoint that the service has shown, and demands of each newer one that it continues it.

A service that edits its ledger, or cuts it back, has to show this client a checkpoint that doesn't follow the one kept
here, and is caught. Both notes then lie beside each other in a file, to be shown to others (FORMAT.md section 9).
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Callable
from pathlib import Path

from masking.errors import InputError, IntegrityError, SettingsError
from masking.ledger.checkpoint import Checkpoint, LogKey, follows, read

Proof = Callable[[int, int], list[bytes]]
"""Asks the service to prove that its ledger of so many leaves is the beginning of that of so many."""


class Watch:
    """One ledger as seen from here. `path` holds the key and the latest note between runs; None keeps them in memory."""

    def __init__(self, path: Path | None, key: LogKey | None = None) -> None:
        self._path = path
        self._key = key
        self._note = ""
        self._last: Checkpoint | None = None
        if path and path.exists():
            try:
                kept = json.loads(path.read_text("utf-8"))
                known, self._note = LogKey.parse(kept["key"]), str(kept["note"])
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise SettingsError(f"{path.name} is no kept checkpoint") from error
            if key and key != known:
                raise IntegrityError("the ledger's key is not the one that was seen before")
            self._key, self._last = known, read(self._note, known)

    @property
    def knows_key(self) -> bool:
        """Whether the ledger's key is pinned; without one it is taken from the service once, and kept."""
        return self._key is not None

    @property
    def key(self) -> LogKey:
        """The pinned key.

        Raises:
            IntegrityError: there is none yet.
        """
        if self._key is None:
            raise IntegrityError("the ledger's key is not known yet")
        return self._key

    def pin(self, key: str) -> None:
        """Keep the ledger's key."""
        self._key = LogKey.parse(key)

    def see(self, header: str, proof: Proof) -> None:
        """Take a checkpoint as it came with an answer.

        Raises:
            IntegrityError: it is not signed by the ledger, or doesn't agree with the one kept.
        """
        try:
            note = base64.b64decode(header, validate=True).decode()
        except (binascii.Error, ValueError):
            raise IntegrityError("a checkpoint is no signed note") from None
        if note == self._note or self._key is None:
            return
        new, last = read(note, self._key), self._last
        if last is None:
            self._keep(note, new)
            return
        earlier, later = (new, last) if new.size < last.size else (last, new)
        fault = self._fault(earlier, later, proof)
        if fault:
            self._report(note)
            raise IntegrityError(f"the ledger is not what it was: {fault}")
        if new.size > last.size or new.at > last.at:
            self._keep(note, new)

    @staticmethod
    def _fault(earlier: Checkpoint, later: Checkpoint, proof: Proof) -> str | None:
        """What is wrong, as a word. An older checkpoint, from a slower worker, must be provable as well."""
        path: list[bytes] = []
        if 0 < earlier.size < later.size:
            try:
                path = proof(earlier.size, later.size)
            except InputError:  # the ledger is shorter than what it has signed
                return "shrunk"
        return follows(earlier, later, path)

    def _keep(self, note: str, checkpoint: Checkpoint) -> None:
        self._note, self._last = note, checkpoint
        if self._path:
            text = json.dumps({"key": str(self._key), "note": note}, ensure_ascii=False)
            beside = self._path.with_name(f".{self._path.name}.{os.getpid()}")
            beside.write_text(text, "utf-8")
            beside.replace(self._path)

    def _report(self, note: str) -> None:
        if self._path:
            both = json.dumps({"key": str(self._key), "kept": self._note, "shown": note}, ensure_ascii=False)
            self._path.with_suffix(".fault.json").write_text(both, "utf-8")
