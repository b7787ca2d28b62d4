"""The counts for Prometheus: of one worker, and of several that answer on one socket."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from api.service.metrics import FRESH, Metrics
from masking.runtime import World
from tests.support.running_service import make_deployment, run_service_process, wait_until_ready

ACTS = st.tuples(st.integers(0, 2), st.sampled_from(["count", "publish", "ask", "die"]))


def total(text: str, route: str = "/v1/resolve") -> int:
    return sum(
        int(found) for found in re.findall(rf'^waybill_requests_total.*route="{route}".* (\d+)$', text, re.MULTILINE)
    )


def test_request_counts_in_every_bucket_at_or_above_its_time():
    counts = Metrics()
    for seconds in (0.001, 0.005, 0.3, 9.0):
        counts.count("POST", "/v1/resolve", 200, seconds)
    counts.count("BREW", "/v1/resolve", 405, 0.0)
    counts.outcome("refused", "unknown")
    lines = counts.text({"numbers_free": 7}).splitlines()
    fills = [int(line.rsplit(" ", 1)[1]) for line in lines if "_bucket" in line]
    assert fills == [3, 3, 3, 3, 3, 3, 4, 4, 4, 5]
    assert 'waybill_request_seconds_bucket{route="/v1/resolve",le="+Inf"} 5' in lines
    assert 'waybill_request_seconds_sum{route="/v1/resolve"} 9.306000' in lines
    assert 'waybill_requests_total{method="other",route="/v1/resolve",status="405"} 1' in lines
    assert 'waybill_outcomes_total{kind="refused",reason="unknown"} 1' in lines
    assert lines[-1] == "waybill_numbers_free 7"


def test_gauges_are_read_once_in_ten_seconds_and_again_after_a_failure():
    now, slots = [100.0], iter([{"free": 3}, {"free": 2}])
    counts = Metrics(clock=lambda: now[0])

    async def asked(many, read=lambda: next(slots)):
        return await asyncio.gather(*(counts.gauges(read) for _ in range(many)), return_exceptions=True)

    async def day():
        [failed] = await asked(1, lambda: 1 // 0)
        assert isinstance(failed, ZeroDivisionError)
        assert await asked(20) == [{"free": 3}] * 20
        now[0] += FRESH - 0.1
        assert await asked(2) == [{"free": 3}] * 2
        now[0] += 0.1
        assert await asked(2) == [{"free": 2}] * 2

    asyncio.run(day())


@given(acts=st.lists(ACTS, max_size=40))
def test_no_count_is_lost_doubled_or_reduced_whichever_worker_answers(acts):
    with tempfile.TemporaryDirectory() as place:
        workers = [Metrics(Path(place)) for _ in range(3)]
        counted, published, shown = [0] * 3, [0] * 3, 0
        dead = 0
        for who, act in acts:
            if act == "count":
                workers[who].count("POST", "/v1/resolve", 200, 0.1)
                counted[who] += 1
            elif act == "die":  # what it had not published is lost, another one takes its place
                dead += published[who]
                workers[who], counted[who], published[who] = Metrics(Path(place)), 0, 0
            else:
                published[who] = counted[who]
                if act == "publish":
                    workers[who].publish()
                    continue
                said = total(workers[who].text({}))
                assert said == dead + sum(published) >= shown
                shown = said
        published[0] = counted[0]
        assert total(workers[0].text({})) == dead + sum(published) >= shown


@pytest.mark.parametrize("urls", ["postgresql"], indirect=True)
def test_two_workers_count_together_and_a_killed_ones_counts_stay(tmp_path, urls):
    make_deployment(tmp_path / "d", World(), addresses=urls)
    places = {"TMPDIR": str(tmp_path)}
    with run_service_process("--folder", tmp_path / "d", "--workers", "2", **places) as (process, url):
        wait_until_ready(url)
        while len(files := list(tmp_path.glob("waybill-counts-*/[!.]*"))) < 2:
            assert process.poll() is None
            time.sleep(0.05)  # the other worker is starting
        workers = {int(path.name.split("-")[0]) for path in files}
        for _ in range(40):
            assert httpx.post(f"{url}/v1/resolve").status_code == 401
        assert _reached(url, 40) == [40] * 8  # from whichever worker
        os.kill(min(workers), signal.SIGKILL)
        with suppress(ProcessLookupError):
            while True:
                os.kill(min(workers), 0)
                time.sleep(0.05)  # the supervisor sees it and starts another
        for _ in range(10):
            assert httpx.post(f"{url}/v1/resolve").status_code == 401
        assert _reached(url, 50) == [50] * 8
        assert process.poll() is None
    assert list(tmp_path.glob("waybill-counts-*")) == []


def _reached(url: str, many: int) -> list[int]:
    """What each of eight answers says, once one says so many: a worker that was not asked tells its counts every second."""
    for _ in range(200):
        if total(httpx.get(f"{url}/metrics").text, "-") >= many:
            break
        time.sleep(0.05)  # the other worker tells its counts every second
    return [total(httpx.get(f"{url}/metrics").text, "-") for _ in range(8)]


def test_pool_is_counted_once_for_many_metrics_requests(service):
    counted, data = [], service.app.state.service.store.data

    @sa.event.listens_for(data, "before_cursor_execute")
    def count(_connection, _cursor, statement, *_):
        counted.append("count(*)" in statement and "FROM slot" in statement)

    for _ in range(20):
        assert "waybill_numbers_free" in service.ask(None, "/metrics").text
    sa.event.remove(data, "before_cursor_execute", count)
    assert sum(counted) <= 1
