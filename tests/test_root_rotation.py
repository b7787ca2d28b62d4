"""Rotation of the root key while others use the key store, and killed at any point."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import event

import masking
from api.cli.commands.doctor import look
from api.cli.main import main
from api.service.request_models import ORDER
from masking.crypto.keys import FileKeySource
from masking.database.engine import transaction
from masking.database.key_schema import root, stored_key
from masking.deployment import create, open_folder
from masking.disk import locked
from masking.errors import IntegrityError, SettingsError
from masking.keys import lifecycle, root_record
from masking.keys.root import rotate_root
from masking.runtime import World
from masking.store.store import Settings
from tests.support import postgresql
from tests.support.people import SHOP
from tests.support.running_service import make_deployment, run_service

WORLD = World()


@pytest.fixture(scope="module")
def addresses(databases):
    made, socket = iter(range(100)), databases[0].url.query["host"]
    return lambda: tuple(postgresql.create(socket, f"rotated-{what}-{next(made)}") for what in ("data", "keys"))


@pytest.fixture(params=["file", "postgresql"])
def folder(request, tmp_path):
    made = tmp_path / "deployment"
    urls = request.getfixturevalue("addresses")() if request.param == "postgresql" else None
    create(made, WORLD, Settings(), addresses=urls)
    return made


def wraps_by_root(folder: Path) -> dict[str, list[str]]:
    """Every wrapped key of the deployment, under the file of the root that opens it."""
    store = open_folder(folder, WORLD)
    with store.keys.engine.connect() as tx:
        rows = tx.execute(sa.select(stored_key).where(stored_key.c.wrapped.is_not(None))).all()
    store.close()
    sources = {path.name: FileKeySource.open(path) for path in folder.glob("root.key*")}
    found: dict[str, list[str]] = {name: [] for name in [*sources, "none"]}
    for row in rows:
        names = [name for name, source in sources.items() if _opens(source, row)]
        for name in names or ["none"]:
            found[name].append(f"{row.purpose}/{row.name}")
    return found


def _opens(source, row) -> bool:
    try:
        source.unwrap(f"{row.purpose}/{row.name}", row.wrapped)
    except IntegrityError:
        return False
    return True


def test_open_store_follows_a_rotated_root_and_makes_readable_keys(folder):
    store, other = open_folder(folder, WORLD), open_folder(folder, WORLD)
    store.keys.key("sign", "ledger", WORLD, WORLD.now())
    rotate_root(folder / "root.key", other.keys, WORLD)
    made = store.keys.merge_key("carrier", "new-shop", WORLD, WORLD.now())  # the first key since the rotation
    again = open_folder(folder, WORLD)
    assert again.keys.merge_key("carrier", "new-shop", WORLD, WORLD.now()) == made
    store.keys.forget()
    assert lifecycle.unopened(store.keys) == lifecycle.unopened(again.keys) == []
    for each in (store, other, again):
        each.close()
    found = wraps_by_root(folder)
    assert found.pop("root.key")
    assert found == {"none": []}


def test_store_without_the_new_root_makes_no_key_and_says_why(folder, tmp_path):
    elsewhere = tmp_path / "elsewhere"  # another machine's copy of the folder
    shutil.copytree(folder, elsewhere)
    store, other = open_folder(folder, WORLD), open_folder(folder, WORLD)
    other.keys.other_roots = lambda: [FileKeySource.open(elsewhere / "root.key")]
    rotate_root(folder / "root.key", store.keys, WORLD)
    with pytest.raises(IntegrityError, match=r"Copy root\.key"):
        other.keys.merge_key("carrier", "new-shop", WORLD, WORLD.now())
    assert "merge" not in {line.purpose for line in lifecycle.listing(store.keys)}
    shutil.copy(folder / "root.key", elsewhere / "root.key")
    assert other.keys.merge_key("carrier", "new-shop", WORLD, WORLD.now())
    store.close()
    other.close()


def test_key_made_during_the_rewrap_waits_and_is_under_the_new_root(folder):
    store, other = open_folder(folder, WORLD), open_folder(folder, WORLD)
    maker = threading.Thread(
        target=lambda: other.keys.put("merge", "carrier:meanwhile:2026-W49", bytes(32), WORLD, WORLD.now())
    )

    def begin(_connection, _cursor, statement, *_) -> None:
        if statement.startswith("UPDATE stored_key") and not maker.ident:
            maker.start()
            maker.join(0.3)
            assert maker.is_alive()  # it waits for the rotation's transaction

    event.listen(store.keys.engine, "before_cursor_execute", begin)
    rotate_root(folder / "root.key", store.keys, WORLD)
    maker.join()
    assert lifecycle.unopened(other.keys) == []
    assert other.keys.existing("merge", "carrier:meanwhile:2026-W49") == bytes(32)
    store.close()
    other.close()


def _killed_at(folder: Path, step: int) -> bool:
    """Rotate in a process that is killed at this statement, commit or renaming; whether it was."""
    child = os.fork()
    if not child:
        try:
            _rotate_until(folder, step)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def _rotate_until(folder: Path, step: int) -> None:
    store, left = open_folder(folder, WORLD), [step]

    def tick(*_) -> None:
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)

    for name in ("before_cursor_execute", "after_cursor_execute", "commit"):
        event.listen(store.keys.engine, name, tick)
    sys.addaudithook(lambda name, _: tick() if name in ("os.rename", "os.link") else None)
    rotate_root(folder / "root.key", store.keys, WORLD)


def test_rotation_killed_at_any_statement_leaves_each_key_under_one_root(tmp_path):
    original = tmp_path / "original"
    create(original, WORLD, Settings())
    with masking.connect(original) as shop:
        keys = {(line.purpose, line.name) for line in lifecycle.listing(shop.store.keys)}
    roots_left = set()
    for step in range(1, 400):
        folder = tmp_path / f"killed-{step}"
        shutil.copytree(original, folder)
        killed = _killed_at(folder, step)
        found = wraps_by_root(folder)
        assert found["none"] == []
        assert len(found["root.key"]) == len(keys)  # whichever of the two roots it is now
        assert not found.get("root.key.next")
        roots_left.add((folder / "root.key").read_bytes() == (original / "root.key").read_bytes())
        store = open_folder(folder, WORLD)
        store.keys.put("merge", "carrier:afterwards:2026-W49", bytes(32), WORLD, WORLD.now())
        assert lifecycle.unopened(store.keys) == []
        rotate_root(folder / "root.key", store.keys, WORLD)
        assert lifecycle.unopened(store.keys) == []
        store.close()
        shutil.rmtree(folder)
        if not killed:
            break
    assert not killed
    assert step > 2 * len(keys)
    assert roots_left == {True, False}


def test_rotation_refuses_while_a_live_worker_cannot_open_the_new_root(addresses, tmp_path):
    folder = tmp_path / "deployment"
    create(folder, WORLD, Settings(), addresses=addresses())
    store = open_folder(folder, WORLD)
    before = (folder / "root.key").read_bytes()
    root_record.confirm(store.keys.engine, "elsewhere-1", [])
    with pytest.raises(SettingsError, match="elsewhere-1"):
        rotate_root(folder / "root.key", store.keys, WORLD, timedelta(0))
    assert (folder / "root.key").read_bytes() == before
    assert lifecycle.unopened(store.keys) == []

    done = threading.Event()

    def work() -> None:  # a worker that confirms, as the service does
        while not done.wait(0.05):
            root_record.confirm(store.keys.engine, "elsewhere-1", store.keys.other_roots())

    worker = threading.Thread(target=work)
    worker.start()
    assert rotate_root(folder / "root.key", store.keys, WORLD)
    done.set()
    worker.join()
    assert (folder / "root.key").read_bytes() != before
    root_record.record_end(store.keys.engine, "elsewhere-1")
    assert root_record.unconfirmed(store.keys.engine) == []
    store.close()


def test_key_store_that_lost_its_root_record_makes_no_keys(folder):
    store = open_folder(folder, WORLD)
    with transaction(store.keys.engine) as tx:
        tx.execute(root.delete())
    with pytest.raises(IntegrityError, match="no record of the root"):
        store.keys.put("merge", "carrier:shop:2026-W49", bytes(32), WORLD, WORLD.now())
    store.close()


def test_doctor_names_keys_that_the_root_does_not_open(folder):
    store = open_folder(folder, WORLD)
    stranger = FileKeySource(bytes(32)).wrap("online/2020-01-01", bytes(32), os.urandom)
    store.keys.key("online", "2020-01-01", WORLD, WORLD.now())
    with transaction(store.keys.engine) as tx:
        tx.execute(stored_key.update().where(stored_key.c.name == "2020-01-01").values(wrapped=stranger))
    store.close()
    found = [finding.text for finding in look(folder, WORLD) if finding.verdict == "WRONG"]
    assert any("1 keys do not open" in text and "online/2020-01-01" in text for text in found), found


def test_rotate_root_command_says_that_services_follow(tmp_path, capsys):
    create(tmp_path / "deployment", WORLD, Settings())
    assert main(["keys", "rotate", "root", "--folder", str(tmp_path / "deployment")]) == 0
    assert "change to it by themselves" in capsys.readouterr().out


def test_running_service_goes_on_after_its_root_was_rotated(addresses, tmp_path, capsys):
    make_deployment(tmp_path / "deployment", WORLD, addresses())
    with run_service(tmp_path / "deployment") as service:
        before = service.outcomes(SHOP, "/v1/waybills", {"orders": [ORDER]})
        assert main(["keys", "rotate", "root", "--folder", str(service.folder)]) == 0
        store = service.app.state.service.store
        store.keys.forget()
        after = service.outcomes(SHOP, "/v1/waybills", {"orders": [ORDER, ORDER | {"reference": "afterwards"}]})
        assert after[0]["id"] == before[0]["id"]
        assert service.http.get("/readyz").json()["ready"]
        assert lifecycle.unopened(store.keys) == []
    assert "keys wrapped by a new root" in capsys.readouterr().out


def test_move_into_a_token_is_refused_while_a_service_runs_on_the_folder(tmp_path, capsys):
    folder, moved = tmp_path / "deployment", tmp_path / "moved.toml"
    create(folder, WORLD, Settings())
    moved.write_text('[root]\nlibrary = "/nowhere.so"\ntoken = "t"\nkey = "root"\n', "utf-8")
    with locked(folder):
        assert main(["keys", "rotate", "root", "--to", str(moved), "--folder", str(folder)]) != 0
    assert "stop it first" in capsys.readouterr().err
    rotate = ["keys", "rotate", "root", "--folder", str(folder)]
    assert main(rotate) == 0  # without a token it may go on
