"""One caller's connection to a service: retries requests, turns problems into errors, and verifies checkpoints.

The device's key signs each request. The request for the first token also carries the enrolment code. Only a program without a
device key sends a secret and plain tokens, and only to a service that accepts them. If an answer is lost, an idempotent
request is sent again. Any other request is sent again only if the service says that it did nothing. Callers get only the
errors of `masking.errors`, never those of the HTTP library.
"""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import httpx

from masking.client.answers import document_of, quiet
from masking.client.breaker import Breaker
from masking.client.credentials import Credentials, service_address
from masking.client.device import Device
from masking.client.enrolment import enrolled_device
from masking.client.losses import ENVIRONMENT, Announced, parse_losses
from masking.client.session import DOWN, Session
from masking.client.state import PerProcess, StateFolder
from masking.errors import ClosedError, InputError, IntegrityError, SettingsError, UnavailableError
from masking.ledger.note import VerifierKey
from masking.values.json import Outcome, outcome_from_json
from masking.words.request_rules import RequestRule

CHECKPOINT = "waybill-checkpoint"
TRIES = 4
LONGEST_PAUSE = 5.0
"""Seconds. If the service asks for a longer pause, the call fails instead of waiting."""


class Link:
    """A connection to a service, for one caller. Threads may share it.

    Each process signs in and opens its own HTTP connections, so that a forked child never reads its parent's answers.
    """

    def __init__(
        self,
        where: str,
        credentials: Credentials,
        *,
        device: Device | None = None,
        state: Path | None = None,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.monotonic,
        accepted_losses: Collection[str] | None = None,
    ) -> None:
        self.state = StateFolder(credentials.path, state)
        address = service_address(where)
        with self.state.locked():  # a folder that can't be written is an error now, not with the first answer
            pass
        if device is None and credentials.secret is None:
            device = enrolled_device(credentials, self.state)
        self._sleep = sleep
        self._closed = False
        if accepted_losses is None:
            accepted_losses = parse_losses(os.environ.get(ENVIRONMENT, ""))
        self._session = PerProcess(lambda: Session(address, credentials, device, self.state, now, accepted_losses))
        self._session.get()

    @classmethod
    def open(
        cls,
        where: str,
        credentials: str | os.PathLike[str] | None,
        *,
        device: Device | None = None,
        state: str | os.PathLike[str] | None = None,
        accepted_losses: Collection[str] | None = None,
    ) -> Self:
        """Connect to `where` with the credentials in a file. State is kept next to that file, or in the folder `state`.

        `accepted_losses` names the announcements of lost leaves that this caller accepts. The default is the environment's
        `WAYBILL_ACCEPTED_LOSSES`, a list with commas.

        Raises:
            SettingsError: the address is not https:// (or http:// on this machine), or a file can't be used.
        """
        if credentials is None:
            raise SettingsError("a service needs credentials. Give the file that holds the code of your enrolment")
        folder = Path(state) if state is not None else None
        found = Credentials.read(Path(credentials))
        return cls(where, found, device=device, state=folder, accepted_losses=accepted_losses)

    @property
    def breaker(self) -> Breaker:
        """This process's circuit breaker."""
        return self._session.get().breaker

    def outcomes(
        self,
        path: str,
        body: Mapping[str, Any],
        *,
        count: int,
        kinds: tuple[type[Outcome], ...],
        named: tuple[str, Sequence[str]] | None = None,
        **how: Any,
    ) -> list[Any]:
        """Send a request and return the outcomes of its `count` items, each of one of these kinds.

        `named` is a member of the first kind, with the value that each outcome must have in it.

        Raises:
            IntegrityError: the answer has another form or belongs to another request, or the ledger was changed.
        """
        outcomes = self.read(self.ask("POST", path, body, **how), count=count, kinds=kinds)
        if named is not None:
            member, asked = named
            for each, wanted in zip(outcomes, asked, strict=True):
                if isinstance(each, kinds[0]) and getattr(each, member) != wanted:
                    raise IntegrityError(f"the service answered for another {member.replace('_', ' ')}")
        return outcomes

    @property
    def ledger_key(self) -> VerifierKey:
        """The key that signs the service's ledger and directory of sealing keys. It is fetched once, and then pinned."""
        watch = self._session.get().watch
        if not watch.knows_key:
            watch.pin(str(document_of(self._try("GET", "/v1/ledger/checkpoint", None, True, None)).get("key")))
        return watch.key

    @staticmethod
    def read(answer: Mapping[str, Any], *, count: int, kinds: tuple[type[Outcome], ...]) -> list[Any]:
        """The outcomes in an answer.

        Raises:
            IntegrityError: the number or the kind of outcomes is wrong.
        """
        found = answer.get("outcomes")
        outcomes = [outcome_from_json(each) for each in found] if isinstance(found, list) else []
        if len(outcomes) != count or not all(isinstance(each, kinds) for each in outcomes):
            raise IntegrityError("the service's answer does not match the request")
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
        """Send a request and return the service's answer, a JSON object. With `twice`, repeat it if the answer is lost.

        Raises:
            UnavailableError: no answer came, or the service failed. With `twice`, it is safe to call again later.
            InputError, RefusedError, UnknownWaybillError: the service refused the request.
            IntegrityError: the answer does not come from this service, or its data or its ledger were changed.
        """
        _ = self.ledger_key
        answer = self._try(method, path, body, twice, key)
        header = answer.headers.get(CHECKPOINT)
        if header:
            session = self._session.get()
            session.watch.see(header, self.consistency, self)
            session.watch.warn_if_old(session.now())
        return document_of(answer)

    def close(self) -> None:
        """End this process's connection, not that of a parent or child process. Later calls raise `ClosedError`."""
        self._closed = True
        self._session.get().close()

    def require_open(self) -> None:
        """Check that the connection is not closed.

        Raises:
            ClosedError: it was closed.
        """
        if self._closed:
            raise ClosedError

    def consistency(self, earlier: int, later: int) -> list[bytes]:
        """The service's proof that its ledger of `later` leaves extends that of `earlier` leaves."""
        return self._proof(f"/v1/ledger/consistency?from={earlier}&to={later}")

    def inclusion(self, leaf: int, size: int) -> list[bytes]:
        """The service's proof that its ledger of `size` leaves contains this leaf."""
        return self._proof(f"/v1/ledger/inclusion?leaf={leaf}&size={size}")

    def losses(self) -> list[Announced]:
        """Every announcement of lost leaves that the service has signed."""
        found = document_of(self._try("GET", "/v1/ledger/checkpoint", None, True, None)).get("losses")
        try:
            return [Announced(each["note"], base64.b64decode(each["leaf"], validate=True)) for each in found or ()]
        except (ValueError, TypeError, KeyError):
            raise IntegrityError("the service's answer is not a list of announcements") from None

    def _proof(self, path: str) -> list[bytes]:
        found = document_of(self._try("GET", path, None, True, None)).get("proof")
        if not isinstance(found, list):
            raise IntegrityError("the service's answer is not a proof")
        try:
            return [base64.b64decode(each, validate=True) for each in found]
        except (ValueError, TypeError):
            raise IntegrityError("the service's answer is not a proof") from None

    def _try(
        self, method: str, path: str, body: Mapping[str, Any] | None, twice: bool, key: str | None
    ) -> httpx.Response:
        self.require_open()
        session, pause, renewals = self._session.get(), 0.2, 2
        tries = session.breaker.tries(TRIES)
        probe = tries < TRIES
        while tries:
            tries -= 1
            answer = self._once(session, method, path, body, key, last=not tries or not twice, probe=probe)
            if answer is not None:
                if answer.status_code == httpx.codes.UNAUTHORIZED and renewals:
                    renewals, tries = renewals - 1, tries + 1
                    continue
                if answer.status_code not in {429, *DOWN}:
                    return answer
                told = answer.headers.get("retry-after", "")
                pause = float(told) if told.isdecimal() else pause
                if not tries or pause > LONGEST_PAUSE or (not twice and answer.status_code != 503):
                    break
            self._sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
            if session.breaker.is_open:  # other threads have found out
                break
        raise UnavailableError("the service does not answer. Nothing was stored here; try again")

    def _once(
        self,
        session: Session,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        key: str | None,
        *,
        last: bool,
        probe: bool,
    ) -> httpx.Response | None:
        """Try once. Returns None if no answer came and more tries are left."""
        try:
            answer = session.send(method, path, body, {"Idempotency-Key": key} if key else {})
        except UnicodeError:
            raise InputError("body", RequestRule.NOT_TEXT) from None
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:  # nothing was sent
            session.breaker.failed(probe=probe)
            if last:
                raise UnavailableError("the service can't be reached. Nothing was sent; try again") from quiet(error)
            return None
        except httpx.HTTPError as error:
            session.breaker.failed(probe=probe)
            if last or isinstance(error, httpx.TimeoutException):  # it was waited for long enough
                raise UnavailableError("the service's answer was lost. Try again") from quiet(error)
            return None
        if answer.status_code in DOWN:
            session.breaker.failed(probe=probe)
        else:
            session.breaker.succeeded()
        return answer
