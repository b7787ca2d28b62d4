"""A print job on disk: the order of its labels, and which of them were handed to the printer. It holds tokens only.

A label is noted as *sending*, flushed, before its first byte leaves, and as *sent* after its last: so a job that broke off
goes on at the right label and never hands one over twice. Where it broke off within a label nobody but a person at the
printer can know whether that one came out; such a job waits until it is told where to go on.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, final

from masking.disk import BINARY, try_lock
from masking.errors import InputError, RefusedError, SettingsError
from masking.values.printable import WaybillId

NAME = re.compile(r"[A-Za-z0-9._:-]{1,64}")
"""What a job may be called: the same rule as in `masking.steps.label`."""
MEMORY = 4
"""Labels that a printer may have taken and lost with its power, so that a job may be set back by so many."""


@final
class PrintJob:
    """An open job; positions count from 1 in the order of printing."""

    def __init__(self, file: IO[bytes]) -> None:
        """Read what stands in `file`. A line that a power cut left unfinished doesn't count, and is cut off."""
        self._file = file
        whole = file.read().rpartition(b"\n")[0]
        lines = whole.decode("ascii").splitlines()
        if "ready" not in lines:  # the plan was never finished, so nothing was sent
            lines, whole = [], b""
        file.seek(0)
        file.truncate(len(whole) + 1 if whole else 0)
        file.seek(0, os.SEEK_END)
        self.plan: list[WaybillId] = []
        self.sent: set[int] = set()
        self.doubtful: int | None = None
        for line in lines:
            match line.split(" "):
                case ["plan", token]:
                    self.plan.append(WaybillId(token))
                case ["sending", n]:
                    self.doubtful = int(n)
                case ["sent", n]:
                    self.sent.add(int(n))
                    self.doubtful = None
                case ["back", n]:
                    self.sent = {each for each in self.sent if each < int(n)}
                    self.doubtful = None

    def asked(self, ids: Sequence[WaybillId]) -> list[WaybillId]:
        """What is to be printed: these labels, each once, or those of the job if there are none.

        Raises:
            InputError: there are none, and the job is new.
            RefusedError: the job was begun with other labels.
        """
        asked = list(dict.fromkeys(ids)) or self.plan
        if not asked:
            raise InputError("ids", "none given, and no job of this name was begun")
        if self.plan and set(asked) != set(self.plan):
            raise RefusedError("this-job-was-begun-with-other-waybills: give another --job")
        return asked

    def set_plan(self, ids: Sequence[WaybillId]) -> None:
        """Fix the order, once."""
        self._note("".join(f"plan {id_}\n" for id_ in ids) + "ready")
        self.plan = list(ids)

    def pending(self, resume: int | None) -> list[int]:
        """The positions still to be sent. `resume` says where to go on after a label that is in doubt.

        Raises:
            RefusedError: a label is in doubt and `resume` is missing or leaves one out; or it goes back further than a
                printer's memory reaches.
        """
        doubtful = self.doubtful
        if doubtful is None:
            if resume is not None:
                raise RefusedError("nothing-is-in-doubt: leave --from out, and the job goes on at the right label")
        elif resume is None or not doubtful - MEMORY <= resume <= doubtful + 1:
            raise RefusedError(
                f"label-{doubtful}-may-have-been-printed: look at the last label that came out, and go on with --from "
                f"and the position after it (at most {doubtful + 1})"
            )
        elif resume > doubtful:
            self.note_sent(doubtful)
        else:
            self._note(f"back {resume}")
            self.sent = {n for n in self.sent if n < resume}
        return [n for n in range(1, len(self.plan) + 1) if n not in self.sent]

    def note_sending(self, position: int) -> None:
        """On disk before the label's first byte leaves."""
        self._note(f"sending {position}")
        self.doubtful = position

    def note_sent(self, *positions: int) -> None:
        """On disk after the last byte was taken."""
        self._note("\n".join(f"sent {n}" for n in positions))
        self.sent.update(positions)
        self.doubtful = None

    def _note(self, line: str) -> None:
        self._file.write(line.encode("ascii") + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())


@contextmanager
def opened(folder: Path, name: str) -> Iterator[PrintJob]:
    """The job of a name, new or begun earlier; nobody else can have it open.

    Raises:
        InputError: the name has characters that job names don't have.
        RefusedError: another program is printing this job now.
        SettingsError: the folder can't be written.
    """
    if not NAME.fullmatch(name):
        raise InputError("job", "not 1 to 64 letters, digits, hyphens")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        handle = os.open(folder / f"{name}.job", os.O_RDWR | os.O_CREAT | BINARY, 0o600)
    except OSError as error:
        raise SettingsError(f"{folder}: {error.strerror}") from None
    with os.fdopen(handle, "r+b") as file:
        if not try_lock(handle):
            raise RefusedError("this-job-is-being-printed-now")
        yield PrintJob(file)
