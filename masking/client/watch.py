"""Stores the latest checkpoint of a service, and checks that each newer one extends it.

A service that changes its ledger or cuts it back must show this client a checkpoint that does not extend the stored one. That is
detected, and both notes are written to a file as evidence (FORMAT.md section 9).
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
import os
import threading
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from masking.client.losses import ENVIRONMENT, Evidence, announced_losses, names
from masking.client.state import StateFolder
from masking.disk import replace
from masking.errors import InputError, IntegrityError, SettingsError
from masking.ledger import loss
from masking.ledger.checkpoint import Checkpoint, follows, read
from masking.ledger.note import VerifierKey

LOG = logging.getLogger("masking.client")
OLD = 600
"""Seconds after which a checkpoint counts as old. A running service signs one each minute, even without new leaves."""

Proof = Callable[[int, int], list[bytes]]
"""Requests the proof that the ledger with the second number of leaves extends that with the first."""


class Watch:
    """The known state of one ledger, shared by all threads and processes with this state folder. None keeps it in memory."""

    def __init__(
        self, state: StateFolder | None, key: VerifierKey | None = None, *, accepted_losses: Collection[str] = ()
    ) -> None:
        self._state = state
        self._accepted = frozenset(accepted_losses)
        self._given_up = ""
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
        """Whether the ledger's key is pinned. If not, it is fetched from the service once, and stored."""
        return self._key is not None

    @property
    def key(self) -> VerifierKey:
        """The pinned key.

        Raises:
            IntegrityError: no key is pinned yet.
        """
        if self._key is None:
            raise IntegrityError("the ledger's key is not known yet")
        return self._key

    def pin(self, key: str) -> None:
        """Pin the ledger's key."""
        self._key = VerifierKey.parse(key)

    def see(self, header: str, proof: Proof, evidence: Evidence | None = None) -> None:
        """Check a checkpoint that came with an answer, and store it. With `evidence`, follow a loss that is announced and accepted.

        Raises:
            IntegrityError: the ledger's key did not sign it. Or it does not extend the stored checkpoint, and either no
                announced loss explains this, or this client does not accept that announcement.
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
                    self._join(each, self._key, proof, evidence)
            self._keep()

    def warn_if_old(self, now: float) -> None:
        """Log a warning, once, if the service answers but shows only an old checkpoint: it may hide later leaves.

        `now` is in seconds since 1970, by the service's clock if that is known.
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

    def _join(self, note: str, key: VerifierKey, proof: Proof, evidence: Evidence | None) -> None:
        """Compare a checkpoint with the latest one, and store the later of the two."""
        new, last = read(note, key), self._last
        if last is not None:
            earlier, later = (new, last) if new.size < last.size else (last, new)
            fault = self._fault(earlier, later, proof)
            if fault and new.at < last.at and evidence and announced_losses(new, last, key, evidence):
                return  # a slower worker has not seen yet that leaves were lost, and this client has accepted it
            if fault:
                self._follow(note, fault, announced_losses(last, new, key, evidence) if evidence else [])
                self._note, self._last = note, new
                return
        if last is None or new.size > last.size or new.at > last.at:
            self._note, self._last = note, new

    def _follow(self, note: str, fault: str, announced: list[str]) -> None:
        """Replace the latest checkpoint by this one, if the loss was announced and this client is set to accept it."""
        missing = [name for name in names(announced) if name not in self._accepted]
        if announced and not missing:
            self._given_up = self._note
            if self._state:
                with self._state.locked(), self._state.writing():
                    keep_evidence(self._state, self._evidence(note, announced))
            LOG.warning(
                "the ledger has lost leaves; this client is set to accept the announcement %s", names(announced)
            )
            return
        self._report(note, announced)
        if missing:
            raise IntegrityError(
                f"the ledger is not what it was: {fault}. The operator has announced that leaves were lost. If you accept that, "
                f"start this program with {ENVIRONMENT}={','.join(names(announced))}, or run "
                '"waybill ledger accept --credentials FILE"'
            )
        raise IntegrityError(
            f"the ledger is not what it was: {fault}, and the service has announced no loss that explains it. Both "
            "checkpoints are kept; show them to the operator and ask what happened"
        )

    @staticmethod
    def _fault(earlier: Checkpoint, later: Checkpoint, proof: Proof) -> str | None:
        """The fault, as a word, or "". An older checkpoint, from a slower worker, must also be proved."""
        path: list[bytes] = []
        if 0 < earlier.size < later.size:
            try:
                path = proof(earlier.size, later.size)
            except InputError:  # the ledger is shorter than what it has signed
                return "shrunk"
        return follows(earlier, later, path)

    def _kept(self) -> tuple[VerifierKey, str] | None:
        """Read the key and the note from disk.

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
            raise SettingsError(f"{path.name} is not a stored checkpoint") from error
        if self._key and self._key != key:
            raise IntegrityError("the ledger's key is not the one that was seen before")
        return key, note

    def _keep(self) -> None:
        """Write the latest checkpoint to disk, unless another process has written a later one."""
        if self._state is None or self._key is None or self._last is None:
            return
        path = self._state.path(".ledger.json")
        with self._state.locked():
            kept = self._read(path)
            there = read(kept[1], kept[0]) if kept else None
            given_up = kept is not None and kept[1] == self._given_up
            if there is None or given_up or (there.size, there.at) < (self._last.size, self._last.at):
                text = json.dumps({"key": str(self._key), "note": self._note}, ensure_ascii=False)
                with self._state.writing():
                    replace(path, text.encode())

    def _report(self, note: str, announced: list[str]) -> None:
        if self._state:
            both = json.dumps(self._evidence(note, announced), ensure_ascii=False)
            with self._state.locked(), self._state.writing():
                replace(self._state.path(".ledger.fault.json"), both.encode())

    def _evidence(self, note: str, announced: list[str]) -> dict[str, Any]:
        return {"key": str(self._key), "kept": self._note, "shown": note, "losses": announced}


def keep_evidence(state: StateFolder, found: Mapping[str, Any]) -> None:
    """Write the former and the present checkpoint to a file of its own. The caller holds the folder's lock."""
    now = datetime.now(UTC)
    evidence = json.dumps(dict(found) | {"accepted": now.isoformat(timespec="seconds")}, ensure_ascii=False)
    replace(state.path(f".ledger.accepted-{now:%Y%m%dT%H%M%SZ}.json"), evidence.encode())


class Accepted(NamedTuple):
    """The number of leaves that this client knew, and the number in the ledger that it accepted."""

    known: int
    accepted: int


def accept_ledger(
    credentials: str | os.PathLike[str], *, state: str | os.PathLike[str] | None = None, unannounced: bool = False
) -> Accepted:
    """Accept the checkpoint that this client has refused, after the operator has announced and explained the lost leaves.

    Use it after a failover or restore of the service that lost leaves. Both signed checkpoints and the announcement are
    written as evidence, with the time, to NAME.ledger.accepted-TIME.json next to the credentials, or in the folder `state`.
    First stop the programs that use these credentials. If the operator can't announce the loss, `unannounced` accepts it
    without.

    Raises:
        SettingsError: no checkpoint was refused here, the loss was not announced, or a file can't be read or written.
    """
    files = StateFolder(Path(credentials), Path(state) if state is not None else None)
    refused = files.path(".ledger.fault.json")
    with files.locked():
        try:
            found = json.loads(refused.read_text("utf-8"))
            key = VerifierKey.parse(found["key"])
            known, shown = read(found["kept"], key), read(found["shown"], key)
            losses = [(name, loss.read(note, key)) for note in found["losses"] for name in names([note])]
        except FileNotFoundError:
            raise SettingsError(f"{refused.name} is missing: this client has refused no checkpoint") from None
        except (OSError, ValueError, KeyError, TypeError, IntegrityError) as error:
            raise SettingsError(f"{refused.name} does not hold two checkpoints that the ledger has signed") from error
        if not unannounced and not loss.passed(known, losses):
            raise SettingsError(
                "the service had announced no loss that explains the checkpoint when this client refused it. Ask the operator to "
                'run "waybill ledger accept", connect once more, then run this again'
            )
        kept = json.dumps({"key": found["key"], "note": found["shown"]}, ensure_ascii=False)
        with files.writing():  # the evidence first: a crash in between changes nothing
            keep_evidence(files, found)
            replace(files.path(".ledger.json"), kept.encode())
            refused.unlink()
    return Accepted(known.size, shown.size)
