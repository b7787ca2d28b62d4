"""A log without a reader stops neither the service nor its end; lost lines are counted."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import httpx

from api.service.log_writer import BoundedLines
from masking.runtime import World
from tests.support.running_service import make_deployment, wait_until_ready


def record(text: str) -> logging.LogRecord:
    return logging.LogRecord("waybill", logging.INFO, "", 0, text, None, None)


def test_lines_beyond_a_full_log_queue_are_dropped_and_counted():
    reading, writing = os.pipe()
    handler = BoundedLines(writing, most=5)
    line = "x" * 65536  # as much as the pipe holds: the writer is stuck in the second one
    for _ in range(20):
        handler.emit(record(line))
    kept = 20 - handler.dropped
    assert 5 <= kept <= 7
    read = 0
    while read < kept * (len(line) + 1):
        read += len(os.read(reading, 65536))
    handler.flush()
    handler.emit(record("next"))
    assert os.read(reading, 65536) == b"next\n"
    assert handler.dropped == 20 - kept
    os.close(reading)
    handler.emit(record("nobody reads this"))
    handler.flush()
    assert handler.dropped == 21 - kept
    os.close(writing)


def test_service_answers_and_ends_while_its_log_is_not_read(tmp_path):
    make_deployment(tmp_path / "d", World())
    command = [sys.executable, "-m", "api.cli", "serve", "--port", "0", "--folder", str(tmp_path / "d")]
    reading, writing = os.pipe()
    process = subprocess.Popen(command, stderr=writing, cwd=Path(__file__).parents[1])
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8", buffering=1) as log:
        try:
            told = json.loads(log.readline())
            url = f"http://127.0.0.1:{told['port']}"
            wait_until_ready(url)
            with httpx.Client(timeout=10) as client:
                for _ in range(1000):  # some 200 bytes each: three times what a pipe holds
                    assert client.get(f"{url}/healthz").status_code == 200
                assert "waybill_log_lines_dropped_total 0" in client.get(f"{url}/metrics").text
        finally:
            process.terminate()
            assert process.wait(timeout=30) == 0
