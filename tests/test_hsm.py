"""The root in a PKCS#11 token, against SoftHSM2: a key that can't be read out opens what it wrapped, and nothing else."""

from __future__ import annotations

import ctypes
import importlib
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

import masking
from api.cli.main import main
from masking.crypto.hsm import Pkcs11KeySource
from masking.crypto.keys import FileKeySource
from masking.deployment import ROOT_KEY, open_folder
from masking.errors import IntegrityError, RootUnavailableError, SettingsError
from masking.runtime import World
from masking.store.rows import budgets
from tests.support.forked_runs import run_forking
from tests.support.parcels import open_recipient_name
from tests.support.people import COURIER
from tests.support.running_service import load_parcels_on_van, make_deployment, run_service
from tests.support.waiting import wait_until

pytestmark = pytest.mark.system("softhsm2-util")
TOKEN, RESET, SERVED, PIN = "waybill", "reset", "served", "271828"


def init_token(name, *where, pin=PIN):
    """Initialise a token in a process of its own, as an administrator does; what was in it is gone."""
    command = ["softhsm2-util", "--init-token", *where, "--label", name, "--so-pin", "31415926", "--pin", pin]
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    """SoftHSM2 with fresh tokens; its library reads its settings once in a process."""
    if not os.environ.get("CI"):
        pytest.importorskip("pkcs11")
    home = tmp_path_factory.mktemp("softhsm")
    (home / "tokens").mkdir()
    (home / "softhsm2.conf").write_text(f"directories.tokendir = {home}/tokens\nobjectstore.backend = file\n")
    os.environ["SOFTHSM2_CONF"] = str(home / "softhsm2.conf")
    for name in (TOKEN, RESET, SERVED):
        init_token(name, "--free")
    found = list(Path("/usr/lib").rglob("libsofthsm2.so"))
    assert found, "softhsm2-util is here and its library is not"
    return str(found[0])


@pytest.fixture
def root(library, request):
    return Pkcs11KeySource.create(library, TOKEN, request.node.name[:30], PIN)


def test_root_in_a_token_opens_its_wraps_under_their_name_only(root):
    blob = root.wrap("online/2026-11-24", bytes(range(32)), os.urandom)
    assert root.unwrap("online/2026-11-24", blob) == bytes(range(32))
    for name, wrapped in (
        ("archive/2026-11-24", blob),
        ("online/2026-11-24", blob[:-1] + bytes([blob[-1] ^ 1])),
        ("online/2026-11-24", b"\2" + blob[1:]),
        ("online/2026-11-24", blob[:20]),
        ("online/2026-11-24", b""),
    ):
        with pytest.raises(IntegrityError):
            root.unwrap(name, wrapped)
    assert root.unwrap("online/2026-11-24", blob) == bytes(range(32))  # a refusal leaves the session usable


def test_token_wraps_in_the_form_of_the_key_file(library, root):
    pkcs11 = importlib.import_module("pkcs11")
    key = bytes(range(32))
    session = pkcs11.lib(library).get_token(token_label=TOKEN).open(rw=True)
    flags = {pkcs11.Attribute.SENSITIVE: True, pkcs11.Attribute.EXTRACTABLE: False}
    session.create_object(
        {
            pkcs11.Attribute.CLASS: pkcs11.ObjectClass.SECRET_KEY,
            pkcs11.Attribute.KEY_TYPE: pkcs11.KeyType.AES,
            pkcs11.Attribute.VALUE: key,
            pkcs11.Attribute.LABEL: "known",
            pkcs11.Attribute.TOKEN: True,
            pkcs11.Attribute.ENCRYPT: True,
            pkcs11.Attribute.DECRYPT: True,
            **flags,
        }
    )
    session.close()
    token, file = Pkcs11KeySource.open(library, TOKEN, "known", PIN), FileKeySource(key)
    blob = file.wrap("staff/1", bytes(32), bytes)
    assert token.wrap("staff/1", bytes(32), bytes) == blob
    assert token.unwrap("staff/1", blob) == bytes(32)


def test_root_in_a_token_cannot_be_extracted(root, library):
    pkcs11 = importlib.import_module("pkcs11")
    session = pkcs11.lib(library).get_token(token_label=TOKEN).open(rw=True)
    for key in session.get_objects({pkcs11.Attribute.CLASS: pkcs11.ObjectClass.SECRET_KEY}):
        with pytest.raises(pkcs11.PKCS11Error):
            key[pkcs11.Attribute.VALUE]
    session.close()


def test_extractable_key_is_refused(library, root):
    pkcs11 = importlib.import_module("pkcs11")
    session = pkcs11.lib(library).get_token(token_label=TOKEN).open(rw=True)
    flags = {pkcs11.Attribute.SENSITIVE: False, pkcs11.Attribute.EXTRACTABLE: True}
    session.generate_key(pkcs11.KeyType.AES, 256, label="soft", store=True, template=flags)
    session.close()
    with pytest.raises(SettingsError, match="can be read out"):
        Pkcs11KeySource.open(library, TOKEN, "soft", PIN)


def test_missing_token_parts_are_named_without_the_pin(library, root):
    for words, why in (
        (("/nowhere.so", TOKEN, "root", PIN), "PKCS11Error"),
        ((library, "nowhere", "root", PIN), "NoSuchToken"),
        ((library, TOKEN, "nowhere", PIN), "NoSuchKey"),
    ):
        with pytest.raises(SettingsError, match=why) as refused:
            Pkcs11KeySource.open(*words)
        assert PIN not in str(refused.value)
        assert refused.value.__cause__ is None


def test_deployment_starts_with_its_root_in_a_token(library, tmp_path, order):
    folder = tmp_path / "deployment"
    folder.mkdir()
    (folder / "pin").write_text(f"{PIN}\n")
    (folder / "pin").chmod(0o600)
    names = f'library = "{library}"\ntoken = "{TOKEN}"\nkey = "first"\npin_file = "pin"\n'
    (folder / "waybill.toml").write_text(f'tenant = "carrier"\n[root]\n{names}', "utf-8")
    assert main(["keys", "init", "--folder", str(folder)]) == 0
    assert not (folder / ROOT_KEY).exists()
    with masking.connect(folder) as shop:
        assert shop.checkout([order()])[0].created


def move_root(folder, library, token):
    """Wrap the keys of a deployment by a key in this token; the settings with which it opens then."""
    (folder / "pin").write_text(f"{PIN}\n")
    (folder / "pin").chmod(0o600)
    names = f'library = "{library}"\ntoken = "{token}"\nkey = "moved"\npin_file = "pin"\n'
    moved = f"{(folder / 'waybill.toml').read_text('utf-8')}\n[root]\n{names}"
    (folder / "new.toml").write_text(moved, "utf-8")
    assert main(["keys", "rotate", "root", "--to", str(folder / "new.toml"), "--folder", str(folder)]) == 0
    return moved


def test_root_moves_into_a_token_and_the_old_file_opens_nothing(library, tmp_path, order, capsys):
    folder = tmp_path / "deployment"
    with masking.connect(folder) as shop:
        [waybill] = shop.checkout([order()])
    moved = move_root(folder, library, TOKEN)
    settings = folder / "waybill.toml"
    with pytest.raises(IntegrityError):
        open_folder(folder, World()).keys.existing("sign", "ledger")
    settings.write_text(moved, "utf-8")
    (folder / ROOT_KEY).unlink()
    with masking.connect(folder) as shop:
        assert open_recipient_name(shop.store, waybill) == "欧阳测试"
        shop.checkout([order("A-2")])
    (folder / "pin").chmod(0o644)
    with pytest.raises(SettingsError, match="open to others"):
        masking.connect(folder)


@pytest.mark.parametrize("root", ['"x"', '{ token = "t", pin = "1234" }', "{ token = 1 }"])
def test_contradictory_root_settings_are_refused(tmp_path, root):
    folder = tmp_path / "deployment"
    masking.connect(folder).close()
    text = (folder / "waybill.toml").read_text("utf-8")
    (folder / "waybill.toml").write_text(f"root = {root}\n{text}", "utf-8")
    with pytest.raises(SettingsError, match=r"\[root\] takes"):
        masking.connect(folder)


def slot_and_session(library, token):
    """The slot of a token, and a session of other code in this process."""
    found = importlib.import_module("pkcs11").lib(library).get_token(token_label=token)
    return found.slot.slot_id, found.open()


def close_all_sessions(library, token=TOKEN):
    """What other code in this process may do to everybody's sessions."""
    slot, _ = slot_and_session(library, token)
    assert ctypes.CDLL(library).C_CloseAllSessions(ctypes.c_ulong(slot)) == 0


def log_out(library, token=TOKEN):
    """Logging out one session logs out all of the process; the handles are numbers that count up."""
    slot_and_session(library, token)
    api = ctypes.CDLL(library)
    assert any(api.C_Logout(ctypes.c_ulong(handle)) == 0 for handle in range(1, 1000))


def finalize(library):
    """What other code in this process may do to the whole library."""
    assert ctypes.CDLL(library).C_Finalize(None) == 0


@pytest.mark.parametrize("lose", [close_all_sessions, log_out, finalize])
def test_lost_session_is_reopened(library, root, lose):
    blob = root.wrap("staff/1", bytes(range(32)), os.urandom)
    lose(library)
    assert root.unwrap("staff/1", blob) == bytes(range(32))
    lose(library)
    assert root.unwrap("staff/1", root.wrap("staff/1", bytes(32), os.urandom)) == bytes(32)
    lose(library)
    with pytest.raises(IntegrityError):  # a damaged wrap stays one
        root.unwrap("staff/2", blob)


def test_threads_that_meet_a_lost_session_all_get_their_keys(library, root):
    keys = {f"staff/{n}": bytes([n]) * 32 for n in range(16)}
    blobs = {name: root.wrap(name, key, os.urandom) for name, key in keys.items()}
    close_all_sessions(library)
    with ThreadPoolExecutor(8) as pool:
        assert dict(zip(keys, pool.map(lambda name: root.unwrap(name, blobs[name]), keys), strict=True)) == keys


def test_reset_token_is_unavailable_and_another_root_an_integrity_error(library):
    root = Pkcs11KeySource.create(library, RESET, "root", PIN)
    blob = root.wrap("staff/1", bytes(32), os.urandom)
    init_token(RESET, "--token", RESET)
    for _ in range(2):
        with pytest.raises(RootUnavailableError, match="NoSuchKey"):
            root.unwrap("staff/1", blob)
    with pytest.raises(RootUnavailableError, match="NoSuchKey") as refused:
        root.wrap("staff/1", bytes(32), os.urandom)
    assert PIN not in str(refused.value)
    assert refused.value.__cause__ is None
    Pkcs11KeySource.create(library, RESET, "root", PIN)  # a new key under the old name
    with pytest.raises(IntegrityError):
        root.unwrap("staff/1", blob)


def test_refused_pin_is_tried_once_so_that_the_token_does_not_lock(library):
    first = Pkcs11KeySource.create(library, RESET, "root", PIN)
    outcomes = []

    def find(loaded):
        try:
            found = first._find(loaded)
        except RuntimeError as error:
            outcomes.append(type(error).__name__)
            raise
        outcomes.append("found")
        return found

    root = Pkcs11KeySource(importlib.import_module("pkcs11"), library, find)
    blob = root.wrap("staff/1", bytes(32), os.urandom)
    init_token(RESET, "--token", RESET, pin="161803")
    for _ in range(5):
        with pytest.raises(RootUnavailableError, match="PinIncorrect") as refused:
            root.unwrap("staff/1", blob)
        assert PIN not in str(refused.value)
    assert outcomes.count("PinIncorrect") == 1
    assert outcomes[-1] == "PinIncorrect"
    init_token(RESET, "--token", RESET)


def test_service_without_its_token_answers_503_and_recovers(library, tmp_path):
    tokens = Path(os.environ["SOFTHSM2_CONF"]).parent / "tokens"
    [token] = [each for each in tokens.iterdir() if SERVED.encode() in (each / "token.object").read_bytes()]
    folder = tmp_path / "deployment"
    make_deployment(folder, World())
    (folder / "waybill.toml").write_text(move_root(folder, library, SERVED), "utf-8")
    with run_service(folder) as service:
        [parcel] = load_parcels_on_van(service.clock.world, service.store, 1)
        look = {"items": [{"code": parcel.code, "purpose": "deliver"}]}

        def asked():
            service.clock.ahead += timedelta(minutes=1)  # what was opened is no longer cached
            return service.ask(COURIER, "/v1/resolve", look), service.http.get("/readyz")

        close_all_sessions(library, SERVED)
        answer, ready = asked()
        assert (answer.json()["outcomes"][0]["outcome"], ready.status_code) == ("granted", 200)
        gone = token.rename(tokens.parent / "gone")
        answer, ready = asked()
        assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (503, "unavailable")
        assert (ready.status_code, ready.json()) == (503, {"ready": False, "risks": ["root-key-unavailable"]})
        gone.rename(token)
        answer, ready = asked()
        assert answer.json()["outcomes"][0]["outcome"] == "granted"
        wait_until(lambda: service.http.get("/readyz").status_code == 200, 30)  # the sequencer tries once a second
        assert service.http.get("/readyz").json() == {"ready": True, "risks": []}
        with service.store.reading() as tx:
            assert "damaged-record" not in {kind for _, kind, _ in budgets.alarms(tx)}


def test_forked_processes_open_a_deployment_with_its_root_in_a_token(library, tmp_path):
    folder = tmp_path / "deployment"
    folder.mkdir()
    (folder / "pin").write_text(f"{PIN}\n")
    (folder / "pin").chmod(0o600)
    names = f'library = "{library}"\ntoken = "{TOKEN}"\nkey = "forked"\npin_file = "pin"\n'
    (folder / "waybill.toml").write_text(f'tenant = "carrier"\n[root]\n{names}', "utf-8")
    assert main(["keys", "init", "--folder", str(folder)]) == 0
    assert len(run_forking("child_first", folder)["acknowledged"]) >= 20
