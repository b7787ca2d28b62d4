"""Reports that a provider pushes: whether they are its own, and what they tell. What becomes of them: `masking.steps.report`.

A push comes without a token; it is believed for a signature over its body and the time. The form of that signature is ours
(docs/decisions/0010-pushed-reports-are-signed.md, docs/telephony.md), the form of the body is the provider's.
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
"""How far the time of a signature may be from ours, both ways. Within it a repetition tells nothing new."""

KEY_CHARACTERS = 32
"""A key has at least so many characters."""

_FORM = re.compile(r"t=([0-9]{1,11}),v1=([0-9a-f]{64})")


class ReportedEvent(NamedTuple):
    """One event of a call, a `CallEvent`; `seconds` of an `ended` one say how long they spoke."""

    event: str
    at: datetime
    seconds: int = 0


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRecord:
    """One record of a push whose signature holds: `call` is the name that `bind` gave the call, "" where there is none.

    `probed` is the main number that was dialled by a phone for which nothing is bound there, "" in other records.
    """

    call: str
    happened: tuple[ReportedEvent, ...]
    caller: Plain | None = None
    probed: str = ""


class SignatureRule(StrEnum):
    """What can be wrong with the signature of a push."""

    NO_KEY = "no-key"
    """No key is configured here, so no push is taken."""
    MISSING = "missing"
    WRONG = "wrong"
    STALE = "stale"
    FUTURE = "future"


@final
@dataclass(frozen=True, slots=True)
class BadSignature:
    """A push whose signature does not hold."""

    reason: SignatureRule


def sign(key: Plain, provider: str, body: bytes, at: datetime) -> str:
    """The header for a body that is pushed in this provider's name at this time, as whoever pushes it makes it."""
    seconds = int(at.timestamp())
    return f"t={seconds},v1={_mac(key, provider, seconds, body)}"


def check_signature(
    key: Plain | None, provider: str, header: str | None, body: bytes, now: datetime
) -> BadSignature | None:
    """Why the header does not sign this body; None if it does. Without a key nothing is signed."""
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
