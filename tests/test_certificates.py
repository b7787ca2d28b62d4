"""A certificate of erasure says what is gone, and anybody can check it."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

import masking
from api.cli.main import main
from masking.deployment import open_folder
from masking.errors import IntegrityError
from masking.ledger.certificate import Certificate, key_name, read, sign
from masking.ledger.note import VerifierKey
from masking.runtime import World
from tests.support.parcels import check_out
from tests.support.people import SHOP

SEED = bytes(range(32))


CERTIFIED = Certificate(
    waybill="wb1_06fpfbgk00000g40r40m30e209",
    reason="erasure-request",
    at=datetime(2026, 11, 24, 0, 30, tzinfo=UTC),
    complete_by=datetime(2026, 11, 25, 0, 30, tzinfo=UTC),
)


def test_certificate_reads_back_and_any_changed_character_is_refused():
    note = sign(CERTIFIED, "waybill-masking/carrier", SEED)
    key = VerifierKey.of_seed(key_name("waybill-masking/carrier"), SEED)
    assert read(note, key) == CERTIFIED
    for place in range(len(note)):
        for character in {"0", "\n", "Z"} - {note[place]}:
            with pytest.raises(IntegrityError):
                read(note[:place] + character + note[place + 1 :], key)
    for stranger in (VerifierKey.of_seed(key.name, bytes(32)), VerifierKey.of_seed("waybill-masking/carrier", SEED)):
        with pytest.raises(IntegrityError):
            read(note, stranger)


def test_erasure_writes_a_certificate_that_the_printed_key_verifies(order, tmp_path, capsys):
    folder = tmp_path / "deployment"
    masking.connect(folder).close()
    with closing(open_folder(folder, World())) as store:
        waybill = check_out(World(), store, order())
    file = tmp_path / "certificate.txt"
    words = ["erase", waybill.id, "--reason", "erasure-request", "--certificate", str(file), "--folder", str(folder)]
    assert main(words) == 0
    printed = VerifierKey.parse(capsys.readouterr().out.split("signed by ")[1].split()[0])
    certificate = read(file.read_text("utf-8"), printed)
    assert (certificate.waybill, certificate.reason) == (waybill.id, "erasure-request")
    assert certificate.complete_by - certificate.at == timedelta(hours=24)
    assert SHOP.id not in file.read_text("utf-8")
    verify = ["certificate", "verify", str(file)]
    assert main([*verify, "--key", str(printed)]) == main([*verify, "--folder", str(folder)]) == 0
    said = capsys.readouterr().out
    assert said.count(f"{waybill.id} destroyed at") == 2
    assert said.count("no known copy of it can be opened from") == 2


@pytest.mark.parametrize(
    ("note", "key", "status", "says"),
    [
        ("as-signed", "own", 0, "certified by waybill-masking/carrier/certificates"),
        ("another-token", "own", 1, "NOT CERTIFIED"),
        ("as-signed", "another", 1, "NOT CERTIFIED"),
        ("as-signed", "none", 2, "not-a-public-key"),
        ("missing", "own", 2, "not-a-readable-text"),
    ],
)
def test_certificate_is_verified_with_the_public_key_alone(tmp_path, capsys, note, key, status, says):
    name = key_name("waybill-masking/carrier")
    keys = {
        "own": VerifierKey.of_seed(name, SEED),
        "another": VerifierKey.of_seed(name, bytes(32)),
        "none": "waybill+1+x",
    }
    signed = sign(CERTIFIED, "waybill-masking/carrier", SEED)
    file = tmp_path / "certificate.txt"
    if note != "missing":
        token = CERTIFIED.waybill[:-1] + ("0" if CERTIFIED.waybill[-1] != "0" else "1")
        file.write_text(signed if note == "as-signed" else signed.replace(CERTIFIED.waybill, token), "utf-8")
    assert main(["certificate", "verify", str(file), "--key", str(keys[key])]) == status
    said = capsys.readouterr()
    assert says in said.out + said.err
