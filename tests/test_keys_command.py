"""`waybill keys`, `retire`, `hold`, `archive`: what an operator types, and what is on the ledger afterwards."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import masking
from api.cli.main import main
from masking.config import SETTINGS
from masking.crypto.index import record_of_waybill_id
from masking.crypto.keys import FileKeySource
from masking.database import schema
from masking.deployment import OFFLINE_KEY, ROOT_KEY, open_folder
from masking.errors import IntegrityError
from masking.keys import lifecycle
from masking.keys.keystore import KeyStore
from masking.keys.root import rotate_root
from masking.ledger.log import decode
from masking.runtime import World
from masking.steps.retire import SealAway, retire
from tests.support.parcels import damage, open_recipient_name
from tests.support.people import OPERATOR

ROOT = Path(__file__).parents[1]


@pytest.fixture
def folder(tmp_path, order):
    where = tmp_path / "deployment"
    with masking.connect(where) as shop:
        shop.checkout([order()])
    return where


@pytest.fixture
def token(folder):
    with masking.connect(folder) as shop:
        return shop.find(reference="A-1001")[0].id


@pytest.fixture
def waybill(folder, capsys):
    def run(*words):
        status = main([*words, "--folder", str(folder)])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def key_leaves(folder):
    store = open_folder(folder, World())
    with store.transaction() as tx:
        leaves = [decode(row.body) for row in tx.execute(schema.leaf.select().order_by(schema.leaf.c.id))]
    store.close()
    return [dict(leaf.detail) for leaf in leaves if leaf.kind == "key"]


def test_key_list_names_every_key_and_shows_none(waybill, folder):
    status, out, _ = waybill("keys", "list")
    assert status == 0
    assert re.search(r"^online +\d{4}-\d\d-\d\d +live .*1 wraps$", out, re.MULTILINE)
    assert {line.split()[0] for line in out.splitlines()} >= {"archive", "offline", "online", "person", "sign"}
    store = open_folder(folder, World())
    for line in lifecycle.listing(store.keys):
        assert store.keys.existing(line.purpose, line.name).hex() not in out
    store.close()


def test_revoking_a_label_key_needs_a_confirmation_and_leaves_a_leaf(waybill, folder):
    waybill("keys", "rotate", "label")
    command = [sys.executable, "-m", "api.cli", "keys", "revoke", "label", "1", "--folder", folder]
    asked = subprocess.run(command, input="no\n", capture_output=True, text=True, check=False, cwd=ROOT)
    assert (asked.returncode, asked.stderr) == (1, "nothing was done\n")
    assert waybill("keys", "revoke", "label", "1", "--yes")[0] == 0
    assert "dead" in re.search(r"^label +1 +(\w+)", waybill("keys", "list")[1], re.MULTILINE)[1]
    assert key_leaves(folder) == [
        {"act": "rotate", "purpose": "label", "name": "label"},
        {"act": "revoke", "purpose": "label", "name": "1"},
    ]


def test_online_key_is_revoked_refreshed_and_destroyed(waybill, folder, token):
    day = re.search(r"^online +(\S+)", waybill("keys", "list")[1], re.MULTILINE)[1]
    assert waybill("keys", "destroy", "online", day, "--yes")[2].startswith("waybill keys: key-still-needed: ")
    assert waybill("keys", "revoke", "online", day, "--yes")[0] == 0
    assert waybill("keys", "refresh", "online", "--dry-run")[1].startswith(f"would move 1 wraps of {day}")
    assert waybill("keys", "refresh", "online")[1].startswith("moved 1 wraps")
    assert waybill("keys", "destroy", "online", day, "--yes")[0] == 0
    with masking.connect(folder) as shop:
        assert open_recipient_name(shop.store, shop.status(token)) == "欧阳测试"


def test_unopenable_wrap_stays_with_its_key_and_is_reported(waybill, folder, token):
    day = re.search(r"^online +(\S+)", waybill("keys", "list")[1], re.MULTILINE)[1]
    store = open_folder(folder, World())
    damage(store, record_of_waybill_id(token), "wrap")
    store.close()
    assert waybill("keys", "revoke", "online", day, "--yes")[0] == 0
    status, out, err = waybill("keys", "refresh", "online")
    assert (status, out.split(". ")[0]) == (1, "moved 0 wraps to today's key")
    assert err == f"wraps under {day} do not open and stay there; an alarm is raised\n"
    assert waybill("keys", "destroy", "online", day, "--yes")[2].startswith("waybill keys: key-still-needed: ")
    assert waybill("erase", token, "--reason", "test")[0] == 0
    assert waybill("keys", "destroy", "online", day, "--yes")[0] == 0


@pytest.mark.parametrize(
    "words",
    [
        ("rotate", "online"),
        ("rotate", "root"),
        ("rotate", "offline", "--out", "x"),
        ("revoke", "label", "1"),
        ("destroy", "archive", "2026-01-01"),
        ("refresh", "online"),
    ],
)
def test_dry_run_changes_nothing(waybill, folder, words, tmp_path):
    before = waybill("keys", "list")[1]
    status, out, _ = waybill("keys", *words, "--dry-run")
    assert status == 0
    assert out.startswith("would ")
    assert waybill("keys", "list")[1] == before
    assert key_leaves(folder) == []


def test_contradictory_arguments_are_named(waybill):
    assert waybill("keys", "revoke", "archive", "1")[2] == "waybill keys: purpose: revoke takes one of online, label\n"
    assert (
        waybill("keys", "revoke", "label")[2]
        == "waybill keys: name: missing: name the key, as `waybill keys list` shows it\n"
    )
    assert waybill("keys", "rotate", "offline")[2] == "waybill keys: out: missing: give the file for the private key\n"


def test_new_root_opens_everything_and_the_old_file_nothing(waybill, folder, token, tmp_path):
    (tmp_path / "old.key").write_bytes((folder / ROOT_KEY).read_bytes())
    (tmp_path / "old.key").chmod(0o600)
    assert waybill("keys", "rotate", "root")[0] == 0
    with masking.connect(folder) as shop:
        assert open_recipient_name(shop.store, shop.status(token)) == "欧阳测试"
        with pytest.raises(IntegrityError):
            KeyStore(shop.store.keys.engine, FileKeySource.open(tmp_path / "old.key")).existing("sign", "ledger")
    assert sorted(path.name for path in folder.glob("root.key*")) == [ROOT_KEY]


@pytest.mark.parametrize("committed", [False, True])
def test_interrupted_root_rotation_loses_nothing(folder, token, committed):
    store = open_folder(folder, World())
    following = FileKeySource.create(folder / "root.key.next", World().entropy)
    if committed:
        lifecycle.rewrap_root(store.keys, following, World())
    store.close()
    with masking.connect(folder) as shop:
        assert open_recipient_name(shop.store, shop.status(token)) == "欧阳测试"
        assert rotate_root(folder / ROOT_KEY, shop.store.keys, World())
    with masking.connect(folder) as shop:
        assert open_recipient_name(shop.store, shop.status(token)) == "欧阳测试"


def test_waybill_is_held_released_and_opened_from_the_archive(waybill, folder, token):
    assert waybill("hold", token, "--reason", "dispute")[1] == "held until it is released\n"
    assert waybill("erase", token, "--reason", "test")[2].startswith("waybill erase: held: ")
    assert waybill("hold", token, "--release")[1] == "released\n"
    assert waybill("hold", token, "--release")[2].startswith("waybill hold: not-held")
    offline = ("--offline-key", str(folder / OFFLINE_KEY), "--reason", "inquiry")
    assert waybill("archive", "open", token, *offline)[2].startswith("waybill archive: not-sealed-away: ")
    store = open_folder(folder, World())
    retire(World(), store, [SealAway(actor=OPERATOR, id=token)])
    store.close()
    status, out, err = waybill("archive", "open", token, *offline, "--field", "recipient.phone")
    assert (status, out.split()) == (0, ["recipient.phone", "13800000001"])
    assert "on the ledger" in err
    (folder / OFFLINE_KEY).chmod(0o644)
    assert "open to others" in waybill("archive", "open", token, *offline)[2]


def test_nightly_run_reports_what_it_did(waybill):
    status, out, _ = waybill("retire")
    assert status == 0
    assert re.search(r"^ +0  waybills sealed away$", out, re.MULTILINE)


def test_keys_are_made_once_for_handwritten_settings(tmp_path, capsys, order):
    folder = tmp_path / "by-hand"
    folder.mkdir()
    (folder / SETTINGS).write_text('tenant = "sf-test"\ncarrier = "示例快递"\n', "utf-8")
    words = ["keys", "init", "--folder", str(folder)]
    assert main([*words, "--dry-run"]) == 0
    assert [path.name for path in folder.iterdir()] == [SETTINGS]
    assert main(words) == 0
    assert (folder / OFFLINE_KEY).stat().st_mode & 0o777 == 0o600
    with masking.connect(folder) as shop:
        [waybill] = shop.checkout([order()])
    assert waybill.masked.recipient.name.text == "欧阳**"
    held = {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix == ".key"}
    assert main(words) == 2
    assert "never overwritten" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix == ".key"} == held


def test_keys_init_makes_a_deployment_in_an_empty_folder_only(tmp_path, capsys):
    assert main(["keys", "init", "--folder", str(tmp_path / "new")]) == 0
    assert main(["init", str(tmp_path / "new")]) == 0
    assert "The code of supervisor" in capsys.readouterr().out
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("not a deployment")
    assert main(["keys", "init", "--folder", str(tmp_path / "other")]) == 2
    assert "not empty" in capsys.readouterr().err


def test_store_of_waybills_whose_keys_are_lost_gets_no_new_ones(folder, waybill):
    for each in ("keys.sqlite", ROOT_KEY, OFFLINE_KEY):
        (folder / each).unlink()
    status, _, err = waybill("keys", "init")
    assert (status, "only a copy of its own keys opens it" in err) == (2, True)
    assert not (folder / ROOT_KEY).exists()
