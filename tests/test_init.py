"""`waybill init`: what it makes is its owner's alone, on databases that hold nothing else, on SQLite and PostgreSQL."""

from __future__ import annotations

import os

import pytest

from masking.config import SETTINGS
from masking.deployment import OFFLINE_KEY, ROOT_KEY
from tests.support.commands import run_waybill
from tests.support.running_service import run_service_process, wait_until_ready


def test_deployment_files_are_private_under_any_umask(tmp_path):
    before = os.umask(0)
    try:
        for name in ("made", "written"):
            place = tmp_path / name
            place.mkdir()
            addresses = [f"--{part}=sqlite:///{place}/{part}" for part in ("data", "keys")]
            assert run_waybill("init", place / "d", *addresses) == 0
            if name == "written":  # by hand, and its keys are gone
                for each in (place / "data", place / "keys", place / "d" / ROOT_KEY, place / "d" / OFFLINE_KEY):
                    each.unlink()
                assert run_waybill("keys", "init", "--folder", place / "d") == 0
            with run_service_process("--folder", place / "d") as (_, url):
                wait_until_ready(url)
                files = [each for each in place.rglob("*") if each.is_file()]
                assert {"data", "keys", "data-wal", "keys-wal", SETTINGS} < {each.name for each in files}
                assert [each.name for each in files if each.stat().st_mode & 0o077] == []
    finally:
        os.umask(before)


@pytest.mark.parametrize("urls", ["file", "postgresql"], indirect=True)
def test_new_deployment_refuses_the_database_of_another(tmp_path, urls, capsys):
    data, keys = urls
    assert run_waybill("init", tmp_path / "d", "--data", data, "--keys", keys) == 0
    fresh = f"sqlite:///{tmp_path}/fresh"
    for addresses, why in (
        ((data, keys), "there are keys already"),
        ((fresh, keys), "there are keys already"),
        ((data, fresh), "there is data already"),
    ):
        capsys.readouterr()
        assert run_waybill("init", tmp_path / "new", "--data", addresses[0], "--keys", addresses[1]) == 2
        assert why in capsys.readouterr().err
        assert not (tmp_path / "new").exists()
    assert run_waybill("ledger", "verify", "--folder", tmp_path / "d") == 0
    assert capsys.readouterr().out.startswith(
        "1 leaves, all as signed; 0 not yet placed"
    )  # the failed attempt enrolled no person


@pytest.mark.parametrize("address", ["nonsense", "mysql://u:9876@h/d", "postgresql+psycopg://u:9876@h:x/d"])
def test_invalid_database_address_is_refused_and_not_repeated(tmp_path, demo_folder, capsys, monkeypatch, address):
    assert run_waybill("init", tmp_path / "new", "--data", address, "--keys", f"sqlite:///{tmp_path}/keys") == 2
    monkeypatch.setenv("WAYBILL_DATA", address)
    monkeypatch.setenv("WAYBILL_KEYS", f"sqlite:///{demo_folder}/keys.sqlite")
    capsys.readouterr()
    assert (run_waybill("doctor", "--folder", demo_folder), run_waybill("serve", "--folder", demo_folder)) == (1, 2)
    said = capsys.readouterr()
    assert "the address of a database is not valid" in said.out
    assert "the address of a database is not valid" in said.err
    assert "9876" not in said.out + said.err


@pytest.mark.parametrize("urls", ["postgresql"], indirect=True)
def test_postgresql_deployment_is_made_and_examined_like_any_other(tmp_path, urls, capsys):
    data, keys = urls
    assert run_waybill("init", tmp_path / "d", "--data", data) == 2
    assert run_waybill("init", tmp_path / "d", "--data", data, "--keys", data) == 2
    assert not (tmp_path / "d").exists()
    assert run_waybill("init", tmp_path / "d", "--data", data, "--keys", keys) == 0
    assert list((tmp_path / "d").glob("*.sqlite")) == []
    capsys.readouterr()
    assert (
        run_waybill("doctor", "--folder", tmp_path / "d") == 1
    )  # the tests' server answers before its data is on disk
    wrong = [line for line in capsys.readouterr().out.splitlines() if line.startswith("WRONG")]
    settings = [(each, name) for each in ("data", "keys") for name in ("fsync", "full_page_writes")]
    assert [line.split(": after a power cut")[0] for line in wrong] == [
        f"WRONG  the {each} database server has {name} off" for each, name in settings
    ]
