"""The file of a print job: what it noted it knows again, however it was cut off."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.printing.jobs import PrintJob, opened
from masking.errors import InputError, RefusedError
from masking.values.printable import WaybillId


@pytest.mark.parametrize("cut", range(1, 20))
def test_truncated_job_file_forgets_no_noted_label(cut: int, tmp_path: Path) -> None:
    ids = [WaybillId(f"wb1_{n:026}") for n in range(3)]
    with opened(tmp_path, "j") as job:
        job.set_plan(ids)
        job.note_sending(1)
        job.note_sent(1)
        job.note_sending(2)
    path = tmp_path / "j.job"
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    with opened(tmp_path, "j") as job:
        assert job.plan == ids
        noted = whole[:-cut].count(b"sent 1\n"), whole[:-cut].count(b"sending 1\n")
        assert job.sent == ({1} if noted[0] else set())
        assert job.doubtful == (1 if not noted[0] and noted[1] else None)


def test_job_is_open_once_and_its_name_cannot_be_a_path(tmp_path: Path) -> None:
    with opened(tmp_path, "j"), pytest.raises(RefusedError, match="printed-now"), opened(tmp_path, "j"):
        pass
    with pytest.raises(InputError), opened(tmp_path, "../j"):
        pass


def test_resumed_job_repeats_no_more_than_a_printers_memory(tmp_path: Path) -> None:
    def broken(name: str) -> PrintJob:
        with opened(tmp_path, name) as job:
            job.set_plan([WaybillId(f"wb1_{n:026}") for n in range(10)])
            job.note_sent(1, 2, 3, 4, 5, 6)
            job.note_sending(7)
            return job

    for resume in (None, 2, 9):
        with pytest.raises(RefusedError, match="label-7-may"):
            broken(f"j{resume}").pending(resume)
    for resume in (3, 7, 8):
        broken(f"k{resume}")
        with opened(tmp_path, f"k{resume}") as job:
            assert job.pending(resume) == list(range(resume, 11))
        with opened(tmp_path, f"k{resume}") as job:
            assert job.pending(None) == list(range(resume, 11))  # and stays so
