"""Codes, tokens and secrets: 256 random bits as text, of which only the hash is stored.

A code is shown once, at enrolment, and lets one device in, once. A token is short-lived, bound to that device's key, and
goes with each request. A secret stands in for a device where a program can't sign. All die when their holder is revoked.
"""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64encode
from datetime import timedelta

from masking.order import Plain
from masking.world import World

CODE = "code"
SECRET = "secret"  # noqa: S105  the kind, not one of them
TOKEN = "token"  # noqa: S105
PREFIXES = {CODE: "wbc1_", SECRET: "wbs1_", TOKEN: "wbt1_"}
"""So that a scanner for leaked credentials knows them when it sees them."""

TOKEN_LIFE = timedelta(hours=1)
CODE_LIFE = timedelta(hours=2)

_SPELT = re.compile(r"wb[cst]1_[A-Za-z0-9_-]{43}")


def make(kind: str, world: World) -> Plain:
    """A new one of this kind."""
    return Plain(PREFIXES[kind] + urlsafe_b64encode(world.entropy(32)).rstrip(b"=").decode())


def digest(kind: str, text: str) -> bytes | None:
    """The 32 bytes that stand for a credential in the store; None for any text that is none of that kind.

    A plain hash: nobody can go through 2^256 inputs, and finding a row by its hash tells nothing through time.
    """
    if not _SPELT.fullmatch(text) or not text.startswith(PREFIXES[kind]):
        return None
    return hashlib.sha256(text.encode()).digest()


def sure_digest(kind: str, made: Plain) -> bytes:
    """The `digest` of a credential that was just made."""
    found = digest(kind, made.reveal())
    if found is None:
        raise AssertionError("what is fresh is always well spelt")
    return found
