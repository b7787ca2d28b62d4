"""Codes, tokens and secrets: credentials of 256 random bits, stored only as hashes.

A code is shown once, at enrolment, and enrols one device, once. A token is short-lived, bound to that device's key, and
sent with each request. A secret replaces a device for a program that can't sign. Revoking a person ends all of theirs.
"""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64encode
from datetime import timedelta

from masking.runtime import World
from masking.values.plaintext import Plain

CODE = "code"
SECRET = "secret"  # noqa: S105  the kind, not one of them
TOKEN = "token"  # noqa: S105
PREFIXES = {CODE: "wbc1_", SECRET: "wbs1_", TOKEN: "wbt1_"}
"""Prefixes by which a scanner for leaked credentials recognises them."""

TOKEN_LIFE = timedelta(hours=1)
CODE_LIFE = timedelta(hours=2)

_SPELT = re.compile(r"wb[cst]1_[A-Za-z0-9_-]{43}")


def make(kind: str, world: World) -> Plain:
    """Generate a credential of this kind."""
    return Plain(PREFIXES[kind] + urlsafe_b64encode(world.entropy(32)).rstrip(b"=").decode())


def digest(kind: str, text: str) -> bytes | None:
    """The 32-byte hash under which a credential is stored. None for a string that is not a credential of this kind.

    A plain SHA-256 suffices: 2^256 inputs can't be searched, and a look-up by hash leaks nothing through its timing.
    """
    if not _SPELT.fullmatch(text) or not text.startswith(PREFIXES[kind]):
        return None
    return hashlib.sha256(text.encode()).digest()


def sure_digest(kind: str, made: Plain) -> bytes:
    """The `digest` of a credential that was just made."""
    found = digest(kind, made.reveal())
    if found is None:
        raise AssertionError("a new credential always has a valid form")
    return found
