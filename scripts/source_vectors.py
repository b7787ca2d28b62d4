"""Another part of `make_vectors.py`: envelopes and their directory, certificates (FORMAT.md sections 6 and 10)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from masking.crypto import envelope, index
from masking.ledger import certificate
from masking.ledger.note import VerifierKey

FOLDER = Path("tests/vectors")
TENANT = "carrier"
RECORD = bytes.fromhex("0193586a2c00") + bytes(range(10))
INTEGRITY = {"error": "IntegrityError"}
Case = tuple[str, dict[str, Any], Any]


def seed(name: str, size: int = 32) -> bytes:
    """Bytes that are the same on every run."""
    return hashlib.shake_256(b"waybill-masking vectors: " + name.encode()).digest(size)


def flipped(blob: bytes, place: int) -> bytes:
    """The blob with one bit changed."""
    changed = bytearray(blob)
    changed[place] ^= 1
    return bytes(changed)


def source_envelope() -> Iterator[Case]:
    """Section 6. HPKE draws its own randomness, so the envelope of an earlier run stays."""
    private, text = seed("sealing key"), '{"reference":"A-1001"}'
    key = envelope.public_key(private, 3, datetime(2026, 12, 1, 0, 30, tzinfo=UTC))
    earlier = FOLDER / "source-envelope" / "an-order.json"
    if earlier.exists():
        blob = bytes.fromhex(json.loads(earlier.read_text("utf-8"))["given"]["blob"])
    else:
        blob = envelope.seal(key, TENANT, "shop", seed("envelope", 16), key.until, text.encode())
    good = {"private": private.hex(), "tenant": TENANT, "merchant": "shop", "blob": blob.hex()}
    opened = {"text": text, "key_id": 3, "id": seed("envelope", 16).hex(), "not_after": 1796085000000}
    yield "an-order", good, opened
    yield "for-another-merchant", good | {"merchant": "rival"}, INTEGRITY
    yield "for-another-tenant", good | {"tenant": "carrier2"}, INTEGRITY
    yield "sealed-to-another-key", good | {"private": seed("another sealing key").hex()}, INTEGRITY
    yield "a-later-version", good | {"blob": "02" + blob.hex()[2:]}, INTEGRITY
    yield "a-changed-key-id", good | {"blob": flipped(blob, 4).hex()}, INTEGRITY
    yield "a-changed-envelope-id", good | {"blob": flipped(blob, 5).hex()}, INTEGRITY
    yield "a-later-end", good | {"blob": flipped(blob, 28).hex()}, INTEGRITY
    yield "a-changed-text", good | {"blob": flipped(blob, 100).hex()}, INTEGRITY
    yield "cut-to-its-head", good | {"blob": blob[:29].hex()}, INTEGRITY


def source_directory() -> Iterator[Case]:
    """Section 6."""
    signer, origin = VerifierKey.of_seed("waybill-masking/carrier", seed("ledger")), "waybill-masking/carrier"
    until = datetime(2026, 12, 1, 0, 30, tzinfo=UTC)
    keys = [envelope.public_key(seed(f"sealing key {n}"), n, until + timedelta(days=n)) for n in (3, 4)]
    note = envelope.sign_directory(origin, keys, seed("ledger"))
    good = {"note": note, "origin": origin, "public": signer.public.hex()}
    listed = [{"id": k.id, "public": k.public.hex(), "until": f"{k.until:%Y-%m-%dT%H:%M:%S}Z"} for k in keys]
    yield "two-keys", good, listed
    yield "of-another-service", good | {"origin": "waybill-masking/carrier2"}, INTEGRITY
    yield "signed-by-another", good | {"public": VerifierKey.of_seed(origin, seed("other")).public.hex()}, INTEGRITY
    yield "a-changed-end", good | {"note": note.replace("00:30:00", "00:31:00", 1)}, INTEGRITY
    yield "a-key-left-out", good | {"note": "\n".join([*note.split("\n")[:1], *note.split("\n")[2:]])}, INTEGRITY


def certificate_of_destruction() -> Iterator[Case]:
    """Section 10."""
    origin, at = "waybill-masking/carrier", datetime(2026, 11, 24, 0, 30, tzinfo=UTC)
    words = {"waybill": str(index.waybill_id_of(RECORD)), "reason": "erasure-request"}
    done = certificate.Certificate(**words, at=at, complete_by=at + timedelta(days=1))
    note = certificate.sign(done, origin, seed("certificates"))
    public = VerifierKey.of_seed(certificate.key_name(origin), seed("certificates")).public
    good = {"note": note, "origin": origin, "public": public.hex()}
    times = {"at": "2026-11-24T00:30:00.000Z", "complete_by": "2026-11-25T00:30:00.000Z"}
    yield "a-certificate", good, words | times
    yield "of-another-operator", good | {"origin": "waybill-masking/carrier2"}, INTEGRITY
    yield "signed-by-another", good | {"public": VerifierKey.of_seed(origin, seed("other")).public.hex()}, INTEGRITY
    yield "another-reason", good | {"note": note.replace("erasure-request", "retention")}, INTEGRITY
    yield "a-later-end", good | {"note": note.replace("2026-11-25", "2026-11-26")}, INTEGRITY


FORMATS: dict[str, Callable[[], Iterator[Case]]] = {
    "source-envelope": source_envelope,
    "source-directory": source_directory,
    "certificate-of-destruction": certificate_of_destruction,
}
