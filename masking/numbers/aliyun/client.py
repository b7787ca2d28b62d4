"""Client of Aliyun's number protection (Dyplsapi 2017-05-25): one AXB binding for each call, with Aliyun's signature V3.

Aliyun takes parameters in the URL, phones included. The connection is TLS, and nothing of it is logged here. A request that may
have succeeded is not repeated. Instead the bindings are looked up (`subscriptions`), and those that are not recorded are ended.
Times are sent by Aliyun's clock, which is known from the `Date` header of its last answer.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import re
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, final
from urllib.parse import quote, urlsplit

from masking.errors import SettingsError
from masking.numbers import pushes
from masking.numbers.aliyun import reports
from masking.numbers.aliyun.codes import IN_DOUBT, read_code
from masking.numbers.provider import Bound, Failed
from masking.numbers.pushes import KEY_CHARACTERS, BadSignature, ReportRecord
from masking.runtime import CHINA, World
from masking.values.plaintext import Plain
from masking.words.alarms import AlarmKind
from masking.words.reasons import Reason

NAME = "aliyun"
VERSION = "2017-05-25"
SKEW = timedelta(minutes=1)
"""The difference between this machine's clock and Aliyun's above which this machine's clock counts as wrong."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account at Aliyun: its keys, its main numbers, and the key of pushed reports, without which all pushes are refused.

    Raises:
        SettingsError: the endpoint is not https (http is for a server on this machine), there is no main number, or the
            key of reports is short.
    """

    endpoint: str
    key_id: str
    key_secret: Plain
    pool_key: str
    mains: tuple[str, ...]
    report_key: Plain | None = None
    seconds: float = 3.0

    def __post_init__(self) -> None:
        parts = urlsplit(self.endpoint)
        if parts.scheme != "https" and (parts.scheme, parts.hostname) != ("http", "127.0.0.1"):
            raise SettingsError("aliyun: the endpoint is not an https address. Give one")
        if not self.mains or not all(re.fullmatch(r"\d{7,20}", main) for main in self.mains):
            raise SettingsError("aliyun: mains is not a list of main numbers. Give at least one, in digits")
        if self.report_key is not None and len(self.report_key.reveal()) < KEY_CHARACTERS:
            raise SettingsError(f"aliyun: the key of reports is too short. Give at least {KEY_CHARACTERS} characters")


class Aliyun:
    """Aliyun as a `NumberProvider`."""

    def __init__(self, account: Account, world: World) -> None:
        self._account = account
        self._world = world
        self._ahead = timedelta(0)
        self._fault: AlarmKind | None = None

    @property
    def fault(self) -> AlarmKind | None:
        """The alarm for a fault of the account, its key or this machine's clock, according to the last answer."""
        return self._fault

    @property
    def mains(self) -> Sequence[str]:
        """The main numbers of the account."""
        return self._account.mains

    def bind(self, main: str, a: Plain, b: Plain, until: datetime, call: str) -> Bound | Failed:
        """Make an AXB binding over which only A can call."""
        numbers = [_digits(phone) for phone in (a, b)]
        if None in numbers:
            return Failed(Reason.PROVIDER_NOT_BINDABLE)
        answer = self._ask(
            "BindAxb",
            PhoneNoA=str(numbers[0]),
            PhoneNoB=str(numbers[1]),
            PhoneNoX=main,
            until=until,
            CallRestrict="CONTROL_BX_DISABLE",
            CallDisplayType="1",
            OutId=call,
        )
        if isinstance(answer, Failed):
            return answer
        made = answer.get("SecretBindDTO")
        subscription = made.get("SubsId") if isinstance(made, dict) else None
        return Bound(main, str(subscription)) if subscription else IN_DOUBT

    def unbind(self, main: str, subscription: str) -> bool:
        """End a binding. One that does not exist has ended."""
        answer = self._ask("UnbindSubscription", SecretNo=main, SubsId=subscription)
        return answer.gone if isinstance(answer, Failed) else True

    def subscriptions(self, main: str) -> set[str] | None:
        """The ids of all bindings over a main number."""
        answer = self._ask("QuerySubsId", PhoneNoX=main)
        if isinstance(answer, Failed):
            return None
        return {each for each in str(answer.get("SubsId") or "").split(",") if each}

    def parse_push(self, signature: str | None, body: bytes) -> list[ReportRecord] | BadSignature:
        """Check the signature of a push, and parse its records (`masking.numbers.aliyun.reports`)."""
        refused = pushes.check_signature(self._account.report_key, NAME, signature, body, self._world.now())
        return refused or reports.read(body, self._account.mains)

    @property
    def acknowledgement(self) -> Mapping[str, object]:
        """The JSON object that Aliyun expects."""
        return reports.ACKNOWLEDGEMENT

    def _ask(self, action: str, *, until: datetime | None = None, **parameters: str) -> dict[str, Any] | Failed:
        """Send a request and return the answer or the failure. If only its time was wrong, send it once more."""
        assumed = self._ahead
        answer = self._send(action, until, parameters)
        refused = isinstance(answer, Failed) and answer.known and self._fault is AlarmKind.PROVIDER_CLOCK
        return self._send(action, until, parameters) if refused and self._ahead != assumed else answer

    def _send(self, action: str, until: datetime | None, parameters: Mapping[str, str]) -> dict[str, Any] | Failed:
        account = self._account
        address = urlsplit(account.endpoint)
        more = {"PoolKey": account.pool_key}
        if until:
            more["Expiration"] = (until + self._ahead).astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")
        query = canonical_query({**parameters, **more})
        headers = {
            "host": address.netloc,
            "x-acs-action": action,
            "x-acs-content-sha256": hashlib.sha256(b"").hexdigest(),
            "x-acs-date": (self._world.now() + self._ahead).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "x-acs-signature-nonce": self._world.entropy(16).hex(),
            "x-acs-version": VERSION,
        }
        headers["authorization"] = authorization(account.key_id, account.key_secret, query, headers)
        if address.scheme == "https":
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                address.netloc, timeout=account.seconds, context=ssl.create_default_context()
            )
        else:
            connection = http.client.HTTPConnection(address.netloc, timeout=account.seconds)
        try:
            connection.connect()
        except OSError:
            return Failed(Reason.PROVIDER_DOWN, retry_after=10)  # nothing was sent
        try:
            connection.request("POST", f"/?{query}", headers=headers)
            response = connection.getresponse()
            body = response.read(1 << 20)
        except (OSError, http.client.HTTPException):
            return IN_DOUBT
        finally:
            connection.close()
        self._set_clock(response.getheader("Date"))
        return self._read(response.status, body)

    def _set_clock(self, date: str | None) -> None:
        """Adopt the clock of an answer. Small differences are ignored, since it has whole seconds and took time to arrive.

        A difference of more than a day is not adopted. The provider then refuses the request, and an alarm says that a clock is
        wrong.
        """
        try:
            ahead = parsedate_to_datetime(date or "").astimezone(UTC) - self._world.now()
        except (ValueError, OverflowError):
            return
        if abs(ahead - self._ahead) > timedelta(seconds=5) and abs(ahead) < timedelta(days=1):
            self._ahead = ahead

    def _read(self, status: int, body: bytes) -> dict[str, Any] | Failed:
        """Parse an answer or a failure. Sets `fault` to what it says about the account."""
        try:
            answer = json.loads(body)
            code = str(answer["Code"])
        except (ValueError, KeyError, TypeError, RecursionError):
            return IN_DOUBT
        done = code == "OK" and status == 200
        meaning = None if done else read_code(status, code)
        fault = meaning and meaning.fault
        self._fault = fault or (AlarmKind.PROVIDER_CLOCK if abs(self._ahead) > SKEW else None)
        return meaning.failed if meaning else answer


def canonical_query(parameters: Mapping[str, str]) -> str:
    """The parameters in the order and encoding that the signature covers (RFC 3986)."""
    return "&".join(f"{quote(name, safe='')}={quote(parameters[name], safe='')}" for name in sorted(parameters))


def authorization(key_id: str, secret: Plain, query: str, headers: Mapping[str, str]) -> str:
    """The header that signs a POST to "/" without a body, with all of `headers`, whose names are in lower case."""
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(headers))
    request = "\n".join(("POST", "/", query, lines, names, headers["x-acs-content-sha256"]))
    text = "ACS3-HMAC-SHA256\n" + hashlib.sha256(request.encode()).hexdigest()
    signature = hmac.digest(secret.reveal().encode(), text.encode(), "sha256").hex()
    return f"ACS3-HMAC-SHA256 Credential={key_id},SignedHeaders={names},Signature={signature}"


def _digits(phone: Plain) -> str | None:
    """A phone in Aliyun's form: digits only, a landline with the zero of its area code. None if Aliyun can't call it."""
    number = phone.reveal()
    if not re.fullmatch(r"\+86\d{9,11}", number):
        return None
    inland = number.removeprefix("+86")
    return inland if re.fullmatch(r"1[3-9]\d{9}|[48]00\d{7}", inland) else "0" + inland
