"""A print job on disk: the order of its labels, and which were sent to the printer. It holds waybill ids only.

A label is recorded as *sending* before its first byte is sent, and as *sent* after its last. So an interrupted job
continues at the right label and sends none twice. If it was interrupted within a label, only a person at the printer can
see whether that label came out, and the job waits until the user says where to continue.
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
"""The form of a job's name: the same rule as in `masking.steps.label`."""
MEMORY = 4
"""Labels that a printer may have received and lost in a power cut. A job may be set back by as many."""


@final
class PrintJob:
    """An open job. Positions count from 1 in the order of printing."""

    def __init__(self, file: IO[bytes]) -> None:
        """Read the job from `file`. A line that a power cut left incomplete is removed."""
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
        """The labels to print: these, each once, or those of the job if `ids` is empty.

        Raises:
            InputError: `ids` is empty and the job is new.
            RefusedError: the job was started with other labels.
        """
        asked = list(dict.fromkeys(ids)) or self.plan
        if not asked:
            raise InputError("ids", "missing: no job of this name was started, so give waybill ids")
        if self.plan and set(asked) != set(self.plan):
            raise RefusedError("this-job-was-started-with-other-waybills: give another --job")
        return asked

    def set_plan(self, ids: Sequence[WaybillId]) -> None:
        """Record the order of printing, once."""
        self._note("".join(f"plan {id_}\n" for id_ in ids) + "ready")
        self.plan = list(ids)

    def pending(self, resume: int | None) -> list[int]:
        """The positions still to be sent. `resume` is the position to continue at if a label is in doubt.

        Raises:
            RefusedError: a label is in doubt, and `resume` is missing, skips a label, or goes back by more than
                `MEMORY`; or no label is in doubt, and `resume` is given.
        """
        doubtful = self.doubtful
        if doubtful is None:
            if resume is not None:
                raise RefusedError("no-label-is-in-doubt: leave --from out, and the job continues at the right label")
        elif resume is None or not doubtful - MEMORY <= resume <= doubtful + 1:
            raise RefusedError(
                f"label-{doubtful}-may-have-been-printed: look at the last label that came out, and give --from with "
                f"the position after it (at most {doubtful + 1})"
            )
        elif resume > doubtful:
            self.note_sent(doubtful)
        else:
            self._note(f"back {resume}")
            self.sent = {n for n in self.sent if n < resume}
        return [n for n in range(1, len(self.plan) + 1) if n not in self.sent]

    def span(self, option: str, text: str) -> range:
        """The positions "A-B" that an option gives.

        Raises:
            InputError: the job has no such positions.
        """
        match = re.fullmatch(r"(\d{1,6})-(\d{1,6})", text)
        first, last = (int(each) for each in match.groups()) if match else (0, 0)
        if not 1 <= first <= last <= len(self.plan):
            raise InputError(option, f"not a range A-B of the job's positions 1-{len(self.plan)}")
        return range(first, last + 1)

    @contextmanager
    def sending(self, position: int) -> Iterator[None]:
        """Record a label before and after it is sent, unless it was sent before: a copy that breaks off stops no job."""
        if position in self.sent:
            yield
            return
        self.note_sending(position)
        yield
        self.note_sent(position)

    def note_sending(self, position: int) -> None:
        """Record a label on disk before its first byte is sent."""
        self._note(f"sending {position}")
        self.doubtful = position

    def note_sent(self, *positions: int) -> None:
        """Record labels on disk after their last byte was sent."""
        self._note("\n".join(f"sent {n}" for n in positions))
        self.sent.update(positions)
        self.doubtful = None

    def _note(self, line: str) -> None:
        self._file.write(line.encode("ascii") + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())


@contextmanager
def opened(folder: Path, name: str) -> Iterator[PrintJob]:
    """Open the job of this name, new or started earlier, and lock it.

    Raises:
        InputError: the name is not valid.
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
            raise RefusedError("this-job-is-being-printed-now: wait until the other program has finished")
        yield PrintJob(file)
