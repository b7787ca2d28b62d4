"""The root in a PKCS#11 token, against SoftHSM2: a key that can't be read out opens what it wrapped, and nothing else."""

from __future__ import annotations

import importlib
import os
import subprocess
from pathlib import Path

import pytest

import masking
from api.cli import main
from masking.connection import ROOT_KEY, open_folder
from masking.crypto.hsm import Pkcs11KeySource
from masking.crypto.keys import FileKeySource
from masking.errors import IntegrityError, SettingsError
from masking.world import World
from tests.test_keylives import opened

pytestmark = pytest.mark.system("softhsm2-util")
TOKEN, PIN = "waybill", "271828"


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    """SoftHSM2 with one fresh token; its library reads its settings once in a process."""
    if not os.environ.get("CI"):
        pytest.importorskip("pkcs11")
    home = tmp_path_factory.mktemp("softhsm")
    (home / "tokens").mkdir()
    (home / "softhsm2.conf").write_text(f"directories.tokendir = {home}/tokens\nobjectstore.backend = file\n")
    os.environ["SOFTHSM2_CONF"] = str(home / "softhsm2.conf")
    command = ["softhsm2-util", "--init-token", "--free", "--label", TOKEN, "--so-pin", "31415926", "--pin", PIN]
    subprocess.run(command, check=True, capture_output=True)
    found = list(Path("/usr/lib").rglob("libsofthsm2.so"))
    assert found, "softhsm2-util is here and its library is not"
    return str(found[0])


@pytest.fixture
def root(library, request):
    return Pkcs11KeySource.create(library, TOKEN, request.node.name[:30], PIN)


def test_a_root_in_a_token_opens_what_it_wrapped_under_its_name_only(root):
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


def test_a_token_wraps_in_the_form_of_the_key_file(library, root):
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


def test_the_root_cannot_be_read_out(root, library):
    pkcs11 = importlib.import_module("pkcs11")
    session = pkcs11.lib(library).get_token(token_label=TOKEN).open(rw=True)
    for key in session.get_objects({pkcs11.Attribute.CLASS: pkcs11.ObjectClass.SECRET_KEY}):
        with pytest.raises(pkcs11.PKCS11Error):
            key[pkcs11.Attribute.VALUE]
    session.close()


def test_a_key_that_could_be_read_out_is_refused(library, root):
    pkcs11 = importlib.import_module("pkcs11")
    session = pkcs11.lib(library).get_token(token_label=TOKEN).open(rw=True)
    flags = {pkcs11.Attribute.SENSITIVE: False, pkcs11.Attribute.EXTRACTABLE: True}
    session.generate_key(pkcs11.KeyType.AES, 256, label="soft", store=True, template=flags)
    session.close()
    with pytest.raises(SettingsError, match="can be read out"):
        Pkcs11KeySource.open(library, TOKEN, "soft", PIN)


def test_what_is_not_there_is_named_and_the_pin_is_not(library, root):
    for words, why in (
        (("/nowhere.so", TOKEN, "root", PIN), "PKCS11Error"),
        ((library, "nowhere", "root", PIN), "NoSuchToken"),
        ((library, TOKEN, "nowhere", PIN), "NoSuchKey"),
    ):
        with pytest.raises(SettingsError, match=why) as refused:
            Pkcs11KeySource.open(*words)
        assert PIN not in str(refused.value)
        assert refused.value.__cause__ is None


def test_a_deployment_begins_with_its_root_in_a_token(library, tmp_path, order):
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


def test_a_deployment_moves_its_root_into_a_token_and_the_old_file_opens_nothing(library, tmp_path, order, capsys):
    folder = tmp_path / "deployment"
    with masking.connect(folder) as shop:
        [waybill] = shop.checkout([order()])
    (folder / "pin").write_text(f"{PIN}\n")
    (folder / "pin").chmod(0o600)
    settings = folder / "waybill.toml"
    moved = tmp_path / "new.toml"
    names = f'library = "{library}"\ntoken = "{TOKEN}"\nkey = "moved"\npin_file = "pin"\n'
    moved.write_text(f"{settings.read_text('utf-8')}\n[root]\n{names}", "utf-8")
    assert main(["keys", "rotate", "root", "--to", str(moved), "--folder", str(folder)]) == 0
    with pytest.raises(IntegrityError):
        open_folder(folder, World()).keys.existing("sign", "ledger")
    settings.write_text(moved.read_text("utf-8"), "utf-8")
    (folder / ROOT_KEY).unlink()
    with masking.connect(folder) as shop:
        assert opened(shop.store, waybill) == "欧阳测试"
        shop.checkout([order("A-2")])
    (folder / "pin").chmod(0o644)
    with pytest.raises(SettingsError, match="open to others"):
        masking.connect(folder)


@pytest.mark.parametrize("root", ['"x"', '{ token = "t", pin = "1234" }', "{ token = 1 }"])
def test_settings_of_a_root_that_make_no_sense_are_refused(tmp_path, root):
    folder = tmp_path / "deployment"
    masking.connect(folder).close()
    text = (folder / "waybill.toml").read_text("utf-8")
    (folder / "waybill.toml").write_text(f"root = {root}\n{text}", "utf-8")
    with pytest.raises(SettingsError, match=r"\[root\] takes"):
        masking.connect(folder)
