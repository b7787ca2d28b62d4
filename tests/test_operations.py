"""Making, running and examining a deployment, as an operator does it."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace

import httpx
import pytest

from api.deployment import opening
from api.service.settings import ServiceSettings
from masking.access.people import Role
from masking.config import SETTINGS
from masking.deployment import OFFLINE_KEY, ROOT_KEY, create
from masking.errors import RefusedError, SettingsError
from masking.runtime import World
from masking.store.rows import people
from masking.store.store import Settings
from masking.values.outcomes import Confirmed, Revoked
from masking.values.plaintext import Enrolled
from tests.support.commands import connect_supervisor, printed_code, run_waybill
from tests.support.people import COURIER, NETWORK, RECEIVER, TENANT
from tests.support.running_service import run_service_process, wait_until_ready


def test_service_runs_from_first_code_to_stop_and_prints_only_json(demo_folder, tmp_path, capsys):
    first = printed_code(capsys)
    assert run_waybill("init", demo_folder, "--supervisor", "second", "--unit", "region-east") == 0
    other = printed_code(capsys)
    with run_service_process("--folder", demo_folder, log=tmp_path / "log") as (process, url):
        wait_until_ready(url)
        with connect_supervisor(url, tmp_path, first) as boss, connect_supervisor(url, tmp_path, other) as colleague:
            enrolled = boss.enrol("clerk-1", role="outlet", unit="sh-01")
            assert isinstance(enrolled, Enrolled)
            assert colleague.confirm("clerk-1", role="outlet", unit="sh-01") == Confirmed(id="clerk-1")
            assert httpx.post(f"{url}/v1/token?canary=9876", json={"code": first}).status_code == 401
            assert run_waybill("init", demo_folder) == 0  # a person who holds the folder can, also while it is served
            second = printed_code(capsys)
            with pytest.raises(RefusedError, match="unauthenticated"):
                boss.revoke(["clerk-1"])
        with connect_supervisor(url, tmp_path, second) as boss:
            assert boss.revoke(["clerk-1"]) == [Revoked(id="clerk-1")]
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=30)
    err = (tmp_path / "log").read_text("utf-8")
    assert (process.returncode, out) == (0, "")
    lines = [json.loads(line) for line in err.splitlines()]
    assert any(line.get("route") == "/v1/token" and line["status"] == 200 for line in lines)
    assert lines[-1]["event"].startswith("Finished server process")
    assert not any(word in err for word in ("canary", "9876", first, second, enrolled.code.reveal()))


def test_service_listens_on_loopback_by_default(demo_folder, capsys):
    for host in ("0.0.0.0", "::", "192.0.2.1", "example.com"):
        for words, needed in (([], "--insecure-bearer"), (["--bearer-roles", "none"], "--plain-http")):
            assert run_waybill("serve", "--folder", demo_folder, "--host", host, *words) == 2
            assert capsys.readouterr().err.endswith(f", or give {needed}\n")
    assert (
        run_waybill("serve", "--folder", demo_folder, "--host", "0.0.0.0", "--plain-http") == 2
    )  # the switch's tokens are bound to nothing
    assert "need no device can be stolen (switch)" in capsys.readouterr().err
    assert run_waybill("serve", "--demo", "--host", "0.0.0.0", "--insecure-bearer", "--plain-http") == 2
    assert "--" not in capsys.readouterr().err
    for words in (["--insecure-bearer"], ["--bearer-roles", "none", "--plain-http"]):
        with run_service_process("--folder", demo_folder, "--host", "0.0.0.0", *words) as (_, url):
            wait_until_ready(url.replace("0.0.0.0", "127.0.0.1"))


def test_service_beyond_loopback_refuses_plain_tokens_of_others(demo_folder, tmp_path, capsys):
    first = printed_code(capsys)
    for words, status in (
        (["--host", "0.0.0.0", "--insecure-bearer"], 401),
        (["--bearer-roles", "switch, courier"], 401),
        (["--bearer-roles", "supervisor"], 200),
    ):
        with run_service_process("--folder", demo_folder, *words, log=tmp_path / "log") as (_, url):
            here = url.replace("0.0.0.0", "127.0.0.1")
            wait_until_ready(here)
            assert httpx.post(f"{here}/v1/token", json={"code": first}).status_code == status


def test_people_without_a_device_are_named(demo_folder, capsys):
    found = [ServiceSettings.read(demo_folder, {"WAYBILL_BEARER_ROLES": text}) for text in ("none", "switch, courier")]
    assert [each.bearer_roles for each in found] == [frozenset(), {Role.SWITCH, Role.COURIER}]
    assert ServiceSettings.read(demo_folder, {}).bearer_roles == {Role.SWITCH}
    for text in ("", "all", "none, switch", "switch,", "Switch"):
        with pytest.raises(SettingsError, match="bearer_roles"):
            ServiceSettings.read(demo_folder, {"WAYBILL_BEARER_ROLES": text})
        assert run_waybill("serve", "--folder", demo_folder, "--bearer-roles", text) == 2
    settings = (demo_folder / SETTINGS).read_text("utf-8")
    for text in ("[]", "[1]", "[[]]", "true", '[""]'):
        (demo_folder / SETTINGS).write_text(f"{settings}[service]\nbearer_roles = {text}\n", "utf-8")
        with pytest.raises(SettingsError, match="bearer_roles"):
            ServiceSettings.read(demo_folder, {})
    for roles, findings in (
        (
            ["switch", "merchant"],
            (
                "tokens of merchant work without a device",
                "starts only with --insecure-bearer; roles that need no device there: merchant, switch",
            ),
        ),
        (["none"], ("starts only with --plain-http; roles that need no device there: none",)),
    ):
        text = f'{settings}[service]\nhost = "0.0.0.0"\nbearer_roles = {json.dumps(roles)}\n'
        (demo_folder / SETTINGS).write_text(text, "utf-8")
        assert ServiceSettings.read(demo_folder, {}).bearer_roles == set(roles) - {"none"}
        capsys.readouterr()
        assert run_waybill("doctor", "--folder", demo_folder) == 0
        report = capsys.readouterr().out
        assert all(each in report for each in findings)


def test_sqlite_folder_has_one_service_and_a_killed_one_leaves_no_lock(demo_folder, capsys):
    with run_service_process("--folder", demo_folder) as (process, url):
        wait_until_ready(url)
        before = sorted(demo_folder.iterdir())
        assert run_waybill("serve", "--folder", demo_folder, "--port", 0) == 2
        assert (
            capsys.readouterr().err
            == "waybill serve: a service is running on this folder, and SQLite supports one: stop it first\n"
        )
        assert run_waybill("restore", "keys", demo_folder / SETTINGS, "--folder", demo_folder) == 2
        assert capsys.readouterr().err == "waybill restore: a service is running on this folder; stop it first\n"
        assert run_waybill("doctor", "--folder", demo_folder) == run_waybill("retire", "--folder", demo_folder) == 0
        wait_until_ready(url)
        assert sorted(demo_folder.iterdir()) == before
        process.kill()
        process.wait()
    with run_service_process("--folder", demo_folder) as (_, url):
        wait_until_ready(url)


def test_several_workers_need_postgresql(demo_folder, capsys):
    assert run_waybill("serve", "--folder", demo_folder, "--workers", 2) == 2
    assert "PostgreSQL" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("host", '""'),
        *(("port", port) for port in ("-1", "65536", "73976", "80.5")),
        ("workers", "0"),
        ("workers", "-1"),
    ],
)
def test_host_and_port_are_checked_alike_in_file_environment_and_option(demo_folder, capsys, monkeypatch, name, value):
    """An empty host would be every address of the machine, and the resolver would take what is left of too large a port."""
    wanted = "string" if name == "host" else "number"
    told = f"{name} is not a valid {wanted} (in waybill.toml, the environment or an option)\n"
    assert run_waybill("serve", "--folder", demo_folder, f"--{name}={value.strip(chr(34))}") == 2
    assert capsys.readouterr().err == f"waybill serve: {told}"
    with monkeypatch.context() as environ:
        environ.setenv(f"WAYBILL_{name.upper()}", value.strip('"'))
        assert run_waybill("serve", "--folder", demo_folder) == 2
    assert capsys.readouterr().err == f"waybill serve: {told}"
    with (demo_folder / SETTINGS).open("a") as file:
        file.write(f"[service]\n{name} = {value}\n")
    assert run_waybill("serve", "--folder", demo_folder) == 2
    assert capsys.readouterr().err == f"waybill serve: {told}"


def test_environment_overrides_the_file_and_invalid_values_are_refused(demo_folder, capsys, monkeypatch):
    with (demo_folder / SETTINGS).open("a") as file:
        file.write("[service]\nport = 9000\nbody_seconds = 3\n")
    found = ServiceSettings.read(demo_folder, {"WAYBILL_PORT": "9001", "WAYBILL_HOST": "localhost"})
    assert (found.port, found.host, found.body_seconds, found.loopback) == (9001, "localhost", 3.0, True)
    assert (
        ServiceSettings.read(demo_folder, {"WAYBILL_ADDRESS": "https://MASK.example:443/"}).address
        == "https://mask.example"
    )
    prefixed = ServiceSettings.read(demo_folder, {"WAYBILL_ADDRESS": "https://mask.example/some/prefix/"})
    assert prefixed.address == "https://mask.example/some/prefix"
    for address in (
        "mask.example",
        "https://mask.example/a/../b",
        "https://mask.example/a//b",
        "https://mask.example/?a",
    ):
        with pytest.raises(SettingsError, match="address"):
            ServiceSettings.read(demo_folder, {"WAYBILL_ADDRESS": address})
    for environ in ({"WAYBILL_PORT": "x"}, {"WAYBILL_BODY_SECONDS": "inf"}, {"WAYBILL_BODY_BYTES": "0"}):
        with pytest.raises(SettingsError):
            ServiceSettings.read(demo_folder, environ)
    with (demo_folder / SETTINGS).open("a") as file:
        file.write("prot = 1\n")
    with pytest.raises(SettingsError, match="unknown setting"):
        ServiceSettings.read(demo_folder, {})


def test_demo_gives_every_actor_a_secret_and_leaves_nothing(tmp_path):
    with run_service_process("--demo", TMPDIR=str(tmp_path)) as (process, url):
        wait_until_ready(url)
        lines = [process.stdout.readline().strip() for _ in range(7)]
        assert lines[0] == f"export URL={url}"
        secrets = dict(line.removeprefix("export ").split("=", 1) for line in lines[1:])
        for text in secrets.values():
            assert httpx.post(f"{url}/v1/token", json={"secret": text}).status_code == 200
        assert set(secrets) == {
            f"{who}_SECRET" for who in ("SHOP", "RECEIVER", "DISPATCHER", "COURIER_7", "SWITCH", "SUPERVISOR")
        }
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []


def test_doctor_names_units_of_both_tables_without_a_person(tmp_path, capsys):
    world, folder = World(), tmp_path / "d"
    create(folder, world, Settings(tenant=TENANT, network=NETWORK))
    assert run_waybill("doctor", "--folder", folder) == 0
    assert (
        "look   2 units of [collects] and [delivers] have no enrolled outlet staff: hz-01, sh-01\n"
        in capsys.readouterr().out
    )
    with opening(folder, world) as store, store.transaction() as tx:
        people.enrol(world, store.keys, tx, RECEIVER, world.now())
        people.enrol(world, store.keys, tx, replace(COURIER, unit="hz-01"), world.now())
    assert run_waybill("doctor", "--folder", folder) == 0
    assert (
        "look   1 units of [collects] and [delivers] have no enrolled outlet staff: hz-01\n" in capsys.readouterr().out
    )


@pytest.mark.parametrize("given", [{}, {"shop": ["YT10"]}])
def test_doctor_says_when_waybill_numbers_are_allotted_to_no_unit(tmp_path, capsys, given):
    create(tmp_path / "d", World(), Settings(tenant=TENANT, network=replace(NETWORK, numbers_of=given)))
    assert run_waybill("doctor", "--folder", tmp_path / "d") == 0
    assert ("waybill numbers are allotted to no unit" in capsys.readouterr().out) is not bool(given)


@pytest.mark.parametrize(
    ("address", "clear"),
    [
        ("http://mask.example", True),
        ("HTTP://10.0.0.7:8440/", True),
        ("https://mask.example", False),
        ("http://localhost:8440", False),
        ("http://127.0.0.2", False),
        ("http://[::1]:8440", False),
    ],
)
def test_doctor_names_an_address_that_remote_clients_reach_without_tls(demo_folder, capsys, address, clear):
    with (demo_folder / SETTINGS).open("a", encoding="utf-8") as file:
        file.write(f'[service]\naddress = "{address}"\n')
    assert run_waybill("doctor", "--folder", demo_folder) == 0
    assert ("look   [service] address is http:// on another machine" in capsys.readouterr().out) is clear


def test_doctor_accepts_a_new_deployment_and_names_what_is_wrong(demo_folder, capsys):
    capsys.readouterr()
    assert run_waybill("doctor", "--folder", demo_folder) == 0
    report = capsys.readouterr().out
    assert "WRONG" not in report
    assert OFFLINE_KEY in report
    assert "1000 of 1000 are free" in report
    demo_folder.chmod(0o755)
    assert run_waybill("doctor", "--folder", demo_folder) == 1
    assert "chmod 700" in capsys.readouterr().out
    demo_folder.chmod(0o700)
    strange = demo_folder / "old.key"
    if os.geteuid():
        strange.symlink_to("/etc/passwd")  # root's
    else:
        strange.touch()
        os.chown(strange, 65534, -1)
    assert run_waybill("doctor", "--folder", demo_folder) == 1
    assert "WRONG  old.key: owned by another user than the folder" in capsys.readouterr().out
    (demo_folder / ROOT_KEY).chmod(0o644)
    assert run_waybill("doctor", "--folder", demo_folder) == 1
    assert run_waybill("doctor", "--folder", demo_folder / "nowhere") == 1
