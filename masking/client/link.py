"""One caller's connection to a service: proofs, tokens, retries, problems turned back into errors, checkpoints watched.

Each request is signed by the device's key, and so is the one that gets a token; the first time the code of the enrolment
goes along. Only a program without a device key sends a secret and plain tokens, and only where the service takes them.
What may be asked twice is asked again when the answer was lost; what may not is asked again only where the service said
that nothing had happened. Strangers' exceptions end here.
"""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import httpx

from masking.client.credentials import Credentials, service_address
from masking.client.device import Device
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
from masking.wire import Outcome, outcome_from_json, time_from_json

CHECKPOINT = "waybill-checkpoint"
TRIES = 4
LONGEST_PAUSE = 5.0
"""Seconds; a service that asks for more patience than this is told to the caller."""


class Link:
    """A connection to a service, for one caller. Not to be shared between threads."""

    def __init__(
        self,
        where: str,
        credentials: Credentials,
        *,
        device: Device | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._where = service_address(where)
        self._http = httpx.Client(base_url=self._where, timeout=30, follow_redirects=False)
        self._credentials = credentials
        if device is None and credentials.secret is None:
            device = Device.of_file(credentials.path.with_suffix(".key"))
        self._device = device
        self._sleep = sleep
        self._token = ""
        self._ahead = 0.0
        self._watch = Watch(credentials.path.with_suffix(".ledger.json"), credentials.ledger_key)

    @classmethod
    def open(cls, where: str, credentials: str | os.PathLike[str] | None, *, device: Device | None = None) -> Self:
        """A connection to `where` with the credentials in a file, and the device's key beside it if none is given.

        Raises:
            SettingsError: the address is not https:// (or http:// on this machine), or a file is not fit.
        """
        if credentials is None:
            raise SettingsError("a service needs credentials: the file that holds the code of your enrolment")
        return cls(where, Credentials.read(Path(credentials)), device=device)

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
            UnavailableError: no answer, or a fault of the service's; with `twice` it is safe to ask again later.
            InputError, RefusedError, UnknownWaybillError: what the service said.
            IntegrityError: the answer is none of this service, or its data or the ledger are not what they were.
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
                    if not self._set_clock(answer):
                        self._token = ""  # it has ended; whoever is enrolled gets another
                    continue
                if answer.status_code not in {429, 502, 503, 504}:
                    return answer
                told = answer.headers.get("retry-after", "")
                pause = float(told) if told.isdecimal() else pause
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
            token = self._token or self._sign_in()
            return self._send(method, path, body, token=token, headers={"Idempotency-Key": key} if key else {})
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

    def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        *,
        token: str | None,
        headers: Mapping[str, str],
    ) -> httpx.Response:
        """One request, signed if there is a device."""
        raw = b"" if body is None else json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        more = dict(headers) | ({"Content-Type": "application/json"} if raw else {})
        if self._device:
            address, at = self._where + path.partition("?")[0], time.time() + self._ahead
            more["DPoP"] = self._device.proof(method, address, at=at, body=raw, token=token)
        if token:
            more["Authorization"] = f"{'DPoP' if self._device else 'Bearer'} {token}"
        return self._http.request(method, path, content=raw, headers=more)

    def _sign_in(self) -> str:
        code, secret = self._credentials.code, self._credentials.secret
        body = {"code": code.reveal()} if self._device and code else {"secret": secret.reveal()} if secret else {}
        answer = self._send("POST", "/v1/token", body, token=None, headers={})
        if answer.status_code == httpx.codes.UNAUTHORIZED and self._set_clock(answer):
            answer = self._send("POST", "/v1/token", body, token=None, headers={})
        if answer.status_code in {httpx.codes.UNAUTHORIZED, httpx.codes.CONFLICT}:
            self._document(answer)  # which raises what it says
        if answer.status_code != httpx.codes.OK:
            raise UnavailableError("the service gives no token now; ask again")
        self._token = str(self._document(answer).get("token"))
        return self._token

    def _set_clock(self, answer: httpx.Response) -> bool:
        """Whether a proof was refused for its time; from now on the service's clock is gone by, not this machine's."""
        try:
            shown = time_from_json(answer.json()["now"]).timestamp()
        except (ValueError, KeyError, TypeError):
            return False
        ahead = shown - time.time()
        moved, self._ahead = abs(ahead - self._ahead) > 1, ahead
        return moved

    @staticmethod
    def _document(answer: httpx.Response) -> dict[str, Any]:
        try:
            document = answer.json()
        except ValueError:
            document = None
        if not isinstance(document, dict):
            if answer.status_code >= 500:  # whoever stands before the service
                raise _error(answer.status_code, {})
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
            return RefusedError(str(document.get("reason") or "unauthenticated"))
        case 404:
            return UnknownWaybillError()
        case 409:
            return RefusedError(str(document.get("reason")), state=document.get("state"))
        case _ if status >= 500 and not str(document.get("type")).endswith(":integrity"):
            return UnavailableError(f"the service has a fault, status {status}; ask again later")
        case _:
            return IntegrityError(f"the service answered with status {status}")


def _quiet(error: Exception) -> Exception:
    """The kind of a stranger's exception; its request, which could hold an order, stays behind."""
    return RuntimeError(type(error).__name__)
