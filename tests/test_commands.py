"""`waybill ledger verify`, `who-saw` and `erase`, on a deployment in a folder; and where commands look for it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

import masking
from api.cli.main import main
from api.deployment import usual
from masking.crypto.index import waybill_id_of
from masking.values.printable import Waybill
from tests.support.order_files import row, text

ROOT = Path(__file__).parents[1]


@pytest.fixture
def deployed(tmp_path, order):
    """A deployment with three waybills, and the token of the first."""
    with masking.connect(tmp_path / "d") as shop:
        waybills = shop.checkout([order(f"A-{n}") for n in range(3)])
    assert all(isinstance(each, Waybill) for each in waybills)
    return tmp_path / "d", waybills[0].id


def edit(folder, statement):
    connection = sqlite3.connect(folder / "data.sqlite")
    with connection:
        assert connection.execute(statement).rowcount == 1
    connection.close()


def leaves_and_checkpoints(folder):
    connection = sqlite3.connect(folder / "data.sqlite")
    rows = connection.execute("SELECT count(*), (SELECT count(*) FROM checkpoint) FROM leaf").fetchone()
    connection.close()
    return rows


def test_unchanged_ledger_verifies_without_a_new_signature(deployed, capsys):
    folder, _ = deployed
    before = leaves_and_checkpoints(folder)
    assert main(["ledger", "verify", "--folder", str(folder)]) == 0
    assert capsys.readouterr().out.startswith("3 leaves, all as signed; 0 not yet placed")
    assert leaves_and_checkpoints(folder) == before


def test_ledger_is_verified_from_the_last_verified_point_unless_in_full(deployed, capsys):
    folder, _ = deployed
    verify = ["ledger", "verify", "--folder", str(folder)]
    assert main(verify) == 0
    assert "; 3 verified now" in capsys.readouterr().out
    edit(folder, "UPDATE leaf SET body = CAST(body || x'00' AS BLOB) WHERE position = 1")
    assert main(verify) == 0
    assert "; 0 verified now" in capsys.readouterr().out
    assert main([*verify, "--full"]) == 1
    (folder / "ledger.verified").write_text("no checkpoint\n", "utf-8")
    assert main(verify) == 1
    assert "this run starts with the first leaf" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE leaf SET body = CAST(body || x'00' AS BLOB) WHERE position = 1", "leaf 1: leaf-changed"),
        ("UPDATE node SET hash = zeroblob(32) WHERE node_index = 3", "leaf 2: hash-changed"),
        ("DELETE FROM leaf WHERE position = 2", "leaf 2: tail-cut"),
    ],
)
def test_changed_ledger_is_reported_by_its_leaf_and_not_signed(deployed, capsys, statement, says):
    folder, _ = deployed
    edit(folder, statement)
    before = leaves_and_checkpoints(folder)
    assert main(["ledger", "verify", "--folder", str(folder)]) == 1
    assert capsys.readouterr().out.strip() == f"NOT WHAT WAS SIGNED: {says}"
    assert leaves_and_checkpoints(folder) == before
    assert main(["alarms", "list", "--folder", str(folder)]) == 0
    assert "ledger-not-as-signed" in capsys.readouterr().out


def test_erased_waybill_is_gone_for_its_shop_and_its_leaves_stay(deployed, capsys):
    folder, token = deployed
    assert main(["erase", token, "--reason", "erasure-request", "--folder", str(folder)]) == 0
    assert main(["erase", token, "--reason", "erasure-request", "--folder", str(folder)]) == 1
    with masking.connect(folder) as shop:
        assert (shop.status(token).state, shop.find(reference="A-0")) == ("destroyed", [])
    capsys.readouterr()
    assert main(["who-saw", token, "--folder", str(folder)]) == 0
    assert [line.split()[1] for line in capsys.readouterr().out.splitlines()] == ["checkout", "destroy", "refusal"]


@pytest.mark.parametrize(("since", "code"), [("2020-01-01", 0), ("2020-01-01T08:00+08:00", 0), ("2999-12-31T08:00", 1)])
def test_who_saw_takes_a_time_since(deployed, capsys, since, code):
    folder, token = deployed
    assert main(["who-saw", token, "--since", since, "--folder", str(folder)]) == code
    assert ("checkout" in capsys.readouterr().out) is (code == 0)


def test_who_saw_refuses_what_is_no_time(deployed, capsys):
    folder, token = deployed
    with pytest.raises(SystemExit):
        main(["who-saw", token, "--since", "yesterday", "--folder", str(folder)])
    assert "this is not a time" in capsys.readouterr().err


def test_nothing_is_destroyed_when_the_certificate_cannot_be_written(deployed, tmp_path, capsys):
    folder, token = deployed
    command = ["erase", token, "--reason", "test", "--folder", str(folder), "--certificate"]
    (tmp_path / "kept").touch()
    assert main([*command, str(tmp_path / "kept")]) == 2
    assert main([*command, str(tmp_path / "nowhere" / "file")]) == 2
    said = [
        f"waybill erase: {tmp_path}/{why}" for why in ("kept: File exists", "nowhere/file: No such file or directory")
    ]
    assert capsys.readouterr().err.splitlines() == said
    with masking.connect(folder) as shop:
        assert shop.status(token).state == "active"
    assert main([*command, str(tmp_path / "good")]) == 0
    assert main([*command, str(tmp_path / "again")]) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d", "good", "kept"]


@contextmanager
def failing(statement):
    """Every engine's statements that begin so fail, as on a disk that is full."""

    def fail(_connection, _cursor, text, *_):
        if text.startswith(statement):
            raise sa.exc.OperationalError(None, None, sqlite3.OperationalError("disk full"))

    sa.event.listen(sa.Engine, "before_cursor_execute", fail)
    try:
        yield
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", fail)


@pytest.mark.parametrize(("breaks", "signed"), [("UPDATE waybill", False), ("INSERT INTO checkpoint", True)])
def test_erasure_that_fails_leaves_a_certificate_or_no_file(deployed, tmp_path, capsys, breaks, signed):
    """The first breaks before anything is destroyed; the second only when the certificate is signed."""
    folder, token = deployed
    command = ["erase", token, "--reason", "test", "--folder", str(folder), "--certificate", str(tmp_path / "file")]
    with failing(breaks):
        assert main(command) == 2
    assert ("certificate: " in capsys.readouterr().out) == signed
    assert (tmp_path / "file").exists() == signed
    if signed:
        assert main(["certificate", "verify", str(tmp_path / "file"), "--folder", str(folder)]) == 0


@pytest.mark.parametrize(
    "words",
    [
        ["erase", "wb1_x", "--reason", "test", "--certificate", "kept"],
        ["backup", "data", "kept"],
        ["keys", "rotate", "offline"],
        ["numbers", "import", "17000000000", "1-0", "--city", "3101", "--switch", "s"],
    ],
    ids=lambda words: words[0],
)
def test_failed_command_has_closed_the_databases(deployed, monkeypatch, words):
    folder, _ = deployed
    monkeypatch.chdir(folder.parent)
    Path("kept").touch()
    assert main([*words, "--folder", str(folder)]) != 0
    held = [str(each.readlink()) for each in Path("/proc/self/fd").iterdir() if each.exists()]
    assert not [name for name in held if name.startswith(str(folder))]


def test_closed_output_pipe_ends_a_command_quietly(deployed):
    folder, _ = deployed
    closed, end = os.pipe()
    os.close(closed)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with os.fdopen(end, "wb") as pipe:
        command = [sys.executable, "-m", "api.cli", "ledger", "verify", "--folder", str(folder)]
        done = subprocess.run(command, stdout=pipe, stderr=subprocess.PIPE, cwd=ROOT, check=False, env=environment)
    assert (done.returncode, done.stderr) == (0, b"")


def test_unreadable_leaf_is_named_and_the_others_are_listed(deployed, capsys):
    folder, token = deployed
    assert main(["erase", token, "--reason", "erasure-request", "--folder", str(folder)]) == 0
    edit(folder, "UPDATE leaf SET body = zeroblob(80), position = 3 WHERE id = (SELECT max(id) FROM leaf)")
    capsys.readouterr()
    assert main(["who-saw", token, "--folder", str(folder)]) == 1
    said = capsys.readouterr()
    other, damaged = said.out.splitlines()
    assert other.split()[1] == "checkout"
    assert damaged.startswith("UNREADABLE: leaf-3, in the row ")
    assert said.err == "waybill who-saw: 1 of its 2 leaves can't be read\n"
    assert main(["watch", "--folder", str(folder)]) == 1
    assert capsys.readouterr().out.split() == ["unreadable-leaf", "leaf-3", "1", "of", "1"]


def test_who_saw_lists_nothing_for_an_id_never_issued(deployed, capsys):
    folder, _ = deployed
    assert main(["who-saw", waybill_id_of(bytes(16)), "--folder", str(folder)]) == 1
    assert capsys.readouterr().err == "waybill who-saw: the ledger has nothing about this waybill\n"
    assert main(["who-saw", "13800000001", "--folder", str(folder)]) == 2


def test_command_runs_in_a_folder_that_its_user_may_not_enter(tmp_path, monkeypatch):
    """As by `sudo -u waybill` in the folder of root."""
    (tmp_path / "closed").mkdir()
    monkeypatch.chdir(tmp_path / "closed")
    (tmp_path / "closed").chmod(0)
    user = os.geteuid()
    if not user:
        os.seteuid(65534)
    try:
        assert usual() == Path()
    finally:
        os.seteuid(user)


def test_all_commands_look_for_the_deployment_in_the_same_places(tmp_path, monkeypatch, capsys):
    (tmp_path / "orders.csv").write_text(text(row(1)), "utf-8")
    monkeypatch.chdir(tmp_path)
    assert main(["ledger", "verify"]) == 2  # nothing is made by looking
    assert main(["mask", "orders.csv", "--labels", "none"]) == 0
    assert main(["ledger", "verify"]) == 0
    assert main(["label", "orders-masked/masked.csv", "--job", "monday", "--out", "monday.pdf"]) == 0
    monkeypatch.chdir("waybill-data")
    assert main(["mask", "../orders.csv", "--labels", "none"]) == 0
    assert main(["ledger", "verify"]) == 0
    made = {each.name for each in tmp_path.iterdir()} | {each.name for each in tmp_path.glob("*/waybill-data")}
    assert made == {"monday.pdf", "orders-masked", "orders.csv", "waybill-data"}
    assert "1 entered before" in capsys.readouterr().out
