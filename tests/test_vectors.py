"""FORMAT.md held against files: what `masking` reads, what a second reader reads, and what `masking` would write today."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest

from masking.crypto import archive, envelope, index, labelcode, rowmac, seal
from masking.crypto.keys import DayWrapper, FileKeySource
from masking.errors import IntegrityError
from masking.ledger import certificate, log, loss
from masking.ledger import checkpoint as points
from masking.ledger.note import VerifierKey
from masking.ledger.tree import Tree
from masking.runtime import milliseconds
from masking.values.json import time_to_json
from masking.values.plaintext import Plain
from tests.support import independent_ledger, independent_reader

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "tests" / "vectors"
BINARY = {"key", "public", "root", "private", "record", "blob", "sealed", "body", "salt", "leaf"}


def sealed_field(key, tenant, record, field, sealed):
    return seal.open_fields(key, tenant, record, {field: sealed})[field].reveal()


def root_wrap(root, name, blob):
    return FileKeySource(root).unwrap(name, blob)


def day_wrap(key, kind, day, tenant, record, generation, blob):
    return DayWrapper(kind, day, key).unwrap(tenant, record, generation, blob)


def label_code(keys, tenant, code):
    read = labelcode.decode(keys, tenant, code)
    return read and {"record": read[0], "print_number": read[1]}


def waybill_id(waybill_id):
    return index.record_of_waybill_id(waybill_id)


def person_index(key, phone):
    return index.person_index(key, phone)


def merge_reference(key, name, phone, address):
    return index.merge_reference(key, name, phone, address)


def content_mac(key, fields, extra):
    return index.content_mac(key, {name: Plain(text) for name, text in fields.items()}, extra)


def row_mac(key, table, row):
    values = [bytes.fromhex(value["hex"]) if isinstance(value, dict) else value for value in row.values()]
    return rowmac.row_mac(key, rowmac.row_head(table, list(row)), values)


def archived_key(private, day, blob):
    return archive.open_day_key(private, day, blob)


def ledger_leaf(body):
    leaf = log.decode(body)
    values = {name: getattr(leaf, name) for name in ("id", "kind", "actor", "subject")}
    return values | {"at": milliseconds(leaf.at), "detail": dict(leaf.detail)}


def ledger_subject(salt, record):
    return log.subject(salt, record)


def ledger_duty(salt, record):
    return log.letters(log.subject(salt, record))


def ledger_root(bodies):
    grown = Tree()
    grown.append([bytes.fromhex(body) for body in bodies])
    return grown.root()


def checkpoint(note, pin):
    read = points.read(note, points.VerifierKey.parse(pin))
    return {"origin": read.origin, "size": read.size, "root": read.root, "at": time_to_json(read.at)}


def announced_loss(note, leaf, pin):
    found = loss.read(note, points.VerifierKey.parse(pin))
    if not found.is_stated_by(log.decode(leaf)):
        raise IntegrityError("another leaf")
    signed, left = (
        {"size": found.signed_size, "root": found.signed_root},
        {"size": found.left_size, "root": found.left_root},
    )
    return {
        "signed": signed,
        "left": left,
        "reason": found.reason,
        "at": time_to_json(found.at),
        "id": loss.loss_id(note),
    }


def source_envelope(private, tenant, merchant, blob):
    text, head = envelope.open_envelope(private, tenant, merchant, blob), envelope.head(blob)
    shown = {"key_id": head.key_id, "id": head.id, "not_after": milliseconds(head.not_after)}
    return {"text": text.decode().rstrip(" ")} | shown


def source_directory(note, origin, public):
    keys = envelope.read_directory(note, VerifierKey(origin, public))
    return [{"id": k.id, "public": k.public, "until": f"{k.until:%Y-%m-%dT%H:%M:%S}Z"} for k in keys]


def certificate_of_destruction(note, origin, public):
    done = certificate.read(note, VerifierKey(certificate.key_name(origin), public))
    times = {"at": time_to_json(done.at), "complete_by": time_to_json(done.complete_by)}
    return {"waybill": done.waybill, "reason": done.reason} | times


OURS = {
    function.__name__.replace("_", "-"): function
    for function in (
        sealed_field,
        root_wrap,
        day_wrap,
        label_code,
        waybill_id,
        person_index,
        merge_reference,
        content_mac,
        row_mac,
        archived_key,
        source_envelope,
        source_directory,
        certificate_of_destruction,
        ledger_leaf,
        ledger_subject,
        ledger_duty,
        announced_loss,
        ledger_root,
        checkpoint,
    )
}
CASES = [path for name in OURS for path in sorted((FOLDER / name).glob("*.json"))]


def given(path):
    values = json.loads(path.read_text("utf-8"))["given"]
    for name in BINARY & set(values):
        values[name] = bytes.fromhex(values[name])
    if "keys" in values:
        values["keys"] = {int(key_id): bytes.fromhex(key) for key_id, key in values["keys"].items()}
    return values


def expected(path):
    return json.loads(path.read_text("utf-8"))["expect"]


def spelt(value):
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list):
        return [spelt(part) for part in value]
    return {name: spelt(part) for name, part in value.items()} if isinstance(value, dict) else value


def outcome(read, path, refusal):
    try:
        return spelt(read(**given(path)))
    except refusal:
        return {"error": "IntegrityError"}


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_vector_is_read_as_it_says(path):
    assert outcome(OURS[path.parent.name], path, IntegrityError) == expected(path)


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_independent_reader_reads_the_same(path):
    name = path.parent.name.replace("-", "_")
    read = getattr(independent_reader, name, None) or getattr(independent_ledger, name)
    assert outcome(read, path, independent_reader.DoesNotOpen) == expected(path)


def test_independent_reader_imports_nothing_of_the_project():
    text = "".join(Path(each.__file__).read_text("utf-8") for each in (independent_reader, independent_ledger))
    imports = [line for line in text.splitlines() if line.startswith(("import ", "from "))]
    assert imports
    assert not [line for line in imports if "masking" in line]


def test_todays_output_equals_the_vector_files(monkeypatch):
    monkeypatch.chdir(ROOT)
    made = runpy.run_path(str(ROOT / "scripts" / "make_vectors.py"))["cases"]()
    assert {str(path): path.read_text("utf-8") for path in (p.relative_to(ROOT) for p in CASES)} == {
        str(path): content for path, content in made.items()
    }


def test_every_format_has_valid_and_invalid_cases():
    for name in (
        "sealed-field",
        "root-wrap",
        "day-wrap",
        "label-code",
        "waybill-id",
        "archived-key",
        "ledger-leaf",
        "checkpoint",
    ):
        outcomes = [expected(path) for path in CASES if path.parent.name == name]
        refused = [value for value in outcomes if value is None or (isinstance(value, dict) and "error" in value)]
        assert 0 < len(refused) < len(outcomes)
