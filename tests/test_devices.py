"""A device's life over HTTP, as apps live it through `masking.client`: let in, at work, lost, and out."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from masking.access.people import Actor, KeyProtection, Role
from masking.client import Courier, Device, Outlet, Supervisor
from masking.client.device import make_key
from masking.errors import RefusedError, SettingsError
from masking.store.rows import people
from masking.values.outcomes import Confirmed, DeviceEnded, Revoked, ShiftSet
from masking.values.plaintext import Enrolled, Grant
from masking.values.printable import Refusal
from masking.words.reasons import Reason
from tests.support.dpop_proofs import KEY
from tests.support.order_files import row, text
from tests.support.people import COURIER, DISPATCHER, SHOP, TENANT
from tests.support.running_service import ROOT, SUPERVISOR, Service, load_parcels_on_van, run_service

NEW = Actor(id="courier-9", tenant=TENANT, role=Role.COURIER, unit="sh-01")
PERSON = {"role": "courier", "unit": "sh-01"}


@pytest.fixture
def service(tmp_path) -> Iterator[Service]:
    with run_service(tmp_path / "deployment", bearer_roles=frozenset()) as running:
        yield running


@pytest.fixture
def file(tmp_path):
    """A file of credentials, as an app keeps it."""

    def write(name: str, code: str) -> Path:
        path = tmp_path / f"{name}.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps({"code": code}), "utf-8")
        return path

    return write


@pytest.fixture
def boss(service, file) -> Iterator[Supervisor]:
    with Supervisor.connect(service.url, credentials=file("boss", service.code(SUPERVISOR))) as connected:
        yield connected


@pytest.fixture
def clerk(service, file) -> Iterator[Outlet]:
    with Outlet.connect(service.url, credentials=file("clerk", service.code(DISPATCHER))) as connected:
        yield connected


def enrolled(boss: Supervisor, clerk: Outlet) -> str:
    """The confirmed code of courier-9."""
    found = boss.enrol(NEW.id, phone="13900000009", **PERSON)
    assert isinstance(found, Enrolled)
    assert clerk.confirm(NEW.id, phone="13900000009", **PERSON) == Confirmed(id=NEW.id)
    return found.code.reveal()


def resolve_with(me: Courier, code: str) -> Any:
    return me.resolve([code], purpose="deliver")[0]


def test_courier_has_a_first_day_a_lost_phone_and_a_last_day(service, file, boss, clerk):
    with Courier.connect(service.url, credentials=file("first", enrolled(boss, clerk))) as me:
        with pytest.raises(RefusedError, match="no-shift"):
            resolve_with(me, "WB1")
        [working] = clerk.shift([NEW.id], hours=10)
        assert isinstance(working, ShiftSet)
        labels = load_parcels_on_van(service.clock.world, service.store, 2, NEW)
        assert isinstance(resolve_with(me, labels[0].code), Grant)

        assert boss.report_lost([NEW.id]) == [DeviceEnded(id=NEW.id)]  # without waiting for a token to expire
        with pytest.raises(RefusedError, match="unauthenticated"):
            resolve_with(me, labels[1].code)
        with Courier.connect(service.url, credentials=file("second", enrolled(boss, clerk))) as again:
            assert isinstance(resolve_with(again, labels[1].code), Grant)  # its duties have stayed
            assert boss.revoke([NEW.id]) == [Revoked(id=NEW.id)]
            with pytest.raises(RefusedError, match="unauthenticated"):
                resolve_with(again, labels[1].code)


def test_ended_shift_ends_the_token(service, file, boss, clerk):
    with Courier.connect(service.url, credentials=file("me", enrolled(boss, clerk))) as me:
        clerk.shift([NEW.id], hours=10)
        [label] = load_parcels_on_van(service.clock.world, service.store, 1, NEW)
        assert isinstance(resolve_with(me, label.code), Grant)
        clerk.shift([NEW.id], hours=0)
        with pytest.raises(RefusedError, match="no-shift"):
            resolve_with(me, label.code)


def test_code_alone_is_worth_nothing_to_a_second_device(service, file, boss, clerk):
    code = enrolled(boss, clerk)
    clerk.shift([NEW.id], hours=10)
    with (
        Courier.connect(service.url, credentials=file("me", code)) as me,
        Courier.connect(service.url, credentials=file("thief", code)) as thief,
    ):
        assert resolve_with(me, "WB1") == Refusal(reason="unknown")
        with pytest.raises(RefusedError, match="unauthenticated"):
            resolve_with(thief, "WB1")


def test_hardware_key_signs_for_the_client_without_a_key_file(service, tmp_path, file, boss, clerk):
    code = enrolled(boss, clerk)
    clerk.shift([NEW.id], hours=10)
    signed: list[bytes] = []

    def sign(message: bytes) -> bytes:
        signed.append(message)
        return KEY.sign(message, ec.ECDSA(SHA256()))

    device = Device(KEY.public_key(), sign)
    with Courier.connect(service.url, credentials=file("chip", code), device=device) as me:
        assert resolve_with(me, "WB1") == Refusal(reason="unknown")
    assert len(signed) == 3  # the token, the ledger's key, the look
    assert not (tmp_path / "chip.key").exists()
    with service.store.reading() as tx:
        assert (
            people.active(tx, [NEW.id])[NEW.id].level is KeyProtection.SOFTWARE
        )  # no attestation says that the key is in a chip


@pytest.mark.parametrize("minutes", [-45, 45])
def test_wrong_client_clock_is_corrected_by_the_service(service, file, boss, clerk, minutes):
    code = enrolled(boss, clerk)
    clerk.shift([NEW.id], hours=10)
    service.clock.ahead += timedelta(minutes=minutes)
    with Courier.connect(service.url, credentials=file("me", code)) as me:
        assert resolve_with(me, "WB1") == Refusal(reason="unknown")


def shell(*words: object, before: tuple[str, ...] = ()) -> tuple[int, str]:
    """The exit status of a `waybill` command, and what it prints."""
    command = [*before, sys.executable, "-m", "api.cli", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    return done.returncode, done.stdout + done.stderr


def test_lost_device_key_is_named_and_a_new_code_gets_a_new_key(service, tmp_path, file, boss, clerk):
    path, orders = file("me", enrolled(boss, clerk)), tmp_path / "orders.csv"
    orders.write_text(text(row(1)), "utf-8")
    clerk.shift([NEW.id], hours=10)
    with Courier.connect(service.url, credentials=path) as me:
        assert resolve_with(me, "WB1") == Refusal(reason="unknown")
    (tmp_path / "me.key").unlink()
    advice = r"me\.key, the device key of me\.json, is missing.* Restore the file, or ask a supervisor for a new code"
    with pytest.raises(SettingsError, match=advice):
        Courier.connect(service.url, credentials=path)
    assert not (tmp_path / "me.key").exists()
    for command in (("people", service.url, "--as", path, "unlock", "x"), ("mask", orders, "--to", service.url)):
        status, said = shell(*command, *(["--credentials", path] if command[0] == "mask" else []))
        assert (status, re.search(advice, said) is not None) == (2, True), said

    file("me", enrolled(boss, clerk))
    with Courier.connect(service.url, credentials=path) as me:
        assert resolve_with(me, "WB1") == Refusal(reason="unknown")


@pytest.mark.parametrize("who", [SUPERVISOR, SHOP])
def test_credentials_can_be_read_from_a_read_only_folder(service, tmp_path, who):
    secrets, state, orders = tmp_path / "secrets", tmp_path / "state", tmp_path / "orders.csv"
    secrets.mkdir()
    state.mkdir()
    path = secrets / "me.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps({"code": service.code(who)}), "utf-8")
    orders.write_text(text(row(1)), "utf-8")
    secrets.chmod(0o555)
    command: tuple[object, ...] = ("people", service.url, "--as", path)
    rest: tuple[object, ...] = ("revoke", COURIER.id)
    if who is SHOP:
        command, rest = ("mask", orders, "--to", service.url, "--credentials", path, "--labels", "none"), ()
    as_user = () if os.geteuid() else ("setpriv", "--bounding-set", "-all")  # without capabilities root obeys modes
    status, said = shell(*command, *rest, before=as_user)
    assert status == 2
    assert "the folder secrets can't be written (Permission denied)" in said
    assert "--state" in said
    for _ in range(2):
        assert shell(*command, "--state", state, *rest, before=as_user)[0] == 0
    assert [each.name for each in secrets.iterdir()] == ["me.json"]
    assert (state / "me.key").exists()


def test_supervisor_enrols_and_revokes_people_from_a_shell(service, file, boss, clerk):
    boss.link.close()
    clerk.link.close()
    as_boss, as_clerk = (file(name, service.code(who)) for name, who in (("b", SUPERVISOR), ("c", DISPATCHER)))

    def waybill(who: Path, *words: str, typed: str = "") -> tuple[int, str]:
        command = [sys.executable, "-m", "api.cli", "people", service.url, "--as", str(who), *words]
        done = subprocess.run(command, input=typed, capture_output=True, text=True, cwd=ROOT, check=False)
        return done.returncode, done.stdout

    person = (NEW.id, "--role", "courier", "--unit", "sh-01")
    status, told = waybill(as_boss, "enrol", *person, "--phone", typed="13900000009\n")
    assert status == 0
    [code] = [line.strip() for line in told.splitlines() if line.strip().startswith("wbc1_")]
    for who, reason in ((as_boss, Reason.UNKNOWN), (as_clerk, Reason.PHONE_DIFFERS)):
        explained = f"courier-9: refused: {reason}: {reason.meaning} {reason.remedy}\n"
        assert waybill(who, "confirm", *person) == (1, explained)
    assert waybill(as_clerk, "confirm", *person, "--phone", typed="13900000009\n") == (0, "courier-9: confirm done\n")
    assert waybill(as_clerk, "shift", NEW.id, "--hours", "8")[0] == 0
    with Courier.connect(service.url, credentials=file("me", code)) as me:
        assert resolve_with(me, "WB1") == Refusal(reason="unknown")
        assert waybill(as_boss, "revoke", NEW.id) == (0, "courier-9: revoke done\n")
        with pytest.raises(RefusedError, match="unauthenticated"):
            resolve_with(me, "WB1")
        assert waybill(as_boss, "reinstate", NEW.id) == (0, "courier-9: reinstate done\n")
        assert resolve_with(me, "WB1") == Refusal(reason="unknown")
        assert waybill(as_boss, "unlock", NEW.id) == (0, "courier-9: unlock done\n")
        assert waybill(as_boss, "lost", NEW.id) == (0, "courier-9: lost done\n")
        with pytest.raises(RefusedError, match="unauthenticated"):
            resolve_with(me, "WB1")
    assert waybill(as_boss, "enrol", "A B", "--role", "courier", "--unit", "sh-01")[0] == 1


def test_key_readable_by_others_is_not_used(service, tmp_path, file, boss, clerk):
    path = file("me", enrolled(boss, clerk))
    make_key(tmp_path / "me.key")
    (tmp_path / "me.key").chmod(0o644)
    with pytest.raises(SettingsError, match="chmod"):
        Courier.connect(service.url, credentials=path)
