"""Sealing an order of eight fields: against its own bare AES-GCM calls, Tink, and Presidio.

`seal_over_raw`, `open_over_raw`: `seal_fields` and `open_fields` over the same AES-GCM calls written straight down, from
texts to stored bytes and back, with contexts prepared and nothing padded, checked or wrapped in types; `..._calls`: over
the bare calls alone, with every argument prepared and no text made. `bulk`: a fresh key, both its wraps, eight fields;
the store apart. Peers: Tink's envelope (AES-256-GCM, KEK in memory, one call a field, same associated data), Presidio's
engine with `encrypt`, spans given; and, harder, Tink with one key for all orders, Presidio's operator without its engine.
"""

from __future__ import annotations

import os

import tink
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from presidio_anonymizer import AnonymizerEngine
from presidio_anonymizer.entities import OperatorConfig, RecognizerResult
from presidio_anonymizer.operators import Encrypt
from tink import aead

from benchmarks.measure import rate, ratio
from masking.crypto.encoding import framed
from masking.crypto.index import merge_reference, person_index
from masking.crypto.keys import DayWrapper
from masking.crypto.seal import open_fields, seal_fields
from masking.values.plaintext import FIELDS, Plain

TENANT, DAY = "carrier", "2026-11-24"
RECORD, KEY = os.urandom(16), os.urandom(32)
TEXTS = (
    "欧阳测试",
    "13800000001",
    "上海市浦东新区世纪大道100号3栋2单元501室",
    "样例店",
    "13700000002",
    "浙江省杭州市西湖区文三路90号5号楼301室",
    "书",
    "请放门卫",
)
ORDER = dict(zip(FIELDS, map(Plain, TEXTS), strict=True))
CONTEXTS = [framed("waybill-masking/field/1", TENANT, RECORD) + name.encode() for name in FIELDS]
BYTES = [text.encode() for text in TEXTS]


def raw_sides() -> None:
    """Our own calls, bare."""
    sealed = seal_fields(KEY, TENANT, RECORD, ORDER, os.urandom)
    prepared = [(blob[1:13], blob[13:], context) for blob, context in zip(sealed.values(), CONTEXTS, strict=True)]
    if open_fields(KEY, TENANT, RECORD, sealed) != ORDER:
        raise SystemExit("what was sealed does not open")

    def raw_seal() -> list[bytes]:
        encrypt, blobs = AESGCM(KEY).encrypt, []
        for text, context in zip(TEXTS, CONTEXTS, strict=True):
            nonce = os.urandom(12)
            blobs.append(nonce + encrypt(nonce, text.encode(), context))
        return blobs

    def raw_open() -> list[str]:
        decrypt = AESGCM(KEY).decrypt
        return [
            decrypt(b[1:13], b[13:], context).decode() for b, context in zip(sealed.values(), CONTEXTS, strict=True)
        ]

    nonces = [os.urandom(12) for _ in FIELDS]  # used again and again, for measuring only
    arguments = list(zip(nonces, BYTES, CONTEXTS, strict=True))

    def seal_calls() -> list[bytes]:
        encrypt = AESGCM(KEY).encrypt
        return [encrypt(nonce, text, context) for nonce, text, context in arguments]

    def open_calls() -> list[bytes]:
        decrypt = AESGCM(KEY).decrypt
        return [decrypt(nonce, text, context) for nonce, text, context in prepared]

    def seal() -> object:
        return seal_fields(KEY, TENANT, RECORD, ORDER, os.urandom)

    def opened() -> object:
        return open_fields(KEY, TENANT, RECORD, sealed)

    ratio("seal_over_raw", seal, raw_seal)
    ratio("seal_over_calls", seal, seal_calls)
    ratio("open_over_raw", opened, raw_open)
    ratio("open_over_calls", opened, open_calls)


def peers() -> None:
    """Other people's ways to protect the same eight fields."""
    online, archive = DayWrapper("online", DAY, os.urandom(32)), DayWrapper("archive", DAY, os.urandom(32))

    def bulk() -> None:
        key = os.urandom(32)
        online.wrap(TENANT, RECORD, 1, key, os.urandom)
        archive.wrap(TENANT, RECORD, 1, key, os.urandom)
        seal_fields(key, TENANT, RECORD, ORDER, os.urandom)

    aead.register()
    one_key = tink.new_keyset_handle(aead.aead_key_templates.AES256_GCM).primitive(aead.Aead)
    envelope = aead.KmsEnvelopeAead(aead.aead_key_templates.AES256_GCM, one_key)

    def tink_all(cipher: aead.Aead) -> list[bytes]:
        return [cipher.encrypt(text, context) for text, context in zip(BYTES, CONTEXTS, strict=True)]

    engine, operator = AnonymizerEngine(), Encrypt()
    label, spans, start = "\n".join(TEXTS), [], 0
    for name, text in zip(FIELDS, TEXTS, strict=True):
        spans.append((name, start, start + len(text)))
        start += len(text) + 1
    how = {name: OperatorConfig("encrypt", {"key": KEY}) for name in FIELDS}

    def presidio() -> object:
        found = [RecognizerResult(name, begin, end, 1.0) for name, begin, end in spans]
        return engine.anonymize(label, found, how)

    if len(presidio().items) != len(FIELDS):
        raise SystemExit("Presidio did not encrypt all eight fields")
    ratio("bulk_over_tink", lambda: tink_all(envelope), bulk)
    ratio("bulk_over_tink_one_key", lambda: tink_all(one_key), bulk)
    ratio("bulk_over_presidio", presidio, bulk)
    ratio("bulk_over_presidio_operator", lambda: [operator.operate(t, {"key": KEY}) for t in TEXTS], bulk)


def rewrap() -> None:
    """Moving waybill keys from one day key to another, the store apart."""
    old, new = DayWrapper("online", DAY, os.urandom(32)), DayWrapper("online", "2026-12-24", os.urandom(32))
    blob = old.wrap(TENANT, RECORD, 1, KEY, os.urandom)
    rate(
        "rewrap_rows_per_second",
        lambda: new.wrap(TENANT, RECORD, 1, old.unwrap(TENANT, RECORD, 1, blob), os.urandom),
        1,
        "rows/s",
    )


def guesses() -> None:
    """What one core can try in a second, given the key: the costs in docs/enumeration.md."""
    phone, name, address = TEXTS[1], TEXTS[0], TEXTS[2]
    rate("person_indexes_per_second", lambda: person_index(KEY, phone), 1, "tries/s")
    rate("merge_references_per_second", lambda: merge_reference(KEY, name, phone, address), 1, "tries/s")


if __name__ == "__main__":
    raw_sides()
    peers()
    rewrap()
    guesses()
