"""One process's part of a connection: HTTP client, token and the service's clock. All threads share it."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, final

import httpx

from masking.client.answers import document_of
from masking.client.breaker import Breaker
from masking.client.credentials import Credentials
from masking.client.device import Device
from masking.client.state import StateFolder
from masking.client.watch import Watch
from masking.errors import ClosedError, IntegrityError, UnavailableError
from masking.values.json import time_from_json

REQUEST = "request-id"
DOWN = frozenset({502, 503, 504})
"""Status codes of a proxy whose service is down, and of a service that can't serve now."""
TIMEOUT = httpx.Timeout(30, connect=5)


@final
class Session:
    """Sends requests of one caller, signed by its device. Gets a token when one is needed."""

    def __init__(
        self,
        address: str,
        credentials: Credentials,
        device: Device | None,
        state: StateFolder,
        now: Callable[[], float],
        accepted_losses: Collection[str] = (),
    ) -> None:
        self._http = httpx.Client(base_url=address, timeout=TIMEOUT, follow_redirects=False)
        self.watch = Watch(state, credentials.ledger_key, accepted_losses=accepted_losses)
        self.breaker = Breaker(now)
        self._address = address
        self._credentials = credentials
        self._device = device
        self._signing_in = threading.Lock()
        self._token = ""
        self._ahead = 0.0
        self._under_way = threading.Condition()
        self._requests = 0
        self._closed = False

    def now(self) -> float:
        """Seconds since 1970, by the service's clock if that is known to differ from this machine's."""
        return time.time() + self._ahead

    def close(self) -> None:
        """Refuse new requests, wait for the answers to current ones, and close the connections."""
        with self._under_way:
            self._closed = True
            self._under_way.wait_for(lambda: not self._requests, timeout=TIMEOUT.read)
        self._http.close()

    def send(
        self, method: str, path: str, body: Mapping[str, Any] | None, headers: Mapping[str, str]
    ) -> httpx.Response:
        """Send one request. After a 401, the next try uses another token or the service's clock.

        Raises:
            httpx.HTTPError: no answer came.
            UnavailableError, RefusedError: the service gives no token.
            IntegrityError: the answer belongs to another request.
            ClosedError: the session was closed.
        """
        with self._counted():
            token = self._token or self._sign_in()
            answer = self._send(method, path, body, token=token, headers=headers)
            if answer.status_code == httpx.codes.UNAUTHORIZED:
                with self._signing_in:
                    if not self._set_clock(answer) and self._token == token:
                        self._token = ""
            return answer

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._under_way:
            if self._closed:
                raise ClosedError
            self._requests += 1
        try:
            yield
        finally:
            with self._under_way:
                self._requests -= 1
                self._under_way.notify_all()

    def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        *,
        token: str | None,
        headers: Mapping[str, str],
    ) -> httpx.Response:
        """Send one request, signed if there is a device.

        Raises:
            IntegrityError: the answer belongs to another request.
        """
        raw = b"" if body is None else json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        name = f"{secrets.token_hex(4)}a{secrets.token_hex(4)[1:]}"  # the service refuses ids with nine digits in a row
        more = dict(headers) | {REQUEST: name} | ({"Content-Type": "application/json"} if raw else {})
        if self._device:
            address, at = self._address + path.partition("?")[0], self.now()
            more["DPoP"] = self._device.proof(method, address, at=at, body=raw, token=token)
        if token:
            more["Authorization"] = f"{'DPoP' if self._device else 'Bearer'} {token}"
        answer = self._http.request(method, path, content=raw, headers=more)
        if answer.headers.get(REQUEST, name) != name:  # a proxy's own page has none
            raise IntegrityError("the answer belongs to another request. Look for a proxy that mixes up answers")
        return answer

    def _sign_in(self) -> str:
        """Get a token. Threads that need one at the same time share it."""
        with self._signing_in:
            if self._token:
                return self._token
            code, secret = self._credentials.code, self._credentials.secret
            body = {"code": code.reveal()} if self._device and code else {"secret": secret.reveal()} if secret else {}
            answer = self._send("POST", "/v1/token", body, token=None, headers={})
            if answer.status_code == httpx.codes.UNAUTHORIZED and self._set_clock(answer):
                answer = self._send("POST", "/v1/token", body, token=None, headers={})
            if answer.status_code in DOWN:
                self.breaker.failed(probe=False)
            if answer.status_code in {httpx.codes.UNAUTHORIZED, httpx.codes.CONFLICT}:
                document_of(answer)  # which raises what it says
            if answer.status_code != httpx.codes.OK:
                raise UnavailableError("the service gives no token now. Try again")
            self._token = str(document_of(answer).get("token"))
            return self._token

    def _set_clock(self, answer: httpx.Response) -> bool:
        """Whether a proof was refused for its time. If so, later proofs use the service's clock."""
        try:
            shown = time_from_json(answer.json()["now"]).timestamp()
        except (ValueError, KeyError, TypeError):
            return False
        ahead = shown - time.time()
        moved, self._ahead = abs(ahead - self._ahead) > 1, ahead
        return moved
