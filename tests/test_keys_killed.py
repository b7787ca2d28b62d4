"""kill -9 in the middle of moving wraps: every wrap is one key's or the other's, and the next run goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

import masking
from masking.database import key_schema
from masking.deployment import open_folder
from masking.keys import lifecycle
from masking.keys.keystore import Generation, OnlineWrap
from masking.runtime import World

ROOT = Path(__file__).parents[1]
MOVING = """
import sys
from datetime import timedelta
from pathlib import Path
from masking.deployment import open_folder
from masking.keys import lifecycle
from masking.runtime import World

real = World()
world = World(now=lambda: real.now() + timedelta(days=31))
store = open_folder(Path(sys.argv[1]), world)
for moved in lifecycle.refresh(store.keys, [sys.argv[2]], world, world.now(), batch=5):
    print(moved, flush=True)
"""


@pytest.mark.parametrize("batches", [1, 4, 11])
def test_refresh_killed_at_any_batch_is_finished_without_a_lost_wrap(tmp_path, batches):
    folder = tmp_path / "deployment"
    masking.connect(folder).close()
    world = World()
    store = open_folder(folder, world)
    generations = [Generation(world.record_id(world.now()), 1) for _ in range(200)]
    keys = store.keys.add_wraps("carrier", generations, world, world.now())
    [old] = store.keys.names("online")

    command = [sys.executable, "-c", MOVING, str(folder), old]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as moving:
        for _ in range(batches):
            assert moving.stdout.readline() == "5\n"
        moving.send_signal(signal.SIGKILL)
        moving.wait()

    def wraps():
        store.keys.forget()
        table = key_schema.wrap
        columns = (table.c.waybill, table.c.generation, table.c.tenant, table.c.online_key, table.c.online)
        with store.keys.engine.connect() as connection:
            rows = connection.execute(sa.select(*columns).order_by(table.c.waybill)).all()
        return {row.waybill: OnlineWrap(*row) for row in rows}

    found = wraps()
    moved = [wrapped for wrapped in found.values() if wrapped.online_key != old]
    assert 5 * batches <= len(moved) < 200
    assert len(moved) % 5 == 0  # whole batches only
    assert [store.keys.unwrap(found[each.waybill]) for each in generations] == keys
    later = World(now=lambda: world.now() + timedelta(days=31))
    assert sum(lifecycle.refresh(store.keys, [old], later, later.now())) == 200 - len(moved)
    lifecycle.destroy(store.keys, "online", old, later.now())
    found = wraps()
    assert [store.keys.unwrap(found[each.waybill]) for each in generations] == keys
    store.close()
