"""A clock that is ahead: what it may close or destroy, and that orders are taken all the same."""

from __future__ import annotations

from datetime import timedelta

import pytest

from api.cli.wall_clock import known_time
from masking.crypto.index import record_of_waybill_id
from masking.database.engine import transaction
from masking.database.key_schema import stored_key
from masking.deployment import create, open_folder
from masking.errors import SettingsError
from masking.journal import journal
from masking.keys import lifecycle
from masking.runtime import World
from masking.steps.retire import SealAway, retire
from masking.store.store import Settings
from masking.upkeep.archive import open_archived
from masking.upkeep.retention_run import nightly
from tests.support import postgresql
from tests.support.parcels import check_out
from tests.support.people import OPERATOR
from tests.support.running_service import run_service


def test_order_of_a_day_closed_early_is_sealed_under_a_successor(store, world, order):
    name, private = lifecycle.new_offline(store.keys)
    lifecycle.use_offline(store.keys, name, private, world, world.now())
    before = check_out(world, store, order("before"))
    ahead = World(now=lambda: world.now() + timedelta(days=1), entropy=world.entropy)
    assert {line.what: line.times for line in nightly(ahead, store, OPERATOR)}["days closed"] == 1
    after = check_out(world, store, order("after"))
    assert store.keys.names("archive") == ["2026-11-24.2"]
    for waybill in (before, after):
        retire(world, store, [SealAway(actor=OPERATOR, id=waybill.id)])
        opened = open_archived(
            world, store, private, record_of_waybill_id(waybill.id), actor="operator", reason="dispute"
        )
        assert opened["recipient.phone"].reveal() == "13800000001"


def test_store_that_saw_a_day_closed_wraps_nothing_under_its_key(store, world, order):
    check_out(world, store, order("before"))
    with transaction(store.keys.engine) as tx:  # as another process does it: this one still remembers the key
        closed = stored_key.c.purpose == "archive"
        tx.execute(stored_key.update().where(closed).values(wrapped=None, died=1))
    check_out(world, store, order("after"))
    wraps = {line.name: line.wraps for line in lifecycle.listing(store.keys) if line.purpose == "archive"}
    assert wraps == {"2026-11-24": 1, "2026-11-24.2": 1}


def test_archive_key_is_rotated_by_command_and_used_by_the_next_order(store, world, order):
    check_out(world, store, order("before"))
    assert lifecycle.rotate(store.keys, "archive", world, world.now()) == "2026-11-24.2"
    check_out(world, store, order("after"))
    wraps = {line.name: line.wraps for line in lifecycle.listing(store.keys) if line.purpose == "archive"}
    assert wraps == {"2026-11-24": 1, "2026-11-24.2": 1}


def test_without_a_server_clock_only_days_over_by_the_ledger_are_closed(tmp_path):
    world = World()
    create(tmp_path / "deployment", world, Settings())
    store = open_folder(tmp_path / "deployment", world)
    store.keys.try_today(world, world.now())
    journal.sequence(world, store)
    ahead = World(now=lambda: world.now() + timedelta(days=1))
    over = known_time(ahead, store)
    assert over < world.now() + timedelta(minutes=1)
    assert {line.what: line.times for line in nightly(ahead, store, OPERATOR, over=over)}["days closed"] == 0
    store.close()


def test_clock_days_ahead_of_the_ledger_is_refused_unless_confirmed(tmp_path):
    world = World()
    create(tmp_path / "deployment", world, Settings())
    store = open_folder(tmp_path / "deployment", world)
    journal.sequence(world, store)
    ahead = World(now=lambda: world.now() + timedelta(days=10))
    with pytest.raises(SettingsError, match=r"10\.0 days before .* --clock-is-right"):
        known_time(ahead, store)
    assert known_time(ahead, store, is_right=True) > world.now() + timedelta(days=9)
    store.close()


def test_clock_ahead_of_the_database_server_is_refused(databases, tmp_path):
    world, socket = World(), databases[0].url.query["host"]
    addresses = tuple(postgresql.create(socket, f"ahead-{name}") for name in ("data", "keys"))
    create(tmp_path / "deployment", world, Settings(), addresses=addresses)
    store = open_folder(tmp_path / "deployment", world)
    assert known_time(world, store)
    for is_right in (False, True):
        with pytest.raises(SettingsError, match=r"24\.0 hours ahead of the data database server's clock"):
            known_time(World(now=lambda: world.now() + timedelta(days=1)), store, is_right=is_right)
    store.close()


def test_service_is_not_ready_when_a_key_of_today_does_not_open(tmp_path):
    with run_service(tmp_path / "deployment") as service:
        assert service.http.get("/readyz").json()["ready"]
        keys = service.app.state.service.store.keys
        with transaction(keys.engine) as tx:
            today = stored_key.c.purpose == "online"
            tx.execute(stored_key.update().where(today).values(wrapped=b"\1" + bytes(60)))
        keys.forget()
        answer = service.http.get("/readyz")
        assert (answer.status_code, answer.json()["ready"]) == (503, False)
