"""A second reader of FORMAT.md, sections 1 to 7, 10 and 11, written from its text alone: nothing of `masking` is imported.

AES-GCM, AES-CTR, CMAC, HMAC, X25519 and Ed25519 are taken as given; framing, base32, SIV and HPKE are spelt out. Slow, and one
page long on purpose. It is a starting point for a reader in another language.
"""

import base64
import hashlib
import hmac
import unicodedata
from typing import Any

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.cmac import CMAC


class DoesNotOpen(Exception):
    pass


def frame(*parts: str | bytes) -> bytes:
    raw = [part.encode("utf-8") if isinstance(part, str) else part for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in raw)


def mac(key: bytes, *parts: str | bytes) -> bytes:
    return hmac.new(key, frame(*parts), hashlib.sha256).digest()


def unbase32(text: str, size: int, alphabet: str) -> bytes | None:
    if len(text) != -(-size * 8 // 5) or any(character not in alphabet for character in text):
        return None
    bits = "".join(f"{alphabet.index(character):05b}" for character in text)
    return None if "1" in bits[size * 8 :] else bytes(int(bits[at : at + 8], 2) for at in range(0, size * 8, 8))


def base32(data: bytes, alphabet: str) -> str:
    bits = "".join(f"{byte:08b}" for byte in data)
    return "".join(alphabet[int(bits[at : at + 5].ljust(5, "0"), 2)] for at in range(0, len(bits), 5))


CAPITALS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
SMALL = "0123456789abcdefghjkmnpqrstvwxyz"


def gcm(key: bytes, blob: bytes, context: bytes) -> bytes:
    if blob[:1] != b"\1" or len(blob) < 29:
        raise DoesNotOpen
    try:
        return AESGCM(key).decrypt(blob[1:13], blob[13:], context)
    except InvalidTag:
        raise DoesNotOpen from None


def sealed_field(key: bytes, tenant: str, record: bytes, field: str, sealed: bytes) -> str:
    padded = gcm(key, sealed, frame("waybill-masking/field/1", tenant, record) + field.encode("utf-8"))
    try:
        return padded.decode("utf-8").rstrip("\0")
    except UnicodeDecodeError:
        raise DoesNotOpen from None


def root_wrap(root: bytes, name: str, blob: bytes) -> bytes:
    return gcm(root, blob, frame("waybill-masking/root-wrap/1", name))


def day_wrap(key: bytes, kind: str, day: str, tenant: str, record: bytes, generation: int, blob: bytes) -> bytes:
    number = generation.to_bytes(4, "big")
    return gcm(key, blob, frame("waybill-masking/day-wrap/1", kind, day, tenant, record, number))


def siv_open(key: bytes, parts: list[bytes], blob: bytes) -> bytes | None:
    """RFC 5297, section 2."""

    def cmac(text: bytes) -> bytes:
        state = CMAC(algorithms.AES(key[:32]))
        state.update(text)
        return state.finalize()

    def doubled(block: bytes) -> bytes:
        number = int.from_bytes(block, "big") << 1
        return (number & (1 << 128) - 1 ^ (0x87 if number >> 128 else 0)).to_bytes(16, "big")

    def xor(a: bytes, b: bytes) -> bytes:
        return bytes(x ^ y for x, y in zip(a, b, strict=True))

    start = bytearray(blob[:16])
    start[8] &= 0x7F
    start[12] &= 0x7F
    text = Cipher(algorithms.AES(key[32:]), modes.CTR(bytes(start))).decryptor().update(blob[16:])
    state = cmac(bytes(16))
    for part in parts:
        state = xor(doubled(state), cmac(part))
    assert len(text) >= 16  # the other branch of S2V is never needed here
    return text if hmac.compare_digest(cmac(text[:-16] + xor(text[-16:], state)), blob[:16]) else None


def label_code(keys: dict[int, bytes], tenant: str, code: str) -> dict[str, Any] | None:
    raw = unbase32(code[3:], 35, CAPITALS) if code[:3] == "WB1" else None
    if raw is None or raw[0] not in keys:
        return None
    text = siv_open(keys[raw[0]], [b"WB1", raw[:1], tenant.encode()], raw[1:])
    return {"record": text[:16], "print_number": int.from_bytes(text[16:], "big")} if text else None


def waybill_id(waybill_id: str) -> bytes | None:
    return unbase32(waybill_id[4:], 16, SMALL) if waybill_id[:4] == "wb1_" else None


def person_index(key: bytes, phone: str) -> bytes:
    return mac(key, "waybill-masking/person/1", phone)


def merge_reference(key: bytes, **buyer: str) -> str:
    loose = ["".join(unicodedata.normalize("NFKC", buyer[part]).split()) for part in ("name", "phone", "address")]
    return "mr1_" + base32(mac(key, "waybill-masking/merge/1", *loose)[:20], SMALL)


def content_mac(key: bytes, fields: dict[str, str], extra: list[str]) -> bytes:
    named = [part for name in sorted(fields, key=str.encode) for part in (name, fields[name])]
    own = mac(key, "waybill-masking/content-key/1")
    return mac(own, "waybill-masking/content/1", str(len(fields)), *named, *extra)


def row_value(value: dict[str, str] | str | int | None) -> bytes:
    match value:
        case None:
            return b"\xff" * 4
        case {"hex": digits}:
            raw = bytes.fromhex(digits)
        case str():
            raw = value.encode("utf-8")
        case _:
            assert isinstance(value, int)
            raw = (value % 2**64).to_bytes(8, "big")
    return frame(raw)


def row_mac(key: bytes, table: str, row: dict[str, dict[str, str] | str | int | None]) -> bytes:
    head = frame("waybill-masking/row/1", table, ",".join(row))
    return hmac.new(key, head + b"".join(map(row_value, row.values())), hashlib.sha256).digest()


def hpke_open(private: bytes, info: bytes, share: bytes, sealed: bytes) -> bytes:
    """RFC 9180, sections 4 and 5, for its suite (0x0020, 0x0001, 0x0002) in base mode."""

    def extract(suite: bytes, salt: bytes, label: bytes, secret: bytes) -> bytes:
        return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + secret, "sha256")

    def expand(suite: bytes, key: bytes, label: bytes, info: bytes, size: int) -> bytes:
        labelled = size.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
        return hmac.digest(key, labelled + b"\1", "sha256")[:size]

    kem, suite = b"KEM\0\x20", b"HPKE\0\x20\0\1\0\2"
    mine = X25519PrivateKey.from_private_bytes(private)
    try:
        both = mine.exchange(X25519PublicKey.from_public_bytes(share))
    except ValueError:
        raise DoesNotOpen from None
    agreed = share + mine.public_key().public_bytes_raw()
    secret = expand(kem, extract(kem, b"", b"eae_prk", both), b"shared_secret", agreed, 32)
    context = b"\0" + extract(suite, b"", b"psk_id_hash", b"") + extract(suite, b"", b"info_hash", info)
    secret = extract(suite, secret, b"secret", b"")
    key, nonce = expand(suite, secret, b"key", context, 32), expand(suite, secret, b"base_nonce", context, 12)
    try:
        return AESGCM(key).decrypt(nonce, sealed, b"")
    except InvalidTag:
        raise DoesNotOpen from None


def archived_key(private: bytes, day: str, blob: bytes) -> bytes:
    if blob[:1] != b"\1":
        raise DoesNotOpen
    return hpke_open(private, frame("waybill-masking/archive/1", "day-key", day), blob[1:33], blob[33:])


def source_envelope(private: bytes, tenant: str, merchant: str, blob: bytes) -> dict[str, Any]:
    head = blob[:29]
    if head[:1] != b"\1":
        raise DoesNotOpen
    info = frame("waybill-masking/envelope/1", "order", tenant, merchant, head)
    text = hpke_open(private, info, blob[29:61], blob[61:]).decode("utf-8").rstrip(" ")
    key_id, not_after = int.from_bytes(head[1:5], "big"), int.from_bytes(head[21:], "big")
    return {"text": text, "key_id": key_id, "id": head[5:21], "not_after": not_after}


def signed(public: bytes, text: str, signature: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, text.encode("utf-8"))
    except InvalidSignature:
        raise DoesNotOpen from None


def source_directory(note: str, origin: str, public: bytes) -> list[dict[str, Any]]:
    text, signature = note.split("\n\n")
    blob = base64.b64decode(signature.split(" ")[2])
    signed(public, text + "\n", blob[4:])
    if blob[:4] != hashlib.sha256(origin.encode() + b"\n\1" + public).digest()[:4]:
        raise DoesNotOpen
    title, *lines = text.split("\n")
    if title != origin + "/sources":
        raise DoesNotOpen
    words = [line.split(" ") for line in lines]
    return [{"id": int(n), "public": base64.b64decode(key), "until": until} for _, n, key, until in words]


def certificate_of_destruction(note: str, origin: str, public: bytes) -> dict[str, str]:
    text, signature = note.split("\n\n")
    blob = base64.b64decode(signature.split(" ")[2])
    signed(public, text + "\n", blob[4:])
    name = origin + "/certificates"
    if blob[:4] != hashlib.sha256(name.encode() + b"\n\1" + public).digest()[:4] or text.split("\n")[0] != name:
        raise DoesNotOpen
    values = [line.split(" ")[1] for line in text.split("\n")[1:]]
    return dict(zip(("waybill", "reason", "at", "complete_by"), values, strict=True))
