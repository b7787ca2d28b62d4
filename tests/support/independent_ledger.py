"""A second reader of FORMAT.md, sections 8, 9 and 12, written from its text alone: nothing of `masking` is imported."""

import base64
import hashlib
import re
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.support.independent_reader import DoesNotOpen, mac

WORD = re.compile(rb"[a-z][a-z-]{0,31}")
NAME = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def ledger_leaf(body: bytes) -> dict[str, Any]:
    rest = body

    def take(size: int) -> bytes:
        nonlocal rest
        if len(rest) < size:
            raise DoesNotOpen
        taken, rest = rest[:size], rest[size:]
        return taken

    def text(pattern: re.Pattern[bytes]) -> str:
        found = take(take(1)[0])
        if not pattern.fullmatch(found) or re.search(rb"[0-9]{9}", found):
            raise DoesNotOpen
        return found.decode("ascii")

    if take(1) != b"\1":
        raise DoesNotOpen
    own, milliseconds = take(16), int.from_bytes(take(8), "big")
    about = take(1)
    if about not in {b"\0", b"\1"} or milliseconds >= 253402300800000:
        raise DoesNotOpen
    subject, pairs = take(16) if about == b"\1" else None, take(1)[0]
    kind, actor = text(WORD), text(NAME)
    detail = [(text(WORD), text(NAME)) for _ in range(pairs)]
    names = [name for name, _ in detail]
    if rest or names != sorted(set(names)):
        raise DoesNotOpen
    return {"id": own, "at": milliseconds, "kind": kind, "actor": actor, "subject": subject, "detail": dict(detail)}


def ledger_subject(salt: bytes, record: bytes) -> bytes:
    return mac(salt, "waybill-masking/subject/1", record)[:16]


def ledger_duty(salt: bytes, record: bytes) -> str:
    return "".join("abcdefghijklmnop"[half] for byte in ledger_subject(salt, record) for half in divmod(byte, 16))


def ledger_root(bodies: list[str]) -> bytes:
    """RFC 6962, section 2.1, word for word."""
    if not bodies:
        return hashlib.sha256().digest()
    if len(bodies) == 1:
        return hashlib.sha256(b"\0" + bytes.fromhex(bodies[0])).digest()
    half = 1
    while half * 2 < len(bodies):
        half *= 2
    return hashlib.sha256(b"\1" + ledger_root(bodies[:half]) + ledger_root(bodies[half:])).digest()


def pinned(pin: str) -> tuple[str, bytes]:
    name, key_id, public = pin.split("+", 2)
    raw = base64.b64decode(public)
    if raw[:1] != b"\1" or hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4].hex() != key_id:
        raise DoesNotOpen
    return name, raw


def signed_lines(note: str, name: str, raw: bytes, count: int) -> list[str]:
    identity = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
    text, blank, signatures = note.rpartition("\n\n")
    lines = (text + "\n").split("\n")
    if not blank or not signatures.endswith("\n") or len(lines) != count + 1 or lines[0] != name:
        raise DoesNotOpen
    mine = [base64.b64decode(line.split(" ")[2]) for line in signatures.splitlines() if line.split(" ")[1] == name]
    try:
        [signature] = [blob[4:] for blob in mine if blob[:4] == identity]
        Ed25519PublicKey.from_public_bytes(raw[1:]).verify(signature, (text + "\n").encode())
    except (ValueError, InvalidSignature):
        raise DoesNotOpen from None
    return lines


def checkpoint(note: str, pin: str) -> dict[str, Any]:
    name, raw = pinned(pin)
    lines = signed_lines(note, name, raw, 4)
    at = lines[3].removeprefix("time ")
    datetime.fromisoformat(at)
    return {"origin": name, "size": int(lines[1]), "root": base64.b64decode(lines[2]), "at": at}


def announced_loss(note: str, leaf: bytes, pin: str) -> dict[str, Any]:
    name, raw = pinned(pin)
    lines = signed_lines(note, f"{name}/losses", raw, 5)
    parts = [line.split(" ") for line in lines[1:5]]
    if [each[0] for each in parts] != ["signed", "left", "reason", "time"] or parts[2][1] not in {
        "failover",
        "restore",
    }:
        raise DoesNotOpen
    states: list[dict[str, Any]] = [{"size": int(size), "root": base64.b64decode(root)} for _, size, root in parts[:2]]
    told = ledger_leaf(leaf)
    detail = {"reason": parts[2][1]}
    for word, state in zip(("signed", "left"), states, strict=True):
        detail[word] = f"{state['size']:_}"
        detail[f"{word}-root"] = "".join(
            "abcdefghijklmnop"[half] for byte in state["root"] for half in divmod(byte, 16)
        )
    at = parts[3][1]
    if (told["kind"], told["detail"]) != ("accept", detail):
        raise DoesNotOpen
    if told["at"] != round(datetime.fromisoformat(at).timestamp() * 1000):
        raise DoesNotOpen
    name = hashlib.sha256((chr(10).join(lines[:5]) + chr(10)).encode()).hexdigest()[:32]
    return {"signed": states[0], "left": states[1], "reason": parts[2][1], "at": at, "id": name}
