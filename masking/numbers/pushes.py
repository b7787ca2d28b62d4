"""Signatures and records of the reports that a provider pushes. `masking.steps.report` records them.

A push comes without a token. It is authenticated by a signature over its body and the time. This project defines the signature
(docs/decisions/0010-pushed-reports-are-signed.md, docs/telephony.md), and the provider defines the body.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, final

from masking.values.plaintext import Plain

HEADER = "Waybill-Signature"
"""The header with the signature: `t=1764000000,v1=` and 64 small hexadecimal digits."""

WINDOW = timedelta(minutes=5)
"""The largest difference between a signature's time and ours. A push that is repeated within it changes nothing."""

KEY_CHARACTERS = 32
"""The least number of characters of a key."""

_FORM = re.compile(r"t=([0-9]{1,11}),v1=([0-9a-f]{64})")


class ReportedEvent(NamedTuple):
    """One event of a call, one of `CallEvent`. For `ended`, `seconds` is how long the call lasted."""

    event: str
    at: datetime
    seconds: int = 0


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRecord:
    """One record of a push with a valid signature.

    Attributes:
        call: the id that `bind` gave the call, "" if the record has none.
        happened: the events that it reports.
        caller: the phone that called.
        probed: the main number if a phone without a binding dialled it, "" in other records.
    """

    call: str
    happened: tuple[ReportedEvent, ...]
    caller: Plain | None = None
    probed: str = ""


class SignatureRule(StrEnum):
    """The ways in which a signature can be invalid."""

    NO_KEY = "no-key"
    """No key is configured, so that every push is refused."""
    MISSING = "missing"
    WRONG = "wrong"
    STALE = "stale"
    FUTURE = "future"


@final
@dataclass(frozen=True, slots=True)
class BadSignature:
    """A push whose signature is invalid."""

    reason: SignatureRule


def sign(key: Plain, provider: str, body: bytes, at: datetime) -> str:
    """The header that signs a body in a provider's name at this time. The sender of a push makes it."""
    seconds = int(at.timestamp())
    return f"t={seconds},v1={_mac(key, provider, seconds, body)}"


def check_signature(
    key: Plain | None, provider: str, header: str | None, body: bytes, now: datetime
) -> BadSignature | None:
    """Check the header of a push. Returns what is wrong, None if the signature is valid. Without a key none is."""
    if key is None or len(key.reveal()) < KEY_CHARACTERS:
        return BadSignature(SignatureRule.NO_KEY)
    found = _FORM.fullmatch(header or "")
    if found is None:
        return BadSignature(SignatureRule.MISSING)
    seconds = int(found[1])
    if not hmac.compare_digest(_mac(key, provider, seconds, body), found[2]):
        return BadSignature(SignatureRule.WRONG)
    apart = now - datetime.fromtimestamp(seconds, UTC)
    if abs(apart) > WINDOW:
        return BadSignature(SignatureRule.STALE if apart > WINDOW else SignatureRule.FUTURE)
    return None


def _mac(key: Plain, provider: str, seconds: int, body: bytes) -> str:
    signed = f"waybill-report-v1\n{provider}\n{seconds}\n".encode() + body
    return hmac.digest(key.reveal().encode(), signed, "sha256").hex()
