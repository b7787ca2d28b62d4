"""Coverage-guided fuzzing of every parser of hostile bytes: `make fuzz`, or `python -m fuzz.run TARGET [SECONDS]`.

A target takes bytes. It may refuse them in its own way and must not raise anything else; what it accepts must be the one
spelling of what it read. The test vectors of FORMAT.md are the first corpus.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["masking"]):
    from masking.access.proof import ProofError, base64url, verify
    from masking.crypto import archive, envelope, index, labelcode
    from masking.crypto.keys import DayWrapper, FileKeySource
    from masking.crypto.seal import open_fields
    from masking.errors import InputError, IntegrityError
    from masking.ledger import certificate, checkpoint, log
    from masking.values.json import order_from_json, order_to_json
    from masking.values.plaintext import Order

ROOT = Path(__file__).parents[1]
KEY = bytes(32)
NOW = datetime(2026, 11, 24, tzinfo=UTC)
ADDRESS = "https://mask.example/v1/resolve"
LEDGER = checkpoint.VerifierKey.of_seed("waybill-masking/carrier", KEY)
CERTIFIER = checkpoint.VerifierKey.of_seed(certificate.key_name(LEDGER.name), KEY)


def text_of(data: bytes) -> str:
    """Any text, lone surrogates included: what a careless caller could hand over."""
    return data.decode("utf-8", "surrogateescape")


def label_code(data: bytes) -> None:
    """No label code is valid that was made without the key."""
    assert labelcode.decode({1: KEY + KEY}, "carrier", text_of(data)) is None


def waybill_id(data: bytes) -> None:
    """A waybill id has one spelling."""
    record = index.record_of_waybill_id(text_of(data))
    assert record is None or index.waybill_id_of(record) == text_of(data)


def sealed_bytes(data: bytes) -> None:
    """Nothing opens that was not sealed."""
    for read in (
        lambda: open_fields(KEY, "t", bytes(16), {"goods": data}),
        lambda: FileKeySource(KEY).unwrap("online/2026-11-24", data),
        lambda: DayWrapper("online", "2026-11-24", KEY).unwrap("t", bytes(16), 1, data),
        lambda: archive.open_day_key(b"\1" * 32, "2026-11-24", data),
        lambda: envelope.open_envelope(b"\1" * 32, "t", "m", data),
    ):
        with suppress(IntegrityError):
            raise AssertionError(read())
    found = envelope.head(data)
    assert found is None or len(found.id) == 16


def signed_note(data: bytes) -> None:
    """No signature is valid that was made without the key."""
    for read in (
        lambda: checkpoint.read(text_of(data), LEDGER),
        lambda: certificate.read(text_of(data), CERTIFIER),
        lambda: envelope.read_directory(text_of(data), LEDGER),
    ):
        with suppress(IntegrityError):
            raise AssertionError(read())


def pinned_key(data: bytes) -> None:
    """A key that can be pinned has one spelling."""
    with suppress(IntegrityError):
        assert str(checkpoint.VerifierKey.parse(text_of(data))) == text_of(data)


def ledger_leaf(data: bytes) -> None:
    """A leaf has one spelling."""
    with suppress(IntegrityError):
        assert log.encode(log.decode(data)) == data


def order(data: bytes) -> None:
    """Any JSON gives an order or an `InputError` that names the member. The order's problems are returned, not raised."""
    try:
        value: Any = json.loads(data)
    except (ValueError, RecursionError):
        return
    if isinstance(value, dict):
        with suppress(InputError):
            read = order_from_json(value)
            assert isinstance(read, Order)
            read.problems()
            assert order_from_json(order_to_json(read)) == read


def proof(data: bytes) -> None:
    """No proof is valid that was made without the private key: neither any string nor any JSON in its parts."""
    head, _, claims = data.partition(b"\n")
    for text in (text_of(data), ".".join(map(base64url, (head, claims, bytes(64))))):
        with suppress(ProofError):
            raise AssertionError(verify(text, method="POST", address=ADDRESS, token=None, now=NOW))


TARGETS: dict[str, Callable[[bytes], None]] = {
    function.__name__: function
    for function in (label_code, waybill_id, sealed_bytes, signed_note, pinned_key, ledger_leaf, order, proof)
}


def seeds() -> Iterator[bytes]:
    """Every text and every hexadecimal value of the test vectors, an order, and the parts of a proof."""
    for path in sorted((ROOT / "tests" / "vectors").glob("*/*.json")):
        for value in json.loads(path.read_text("utf-8"))["given"].values():
            if isinstance(value, str):
                yield value.encode()
                with suppress(ValueError):
                    yield bytes.fromhex(value)
    party = {"name": "n", "phone": "13800000001", "address": "a"}
    yield json.dumps({"reference": "A-1", "recipient": party, "sender": party, "goods": "g"}).encode()
    jwk = {"kty": "EC", "crv": "P-256", "x": base64url(bytes(32)), "y": base64url(bytes(32))}
    claims = {"jti": "0" * 32, "htm": "POST", "htu": ADDRESS, "iat": int(NOW.timestamp())}
    yield b"\n".join(json.dumps(each).encode() for each in ({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk}, claims))


def main(words: list[str]) -> int:
    """Run one target in this process, or each in a process of its own; the number of those that found something."""
    if not words or words[0].isdigit():
        return sum(not _quiet(name, *words) for name in TARGETS)
    name, seconds = words[0], words[1] if len(words) > 1 else "8"
    with tempfile.TemporaryDirectory() as corpus:
        for number, data in enumerate(seeds()):
            (Path(corpus) / str(number)).write_bytes(data)
        found = tempfile.gettempdir()
        flags = [
            f"-max_total_time={seconds}",
            "-max_len=4096",
            "-verbosity=0",
            f"-artifact_prefix={found}/fuzz-{name}-",
        ]
        atheris.Setup([sys.argv[0], *flags, corpus], TARGETS[name])
        atheris.Fuzz()
    return 0


def _quiet(name: str, *seconds: str) -> bool:
    """Run one target; what it says only matters if it found something."""
    command = [sys.executable, "-m", "fuzz.run", name, *seconds]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    print(f"fuzz {name}: {'nothing found' if done.returncode == 0 else 'FOUND'}", flush=True)
    if done.returncode:
        print(done.stdout, done.stderr[-1000:], sep="\n")
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
