"""Keeps the latest checkpoint that the service has shown, and demands of each newer one that it continues it.

A service that edits its ledger, or cuts it back, has to show this client a checkpoint that doesn't follow the one kept
here, and is caught. Both notes then lie beside each other in a file, to be shown to others (FORMAT.md section 9).
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from masking.client.state import StateFolder
from masking.disk import replace
from masking.errors import InputError, IntegrityError, SettingsError
from masking.ledger.checkpoint import Checkpoint, follows, read
from masking.ledger.note import VerifierKey

LOG = logging.getLogger("masking.client")
OLD = 600
"""Seconds; a service that runs signs a checkpoint each minute, also when nothing happens."""

Proof = Callable[[int, int], list[bytes]]
"""Asks the service to prove that its ledger of so many leaves is the beginning of that of so many."""


class Watch:
    """One ledger as seen from here, by all threads and processes that share a state folder; None keeps it in memory."""

    def __init__(self, state: StateFolder | None, key: VerifierKey | None = None) -> None:
        self._state = state
        self._key = key
        self._note = ""
        self._last: Checkpoint | None = None
        self._turn = threading.Lock()
        self._warned = False
        kept = self._kept()
        if kept:
            self._key, self._note = kept
            self._last = read(self._note, self._key)

    @property
    def knows_key(self) -> bool:
        """Whether the ledger's key is pinned; without one it is taken from the service once, and kept."""
        return self._key is not None

    @property
    def key(self) -> VerifierKey:
        """The pinned key.

        Raises:
            IntegrityError: there is none yet.
        """
        if self._key is None:
            raise IntegrityError("the ledger's key is not known yet")
        return self._key

    def pin(self, key: str) -> None:
        """Keep the ledger's key."""
        self._key = VerifierKey.parse(key)

    def see(self, header: str, proof: Proof) -> None:
        """Take a checkpoint as it came with an answer.

        Raises:
            IntegrityError: it is not signed by the ledger, or doesn't agree with the one kept.
        """
        try:
            note = base64.b64decode(header, validate=True).decode()
        except (binascii.Error, ValueError):
            raise IntegrityError("the checkpoint is not a signed note") from None
        if note == self._note or self._key is None:
            return
        with self._turn:
            kept = self._kept()
            for each in (kept[1], note) if kept else (note,):  # another process may have kept one that we have not seen
                if each != self._note:
                    self._join(each, self._key, proof)
            self._keep()

    def warn_if_old(self, now: float) -> None:
        """Log a warning, once, if the latest checkpoint is old although the service answers: it may hide what came since.

        `now` is in seconds since 1970, by the service's clock as far as that is known.
        """
        last = self._last
        if last is None or now - last.at.timestamp() <= OLD:
            self._warned = False
        elif not self._warned:
            self._warned = True
            LOG.warning(
                "the service answers, but its newest checkpoint is more than %d seconds old: "
                "check this machine's clock, then ask the operator to look at the ledger",
                OLD,
            )

    def _join(self, note: str, key: VerifierKey, proof: Proof) -> None:
        """Compare a checkpoint with the latest one, and go on with the later of the two."""
        new, last = read(note, key), self._last
        if last is not None:
            earlier, later = (new, last) if new.size < last.size else (last, new)
            fault = self._fault(earlier, later, proof)
            if fault:
                self._report(note)
                raise IntegrityError(
                    f"the ledger is not what it was: {fault}. Both checkpoints are kept; ask the operator what happened. If leaves were "
                    'lost in a failover and you accept that, run "waybill ledger accept --credentials FILE"'
                )
        if last is None or new.size > last.size or new.at > last.at:
            self._note, self._last = note, new

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

    def _kept(self) -> tuple[VerifierKey, str] | None:
        """The key and the note on disk.

        Raises:
            SettingsError: the file can't be read.
            IntegrityError: its key is not the one that this process knows.
        """
        if self._state is None or not self._state.path(".ledger.json").exists():
            return None
        with self._state.locked():
            return self._read(self._state.path(".ledger.json"))

    def _read(self, path: Path) -> tuple[VerifierKey, str] | None:
        try:
            kept = json.loads(path.read_text("utf-8"))
            key, note = VerifierKey.parse(kept["key"]), str(kept["note"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SettingsError(f"{path.name} is no kept checkpoint") from error
        if self._key and self._key != key:
            raise IntegrityError("the ledger's key is not the one that was seen before")
        return key, note

    def _keep(self) -> None:
        """Put the latest checkpoint on disk, unless another process has put a later one there."""
        if self._state is None or self._key is None or self._last is None:
            return
        path = self._state.path(".ledger.json")
        with self._state.locked():
            kept = self._read(path)
            there = read(kept[1], kept[0]) if kept else None
            if there is None or (there.size, there.at) < (self._last.size, self._last.at):
                text = json.dumps({"key": str(self._key), "note": self._note}, ensure_ascii=False)
                with self._state.writing():
                    replace(path, text.encode())

    def _report(self, note: str) -> None:
        if self._state:
            both = json.dumps({"key": str(self._key), "kept": self._note, "shown": note}, ensure_ascii=False)
            with self._state.locked(), self._state.writing():
                replace(self._state.path(".ledger.fault.json"), both.encode())


class Accepted(NamedTuple):
    """How many leaves the ledger had as this client knew it, and how many it has as it was accepted."""

    known: int
    accepted: int


def accept_ledger(credentials: str | os.PathLike[str], *, state: str | os.PathLike[str] | None = None) -> Accepted:
    """Go on from the checkpoint that this client has refused, after the operator has explained what was lost.

    For a failover or restore on the service's side that lost leaves. Both signed checkpoints stay as evidence, with the time, in
    NAME.ledger.accepted-TIME.json next to the credentials, or in the folder `state`. Stop the programs that use these
    credentials first.

    Raises:
        SettingsError: nothing was refused here, or a file can't be read or written.
    """
    files = StateFolder(Path(credentials), Path(state) if state is not None else None)
    refused = files.path(".ledger.fault.json")
    with files.locked():
        try:
            found = json.loads(refused.read_text("utf-8"))
            key = VerifierKey.parse(found["key"])
            known, shown = read(found["kept"], key), read(found["shown"], key)
        except FileNotFoundError:
            raise SettingsError(f"{refused.name} is missing: this client has refused no checkpoint") from None
        except (OSError, ValueError, KeyError, TypeError, IntegrityError) as error:
            raise SettingsError(f"{refused.name} does not hold two checkpoints that the ledger has signed") from error
        now = datetime.now(UTC)
        evidence = json.dumps(found | {"accepted": now.isoformat(timespec="seconds")}, ensure_ascii=False)
        kept = json.dumps({"key": found["key"], "note": found["shown"]}, ensure_ascii=False)
        with files.writing():  # the evidence first: a crash in between changes nothing
            replace(files.path(f".ledger.accepted-{now:%Y%m%dT%H%M%SZ}.json"), evidence.encode())
            replace(files.path(".ledger.json"), kept.encode())
            refused.unlink()
    return Accepted(known.size, shown.size)
