"""What is destroyed stays destroyed, in every copy that is claimed, and what lives still opens."""

from __future__ import annotations

import resource
import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest
import sqlalchemy as sa

import masking
from api.cli.main import main
from masking.crypto.index import record_of_waybill_id
from masking.database import key_schema, schema
from masking.deployment import open_folder
from masking.errors import RefusedError, SettingsError
from masking.journal import journal
from masking.ledger.log import decode
from masking.runtime import World
from masking.steps.retire import Destroy, SealAway, retire
from masking.store import parcels
from masking.upkeep import recovery
from masking.upkeep.recovery import back_up, reconcile, restore_keys
from tests.support.parcels import check_out, open_recipient_name
from tests.support.people import OPERATOR


@pytest.fixture
def folder(tmp_path):
    where = tmp_path / "deployment"
    masking.connect(where).close()
    return where


@pytest.fixture
def deployment(folder):
    """A folder's store, and its real clock: copies expire by it."""
    store = open_folder(folder, World())
    yield store
    store.close()


@pytest.fixture
def three(deployment, order):
    """One waybill that will be destroyed, one that will be sealed away, one that lives."""
    return [check_out(World(), deployment, order(f"A-{n}")) for n in range(3)]


def destroy(store, waybill, reason="erasure-request"):
    return retire(World(), store, [Destroy(actor=OPERATOR, id=waybill.id, reason=reason)])[0]


def openable(store, waybills):
    """Which of these waybills anything can still be opened of."""
    ids = {record_of_waybill_id(waybill.id) for waybill in waybills}
    with store.transaction() as tx:
        known = parcels.of_ids(store, tx, ids)
    return [record_of_waybill_id(waybill.id) in known.wraps for waybill in waybills]


def states(store, waybills):
    with store.transaction() as tx:
        table = schema.waybill
        found = {row.id: row.state for row in tx.execute(sa.select(table.c.id, table.c.state))}
    return [found[record_of_waybill_id(waybill.id)] for waybill in waybills]


def back_again(folder, copy, name):
    """The copy of a database in the place of the one in use, as a restore leaves it."""
    for file in folder.glob(f"{name}.sqlite*"):
        file.unlink()
    shutil.copy(copy, folder / f"{name}.sqlite")


def test_yesterdays_data_with_todays_keys_opens_no_destroyed_waybill(folder, deployment, three, tmp_path):
    back_up(deployment.data, tmp_path / "copy.sqlite", World().now())
    gone, away, kept = three
    destroy(deployment, gone)
    retire(World(), deployment, [SealAway(actor=OPERATOR, id=away.id)])
    deployment.close()
    back_again(folder, tmp_path / "copy.sqlite", "data")
    restored = open_folder(folder, World())
    assert openable(restored, three) == [False, False, True]
    assert open_recipient_name(restored, kept) == "欧阳测试"
    assert states(restored, three)[0] == "destroyed"  # its masked view and indexes are cleared again, too
    with restored.transaction() as tx:
        row = tx.execute(sa.select(schema.waybill).where(schema.waybill.c.id == record_of_waybill_id(gone.id))).one()
    assert row.masked is row.recipient_index is row.merge_reference is row.reference is None
    restored.close()


def test_copy_of_the_keys_does_not_start_before_destructions_are_replayed(folder, deployment, three, tmp_path):
    back_up(deployment.keys.engine, tmp_path / "copy.sqlite", World().now(), keys=deployment.keys)
    destroy(deployment, three[0])
    deployment.close()
    back_again(folder, tmp_path / "copy.sqlite", "keys")
    with pytest.raises(SettingsError, match="waybill restore keys"):
        open_folder(folder, World())


def test_restored_data_ignores_the_log_left_by_a_crash(folder, deployment, three, tmp_path, order, capsys):
    """SQLite would play a log that it finds beside a file into that file."""
    back_up(deployment.data, tmp_path / "copy.sqlite", World().now())
    destroy(deployment, three[0])
    check_out(World(), deployment, order("A-9"))
    logs = {file: file.read_bytes() for file in folder.glob("data.sqlite-*")}
    deployment.close()
    (folder / "data.sqlite").unlink()
    for file, log in logs.items():
        file.write_bytes(log)
    assert logs[folder / "data.sqlite-wal"]
    for wrong in (folder / "waybill.toml", folder / "keys.sqlite"):
        assert main(["restore", "data", str(wrong), "--folder", str(folder)]) == 2
        assert "copy of data.sqlite" in capsys.readouterr().err
    assert main(["restore", "data", str(tmp_path / "copy.sqlite"), "--folder", str(folder)]) == 0
    restored = open_folder(folder, World())
    assert states(restored, three) == ["destroyed", "active", "active"]
    with restored.transaction() as tx:
        assert tx.execute(sa.select(sa.func.count()).select_from(schema.waybill)).scalar() == 3
    restored.close()
    assert main(["ledger", "verify", "--folder", str(folder)]) == 0
    assert main(["restore", "data", str(tmp_path / "copy.sqlite"), "--folder", str(folder)]) == 2
    assert "move it away first" in capsys.readouterr().err


def test_restored_keys_open_nothing_destroyed_or_sealed_away_since(folder, deployment, three, tmp_path, capsys):
    back_up(deployment.keys.engine, tmp_path / "copy.sqlite", World().now(), keys=deployment.keys)
    destroy(deployment, three[0])
    retire(World(), deployment, [SealAway(actor=OPERATOR, id=three[1].id)])
    deployment.close()
    for file in folder.glob("keys.sqlite*"):
        file.unlink()
    assert main(["restore", "keys", str(tmp_path / "copy.sqlite"), "--folder", str(folder)]) == 0
    assert "1 destructions replayed" in capsys.readouterr().out
    restored = open_folder(folder, World())
    assert openable(restored, three) == [False, False, True]
    assert reconcile(World(), restored) == (0, 0)
    restored.close()


def test_key_file_put_back_by_hand_is_noticed_at_the_start(folder, deployment, three, tmp_path):
    back_up(deployment.keys.engine, tmp_path / "copy.sqlite", World().now())  # a plain copy, unmarked
    destroy(deployment, three[0])
    deployment.close()
    back_again(folder, tmp_path / "copy.sqlite", "keys")
    restored = open_folder(folder, World())
    assert openable(restored, three) == [False, True, True]
    restored.close()


def test_backup_older_than_a_day_is_refused(deployment, three, tmp_path):
    made = World().now() - timedelta(hours=25)
    back_up(deployment.keys.engine, tmp_path / "copy.sqlite", made, keys=deployment.keys)
    with pytest.raises(RefusedError, match="older-than-24-hours"):
        restore_keys(
            tmp_path / "copy.sqlite",
            f"sqlite:///{tmp_path}/new.sqlite",
            deployment.data,
            deployment.keys.source,
            World().now(),
        )
    assert not (tmp_path / "new.sqlite").exists()


def test_restore_overwrites_no_key_store_and_takes_nothing_else(deployment, folder, three, tmp_path):
    back_up(deployment.keys.engine, tmp_path / "copy.sqlite", World().now(), keys=deployment.keys)
    with pytest.raises(SettingsError, match="move it away"):
        restore_keys(
            tmp_path / "copy.sqlite",
            f"sqlite:///{folder}/keys.sqlite",
            deployment.data,
            deployment.keys.source,
            World().now(),
        )
    back_up(deployment.data, tmp_path / "data.sqlite", World().now())
    with pytest.raises(SettingsError, match=r"not a copy of new\.sqlite"):
        restore_keys(
            tmp_path / "data.sqlite",
            f"sqlite:///{tmp_path}/new.sqlite",
            deployment.data,
            deployment.keys.source,
            World().now(),
        )
    with pytest.raises(SettingsError, match="never overwritten"):
        back_up(deployment.data, tmp_path / "data.sqlite", World().now())


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("nonsense", "the address of a database is not valid"),
        ("postgresql+psycopg://host:port/name", "the address of a database is not valid"),
        (
            "sqlite:///{}/none.sqlite",
            "none.sqlite is missing, and its destructions must be replayed: restore the data first",
        ),
    ],
)
def test_keys_are_not_restored_next_to_missing_data(
    deployment, folder, three, tmp_path, monkeypatch, capsys, address, told
):
    back_up(deployment.keys.engine, tmp_path / "copy.sqlite", World().now(), keys=deployment.keys)
    monkeypatch.setenv("WAYBILL_DATA", address.format(tmp_path))
    monkeypatch.setenv("WAYBILL_KEYS", f"sqlite:///{tmp_path}/keys.sqlite")
    assert main(["restore", "keys", str(tmp_path / "copy.sqlite"), "--folder", str(folder)]) == 2
    assert f"waybill restore: {told}" in capsys.readouterr().err
    assert not list(tmp_path.glob("[nk]*.sqlite"))


def test_backup_is_private_and_complete(deployment, three, tmp_path):
    back_up(deployment.keys.engine, tmp_path / "copy.sqlite", World().now(), keys=deployment.keys)
    assert [path.name for path in tmp_path.glob("copy.sqlite*")] == ["copy.sqlite"]
    assert (tmp_path / "copy.sqlite").stat().st_mode & 0o777 == 0o600
    with sqlite3.connect(tmp_path / "copy.sqlite") as copy:
        assert copy.execute("SELECT count(*) FROM wrap").fetchone() == (3,)
    copy.close()
    assert recovery.copied_at(deployment.keys.engine) is None  # only the copy is marked


def test_incomplete_backup_leaves_no_file(deployment, three, tmp_path):
    """As on a full disk; the next try finds nothing in its way."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, before[1]))
    try:
        with pytest.raises(SettingsError, match=r"copy\.sqlite could not be written completely: "):
            back_up(deployment.data, tmp_path / "copy.sqlite", World().now())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.glob("copy*")) == []
    back_up(deployment.data, tmp_path / "copy.sqlite", World().now())


def test_no_sqlite_file_keeps_a_destroyed_wrap_or_field(folder, deployment, three):
    record = record_of_waybill_id(three[0].id)
    with deployment.transaction() as tx:
        fields = tx.execute(sa.select(schema.sealed).where(schema.sealed.c.waybill == record)).one()
    with deployment.keys.engine.connect() as connection:
        wraps = connection.execute(sa.select(key_schema.wrap).where(key_schema.wrap.c.waybill == record)).one()
    secrets = [wraps.online, wraps.archive, *fields[1:]]

    def found():
        bytes_ = b"".join(path.read_bytes() for path in folder.glob("*.sqlite*"))
        return [secret in bytes_ for secret in secrets]

    assert found() == [True] * 10  # the search finds them while they are there
    destroy(deployment, three[0])
    assert found() == [False] * 10


def test_store_never_restored_has_nothing_to_reconcile(store, world, order):
    waybill = check_out(world, store, order())
    retire(world, store, [Destroy(actor=OPERATOR, id=waybill.id, reason="test")])
    assert reconcile(world, store) == (0, 0)


def test_start_reads_neither_table_of_destructions_whole(store, world, order):
    if store.data.dialect.name != "sqlite":
        pytest.skip("a small table is read as a whole there; `make bench ONLY=growth` measures it")
    waybill = check_out(world, store, order())
    retire(world, store, [Destroy(actor=OPERATOR, id=waybill.id, reason="test")])
    plans = []

    def explain(connection, _cursor, statement, parameters, *_):
        if statement.startswith("SELECT"):
            plans.extend(row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters))

    for engine in (store.data, store.keys.engine):
        sa.event.listen(engine, "before_cursor_execute", explain)
    reconcile(world, store)
    assert any("ix_waybill_destroyed (destroyed>?)" in plan for plan in plans), plans
    assert [plan for plan in plans if plan in {"SCAN waybill", "SCAN destruction"}] == []


def test_thorough_check_finds_a_destruction_by_a_clock_set_back(store, world, fake_world, order):
    early, late = (check_out(world, store, order(name)) for name in ("A-1", "A-2"))
    fake_world.advance(hours=2)
    retire(world, store, [Destroy(actor=OPERATOR, id=late.id, reason="test")])
    with store.keys.engine.connect() as connection:
        before = {
            table: [dict(row) for row in connection.execute(sa.select(table)).mappings()]
            for table in (key_schema.destruction, key_schema.wrap)
        }
    fake_world.advance(hours=-1)
    retire(world, store, [Destroy(actor=OPERATOR, id=early.id, reason="test")])
    with store.keys.engine.begin() as connection:  # the key store as it was between the two
        for table, rows in before.items():
            connection.execute(table.delete())
            connection.execute(table.insert(), rows)
    assert reconcile(world, store) == (0, 0)
    assert openable(store, [early]) == [True]
    assert reconcile(world, store, thorough=True) == (1, 0)
    assert openable(store, [early]) == [False]


def test_tombstones_are_replayed_on_every_kind_of_store(store, world, order):
    gone, kept = (check_out(world, store, order(name)) for name in ("A-1", "A-2"))
    with store.keys.engine.connect() as connection:
        wraps = [dict(row) for row in connection.execute(sa.select(key_schema.wrap)).mappings()]
    retire(world, store, [Destroy(actor=OPERATOR, id=gone.id, reason="test")])
    with store.keys.engine.begin() as connection:  # the key store as it was before
        connection.execute(key_schema.destruction.delete())
        connection.execute(key_schema.wrap.delete())
        connection.execute(key_schema.wrap.insert(), wraps)
    assert openable(store, [gone, kept]) == [True, True]
    assert reconcile(world, store) == (1, 0)
    assert openable(store, [gone, kept]) == [False, True]


def test_data_put_back_by_hand_is_not_signed_until_accepted(
    folder, deployment, three, tmp_path, order, capsys, monkeypatch
):
    journal.sequence(World(), deployment)
    back_up(deployment.data, tmp_path / "copy.sqlite", World().now())
    check_out(World(), deployment, order("A-9"))
    journal.sequence(World(), deployment)
    deployment.close()
    back_again(folder, tmp_path / "copy.sqlite", "data")
    here = ("--folder", str(folder))
    assert (main(["ledger", "verify", *here]), main(["doctor", *here])) == (1, 1)
    said = capsys.readouterr().out
    assert "leaf 3: tail-cut" in said
    assert "WRONG  the ledger has 3 leaves, and 4 were signed: it was cut back" in said
    monkeypatch.setattr("builtins.input", lambda _: "no")
    assert main(["ledger", "accept", *here]) == 1
    assert main(["ledger", "accept", "--yes", *here]) == 0
    assert "accepted: 4 leaves were signed, 3 are left" in capsys.readouterr().out
    assert main(["ledger", "verify", *here]) == 0
    with closing(open_folder(folder, World())) as store, store.transaction() as tx:
        bodies = tx.execute(sa.select(schema.leaf.c.body).order_by(schema.leaf.c.position)).scalars().all()
    last = decode(bodies[-1])
    assert (last.kind, last.actor) == ("accept", "operator")
    assert (last.detail["signed"], last.detail["left"], last.detail["reason"]) == ("4", "3", "failover")


def test_restore_of_the_data_records_how_many_leaves_were_lost(folder, deployment, three, tmp_path, order):
    journal.sequence(World(), deployment)
    back_up(deployment.data, tmp_path / "copy.sqlite", World().now())
    check_out(World(), deployment, order("A-9"))
    journal.sequence(World(), deployment)
    deployment.close()
    for file in folder.glob("data.sqlite*"):
        file.unlink()
    assert main(["restore", "data", str(tmp_path / "copy.sqlite"), "--folder", str(folder)]) == 0
    assert main(["ledger", "verify", "--folder", str(folder)]) == 0
    with closing(open_folder(folder, World())) as store, store.transaction() as tx:
        bodies = tx.execute(sa.select(schema.leaf.c.body).order_by(schema.leaf.c.position)).scalars().all()
    assert decode(bodies[-1]).detail == {"what": "data", "replayed": "0", "signed": "4", "left": "3"}


@pytest.fixture
def old_copy(deployment, three, tmp_path):
    """A copy of the keys that is 40 hours old."""
    copy = tmp_path / "old.sqlite"
    back_up(deployment.keys.engine, copy, World().now() - timedelta(hours=40), keys=deployment.keys)
    return copy


def restored_as(deployment, copy, tmp_path, *statements):
    """What a restore says of a copy after these statements."""
    with closing(sqlite3.connect(copy, isolation_level=None)) as database:
        for statement, *values in statements:
            database.execute(statement, values)
    target = f"sqlite:///{tmp_path}/new.sqlite"
    try:
        restore_keys(copy, target, deployment.data, deployment.keys.source, World().now())
    except (SettingsError, RefusedError) as refused:
        assert not (tmp_path / "new.sqlite").exists()
        return str(refused)
    return "restored"


def test_old_backup_with_a_changed_time_is_refused(deployment, old_copy, tmp_path):
    later = "UPDATE backup SET at = ?", int(World().now().timestamp() * 1000)
    assert "has no valid MAC" in restored_as(deployment, old_copy, tmp_path, later)


def test_old_backup_with_the_mark_of_a_newer_one_is_refused(deployment, old_copy, three, tmp_path):
    destroy(deployment, three[0])
    back_up(deployment.keys.engine, tmp_path / "newer.sqlite", World().now(), keys=deployment.keys)
    attach = "ATTACH ? AS newer", str(tmp_path / "newer.sqlite")
    take = "INSERT INTO backup SELECT * FROM newer.backup"
    assert "has no valid MAC" in restored_as(deployment, old_copy, tmp_path, attach, ("DELETE FROM backup",), (take,))
    assert restored_as(deployment, tmp_path / "newer.sqlite", tmp_path) == "restored"


@pytest.mark.parametrize("change", ["DELETE FROM backup", "UPDATE backup SET mac = NULL", "DELETE FROM destruction"])
def test_backup_without_its_mark_or_with_rows_missing_is_refused(deployment, three, tmp_path, change):
    destroy(deployment, three[0])
    back_up(deployment.keys.engine, tmp_path / "copy.sqlite", World().now(), keys=deployment.keys)
    assert "has no valid MAC" in restored_as(deployment, tmp_path / "copy.sqlite", tmp_path, (change,))
