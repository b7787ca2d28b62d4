"""The schema of a database is compared with the program's; what is missing, different or foreign is refused by name."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing

import pytest
import sqlalchemy as sa

import masking
from api.cli.main import main
from api.service.container import Service
from api.service.settings import ServiceSettings
from masking.database import key_schema, schema
from masking.database.connections import open_engine
from masking.database.migrating import migrate
from masking.database.schema import DATA_HEAD
from masking.database.schema_check import check_schema, differences
from masking.deployment import open_folder
from masking.errors import SettingsError
from masking.runtime import World
from masking.upkeep.recovery import back_up
from tests.support import postgresql
from tests.support.waiting import run_async

QUIET = "create trigger quiet after insert on leaf begin delete from leaf where id = new.id; end"

IN_SQLITE = {
    QUIET: "trigger quiet of leaf is not the program's",
    "create view parcels as select * from waybill": "view parcels is not the program's",
    "create table notes (x)": "table notes is not the program's",
    "alter table scan drop column bound_for": "scan.bound_for is missing",
    "alter table scan add column colour text": "scan.colour is not the program's",
    "drop table canary": "table canary is missing",
    "drop index ix_scan_waybill_id": "index ix_scan_waybill_id of scan is missing",
    "create index mine on scan (at)": "index mine of scan is not the program's",
    "alter table person rename to people": "table person is missing",
}

IN_POSTGRESQL = {
    "create function f() returns trigger language plpgsql as 'begin return null; end'": "function f is not the program's",
    "create function f() returns trigger language plpgsql as 'begin return null; end';"
    "create trigger quiet before insert on leaf for each row execute function f()": "trigger quiet of leaf is not the program's",
    "create rule quiet as on insert to leaf do instead nothing": "rule quiet of leaf is not the program's",
    "create policy p on leaf using (false)": "policy p of leaf is not the program's",
    "alter table leaf enable row level security": "table leaf has row security",
    "create view parcels as select * from waybill": "view parcels is not the program's",
    "create materialized view parcels as select * from waybill": "materialized view parcels is not the program's",
    "alter table canary rename to c; create view canary as select * from c": "view canary is not the program's",
    "create table child () inherits (leaf)": "table leaf inherits, or is inherited from",
    "alter table canary set unlogged": "table canary is not logged, so that a crash empties it",
    "alter table scan drop column bound_for": "scan.bound_for is missing",
    "alter table scan alter column unit type text": "scan.unit is text NOT NULL and should be character varying(64) NOT NULL",
    "alter table scan alter column unit drop not null": "scan.unit is character varying(64) and should be",
    "alter table leaf alter column subject set default 'x'": "leaf.subject has another default",
    "alter table person drop constraint uq_person_device": "constraint UNIQUE (device) of person is missing",
    "alter table slot drop constraint ck_slot_waybill_while_held": "constraint ck_slot_waybill_while_held of slot is missing",
    "alter table alarm add check (kind <> 'canary') not valid": "is not the program's",
    "drop index ix_assignment_waybill": "index ix_assignment_waybill of assignment is missing",
    "drop index ix_assignment_waybill; create index ix_assignment_waybill on assignment (waybill)": (
        "index ix_assignment_waybill of assignment is declared differently"
    ),
    "alter table scan disable trigger all": "disabled constraint of scan is not the program's",
    "create operator = (leftarg = bytea, rightarg = bytea, function = byteaeq)": "operator = is not the program's",
    "create cast (bytea as xml) without function": "cast bytea to xml is not the program's",
    "create schema evil; create table evil.leaf (); set local search_path = evil, public": "table person is missing",
}


@pytest.fixture
def folder(tmp_path):
    where = tmp_path / "deployment"
    masking.connect(where).close()
    return where


def changed(path, statement):
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA foreign_keys=OFF")
        database.execute(statement)


def test_created_schema_is_the_expected_one(store):
    store.check_schemas()


@pytest.mark.parametrize("statement", IN_SQLITE)
def test_changed_sqlite_schema_is_refused_at_start_by_name(folder, statement):
    changed(folder / "data.sqlite", statement)
    with pytest.raises(SettingsError) as refused:
        open_folder(folder, World())
    assert IN_SQLITE[statement] in str(refused.value)


@pytest.fixture(scope="module")
def server():
    with postgresql.server() as socket:
        engine = open_engine(postgresql.create(socket, "data"))
        migrate(engine, "data", DATA_HEAD)
        yield engine
        engine.dispose()


@pytest.mark.parametrize("statement", IN_POSTGRESQL)
def test_changed_postgresql_schema_is_found_by_name(server, statement):
    with server.connect() as connection:
        connection.exec_driver_sql(statement)
        found = differences(connection, schema.data)
        connection.rollback()
    assert any(IN_POSTGRESQL[statement] in each for each in found), found
    check_schema(server, schema.data, "data")


@pytest.mark.parametrize(("what", "table"), [("data", "leaf"), ("keys", "wrap")])
def test_backup_with_a_trigger_is_not_restored(folder, tmp_path, capsys, what, table):
    copy = tmp_path / "copy.sqlite"
    store = open_folder(folder, World())
    back_up(
        store.data if what == "data" else store.keys.engine,
        copy,
        World().now(),
        keys=store.keys if what == "keys" else None,
    )
    store.close()
    changed(copy, QUIET.replace("leaf", table).replace(".id", f".{'id' if what == 'data' else 'waybill'}"))
    (folder / f"{what}.sqlite").unlink()
    assert main(["restore", what, str(copy), "--folder", str(folder)]) != 0
    assert f"trigger quiet of {table} is not the program's" in capsys.readouterr().err
    assert not (folder / f"{what}.sqlite").exists()


def test_doctor_names_a_foreign_trigger(folder, capsys):
    changed(folder / "data.sqlite", QUIET)
    assert main(["doctor", "--folder", str(folder)]) == 1
    assert (
        "WRONG  the schema of the data database is not this program's: trigger quiet of leaf" in capsys.readouterr().out
    )


def test_schema_error_names_five_differences_and_counts_the_others():
    engine = sa.create_engine("sqlite://")
    with pytest.raises(SettingsError, match=r"; table budget is missing and \d+ more\. "):
        check_schema(engine, schema.data, "data")
    with pytest.raises(SettingsError, match="of the keys database"):
        check_schema(engine, key_schema.keys, "keys")


@pytest.mark.parametrize("urls", ["file"], indirect=True)
def test_trigger_added_under_a_running_service_ends_its_readiness(world, store, tmp_path):
    async def until(service, failing):
        while service.failing != failing:  # noqa: ASYNC110  seen from outside
            await asyncio.sleep(0.01)

    async def scenario():
        service = Service(ServiceSettings(folder=tmp_path), world, store)
        changed(store.data.url.database, QUIET)
        task = asyncio.create_task(service.run())
        try:
            await until(service, {"schema"})
            changed(store.data.url.database, "drop trigger quiet")
            await until(service, set())
        finally:
            task.cancel()
            await service.drain()

    run_async(scenario())
