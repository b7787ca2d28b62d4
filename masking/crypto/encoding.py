"""The encodings that all formats of FORMAT.md share: length-prefixed framing and canonical base32 (section 1)."""

from __future__ import annotations

import base64
import re

_CROCKFORD = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TO_CROCKFORD = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", _CROCKFORD)
_TO_DIGITS = str.maketrans(_CROCKFORD.decode(), "0123456789abcdefghijklmnopqrstuv")
_SPELT = re.compile(r"[0-9A-HJKMNP-TV-Z]*")


def framed(*parts: str | bytes) -> bytes:
    """The parts, each prefixed with its length as 32 bits (big-endian). Two different lists never give the same bytes."""
    out: list[bytes] = []
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        out += (len(raw).to_bytes(4, "big"), raw)
    return b"".join(out)


def base32(data: bytes) -> str:
    """Encode as Crockford's base32 in capitals, without padding: ceil(8n / 5) characters for n bytes, unused bits zero."""
    return base64.b32encode(data).rstrip(b"=").translate(_TO_CROCKFORD).decode()


def base32_bytes(text: str, size: int) -> bytes | None:
    """Decode the canonical base32 form of `size` bytes. None for every other string."""
    bits = 5 * len(text)
    spare = bits - 8 * size
    if not 0 <= spare < 5 or not _SPELT.fullmatch(text):
        return None
    value = int(text.translate(_TO_DIGITS), 32)
    return None if value & ((1 << spare) - 1) else (value >> spare).to_bytes(size, "big")
