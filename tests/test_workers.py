"""Several workers, as their operator sees them: they come up on a busy machine, and a service that can't start says so."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from masking.runtime import World
from tests.support.running_service import ROOT, make_deployment, run_service_process, wait_until_ready

SLOW = """
import sys, time
if "--multiprocessing-fork" in sys.orig_argv:
    time.sleep(6)
"""
"""What Python does first in each worker, and in no other process: it takes its time, as where many start at once."""

FAILING = """
import sys
from pathlib import Path
from api.service.serving import listening, run_service
from api.service.settings import ServiceSettings
sys.exit(run_service(ServiceSettings(folder=Path(sys.argv[1]), workers=2), listening("127.0.0.1", 0)))
"""


@pytest.mark.parametrize("urls", ["postgresql"], indirect=True)
def test_worker_that_takes_six_seconds_to_load_is_waited_for(tmp_path, urls):
    make_deployment(tmp_path / "d", World(), addresses=urls)
    (tmp_path / "sitecustomize.py").write_text(SLOW, "utf-8")
    path = f"{tmp_path}{os.pathsep}{ROOT}"
    log = tmp_path / "log"
    with run_service_process("--folder", tmp_path / "d", "--workers", "2", log=log, PYTHONPATH=path) as (_, url):
        while "startup complete" not in (said := log.read_text("utf-8")):
            assert "died" not in said
            time.sleep(0.05)  # the workers are starting
        wait_until_ready(url)


def test_service_whose_workers_cannot_start_ends_as_failed(tmp_path):
    """Then systemd starts it again: a database that is away for a minute is no end."""
    command, environ = [sys.executable, "-c", FAILING, tmp_path / "gone"], {**os.environ, "PYTHONPATH": str(ROOT)}
    assert subprocess.run(command, check=False, env=environ, capture_output=True, timeout=60).returncode == 3
