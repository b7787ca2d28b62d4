"""One caller's connection to a service: tokens, retries, problems turned back into errors, checkpoints watched.

What may be asked twice is asked again when the answer was lost; what may not is asked again only where the service said
that nothing had happened. Strangers' exceptions end here.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import os
import re
import stat
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, final

import httpx

from masking.client.watch import Watch
from masking.errors import (
    InputError,
    IntegrityError,
    RefusedError,
    SettingsError,
    UnavailableError,
    UnknownWaybillError,
)
from masking.ledger.checkpoint import LogKey
from masking.order import Plain
from masking.wire import Outcome, outcome_from_json

CHECKPOINT = "waybill-checkpoint"
TRIES = 4
LONGEST_PAUSE = 5.0
"""Seconds; a service that asks for more patience than this is told to the caller."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Who is calling: the secret of the enrolment, and the ledger's key if it was handed over with it."""

    secret: Plain
    ledger_key: LogKey | None
    path: Path

    @classmethod
    def read(cls, path: Path) -> Self:
        """Credentials from a JSON file: {"secret": "wbs1_...", "ledger_key": "..."} (the key may be missing).

        Raises:
            SettingsError: it is missing, may be read by others, or is no such file.
        """
        try:
            if stat.S_IMODE(path.stat().st_mode) & 0o077:
                raise SettingsError(f"{path.name} can be read by others; chmod 600 it")
            found = json.loads(path.read_text("utf-8"))
            secret, key = found["secret"], found.get("ledger_key")
        except OSError as error:
            raise SettingsError(f"{path.name} can't be read: {error.strerror}") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise SettingsError(f"{path.name} holds no credentials") from error.with_traceback(None)
        if not isinstance(secret, str):
            raise SettingsError(f"{path.name} holds no credentials")
        return cls(secret=Plain(secret), ledger_key=LogKey.parse(key) if key else None, path=path)


class Link:
    """A connection to a service, for one caller. Not to be shared between threads."""

    def __init__(self, where: str, credentials: Credentials, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._http = httpx.Client(base_url=service_address(where), timeout=30, follow_redirects=False)
        self._credentials = credentials
        self._sleep = sleep
        self._token = ""
        self._watch = Watch(credentials.path.with_suffix(".ledger.json"), credentials.ledger_key)

    @classmethod
    def open(cls, where: str, credentials: str | os.PathLike[str] | None) -> Self:
        """A connection to `where` with the credentials in a file.

        Raises:
            SettingsError: the address is not https:// (or http:// on this machine), or the file is not fit.
        """
        if credentials is None:
            raise SettingsError("a service needs credentials: the file that holds the secret of your enrolment")
        return cls(where, Credentials.read(Path(credentials)))

    def outcomes(
        self, path: str, body: Mapping[str, Any], *, count: int, kinds: tuple[type[Outcome], ...], **how: Any
    ) -> list[Any]:
        """The outcomes of `count` items, each of one of these kinds.

        Raises:
            IntegrityError: the answer is not that, or the ledger is not what it was.
        """
        return self.read(self.ask("POST", path, body, **how), count=count, kinds=kinds)

    @property
    def ledger_key(self) -> LogKey:
        """The key that the service's ledger, and its directory of sealing keys, are signed by; learnt once, then pinned."""
        if not self._watch.knows_key:
            self._watch.pin(str(self._document(self._try("GET", "/v1/ledger/checkpoint", None, True, None)).get("key")))
        return self._watch.key

    def beside(self, suffix: str) -> Path:
        """A file of this connection's own, beside its credentials."""
        return self._credentials.path.with_suffix(suffix)

    @staticmethod
    def read(answer: Mapping[str, Any], *, count: int, kinds: tuple[type[Outcome], ...]) -> list[Any]:
        """The outcomes in an answer.

        Raises:
            IntegrityError: they are not that many, or not of these kinds.
        """
        found = answer.get("outcomes")
        outcomes = [outcome_from_json(each) for each in found] if isinstance(found, list) else []
        if len(outcomes) != count or not all(isinstance(each, kinds) for each in outcomes):
            raise IntegrityError("the service answered for something else than was asked")
        return outcomes

    def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        twice: bool = True,
        key: str | None = None,
    ) -> dict[str, Any]:
        """The service's answer, as JSON. With `twice` a lost answer is asked for again.

        Raises:
            UnavailableError: no answer; with `twice` it is safe to ask again later.
            InputError, RefusedError, UnknownWaybillError: what the service said.
            IntegrityError: the answer is none of this service, or the ledger is not what it was.
        """
        _ = self.ledger_key
        answer = self._try(method, path, body, twice, key)
        header = answer.headers.get(CHECKPOINT)
        if header:
            self._watch.see(header, self._proof)
        return self._document(answer)

    def close(self) -> None:
        """End the connection."""
        self._http.close()

    def _proof(self, earlier: int, later: int) -> list[bytes]:
        path = f"/v1/ledger/consistency?from={earlier}&to={later}"
        found = self._document(self._try("GET", path, None, True, None)).get("proof")
        if not isinstance(found, list):
            raise IntegrityError("the service answered with something that is no proof")
        try:
            return [base64.b64decode(each, validate=True) for each in found]
        except (ValueError, TypeError):
            raise IntegrityError("the service answered with something that is no proof") from None

    def _try(
        self, method: str, path: str, body: Mapping[str, Any] | None, twice: bool, key: str | None
    ) -> httpx.Response:
        pause = 0.2
        for left in reversed(range(TRIES)):
            answer = self._once(method, path, body, key, last=not left or not twice)
            if answer is not None:
                if answer.status_code == httpx.codes.UNAUTHORIZED and self._token and left:
                    self._token = ""  # it has ended; a secret that is good gets another
                    continue
                if answer.status_code not in {429, 502, 503, 504}:
                    return answer
                told = answer.headers.get("retry-after", "")
                pause = float(told) if told.isdigit() else pause
                if not left or pause > LONGEST_PAUSE or (not twice and answer.status_code != 503):
                    break
            self._sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        raise UnavailableError("the service does not answer; nothing is kept here, so ask again")

    def _once(
        self, method: str, path: str, body: Mapping[str, Any] | None, key: str | None, *, last: bool
    ) -> httpx.Response | None:
        """One try; None where no answer came and there are more tries."""
        try:
            headers = {"Authorization": f"Bearer {self._token or self._sign_in()}"}
            headers |= {"Idempotency-Key": key} if key else {}
            return self._http.request(method, path, json=body, headers=headers)
        except UnicodeError:
            raise InputError("body", "not-text") from None
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:  # nothing was sent
            if last:
                raise UnavailableError("the service can't be reached; nothing was sent, so ask again") from _quiet(
                    error
                )
        except httpx.HTTPError as error:
            if last:
                raise UnavailableError("the service's answer was lost; ask again") from _quiet(error)
        return None

    def _sign_in(self) -> str:
        answer = self._http.post("/v1/token", json={"secret": self._credentials.secret.reveal()})
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            raise RefusedError("unauthenticated")
        if answer.status_code != httpx.codes.OK:
            raise UnavailableError("the service gives no token now; ask again")
        self._token = str(self._document(answer).get("token"))
        return self._token

    @staticmethod
    def _document(answer: httpx.Response) -> dict[str, Any]:
        try:
            document = answer.json()
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise IntegrityError("the service answered with something that is not its own")
        if answer.status_code == httpx.codes.OK:
            return document
        raise _error(answer.status_code, document)


def _error(status: int, document: Mapping[str, Any]) -> Exception:
    """The error that a problem document stands for."""
    errors = document.get("errors")
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    match status:
        case 422:
            return InputError(str(first.get("field")), str(first.get("rule")), row=first.get("row"))
        case 413:
            return InputError("body", "too-large")
        case 401:
            return RefusedError("unauthenticated")
        case 404:
            return UnknownWaybillError()
        case 409:
            return RefusedError(str(document.get("reason")), state=document.get("state"))
        case _:
            return IntegrityError(f"the service answered with status {status}")


def service_address(where: str) -> str:
    """The address of a service, checked.

    Raises:
        SettingsError: it is neither https:// nor http:// on this machine, or holds more than a host and a port.
    """
    try:
        url = httpx.URL(where)
    except httpx.InvalidURL:
        raise SettingsError("the service's address can't be read") from None
    if (
        not re.fullmatch(r"[A-Za-z0-9.:-]+", url.host)
        or url.userinfo
        or url.query
        or url.fragment
        or url.path not in {"", "/"}
    ):
        raise SettingsError("the service's address is https://host or https://host:port, nothing more")
    if url.scheme != "https" and not (url.scheme == "http" and _on_this_machine(url.host)):
        raise SettingsError("a service is reached over https://; http:// is for this machine only")
    return f"{url.scheme}://{url.netloc.decode()}"


def _on_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _quiet(error: Exception) -> Exception:
    """The kind of a stranger's exception; its request, which could hold an order, stays behind."""
    return RuntimeError(type(error).__name__)
