"""Who is calling: the layer that every request passes before anything of it is read.

Deny by default: only the addresses of `OPEN` work without a token, so that a new route can't be forgotten. A worker
remembers whose a token is, which never changes, but not that it is valid: that is read for each request in the very
transaction that does what was asked, so a revocation is felt by the next request in every worker.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import ProblemError
from api.routes import page
from masking.access import credentials as words
from masking.access.people import Actor
from masking.order import Plain
from masking.vault import credentials
from masking.vault.store import Store, Transaction
from masking.world import World

if TYPE_CHECKING:
    from api.wiring import Service

OPEN = frozenset({"/healthz", "/readyz", "/metrics", "/openapi.json", "/v1/token", *page.FILES})
"""Addresses that answer anybody."""

CHALLENGE = {"WWW-Authenticate": "Bearer"}

KNOWN = 50_000
"""Tokens whose holders a worker remembers."""


class Issued(NamedTuple):
    """A fresh token for whoever showed a secret."""

    actor: Actor
    token: Plain
    expires: datetime


@final
class Login:
    """Who one request says it is from: a token's hash, and whose it was when this worker last looked it up.

    That is not enough to act: `checked` is true once the store has confirmed it for this request.
    """

    __slots__ = ("actor", "checked", "digest")

    def __init__(self, digest: bytes, actor: Actor) -> None:
        self.digest = digest
        self.actor = actor
        self.checked = False


class DeniedError(Exception):
    """These logins are good for nothing any more; nothing of the transaction that found it out is kept."""

    def __init__(self, logins: frozenset[Login]) -> None:
        self.logins = logins
        super().__init__("a login is not valid")


@final
class Entry:
    """What a group's first transaction begins with: all who asked for it are still who they were, or it is undone."""

    def __init__(self, logins: Iterable[Login], now: datetime) -> None:
        self.logins = frozenset(login for login in logins if not login.checked)
        self._now = now
        self._passed = not self.logins

    def __call__(self, tx: Transaction) -> None:
        """Check the logins, once.

        Raises:
            DeniedError: some are not valid.
        """
        if self._passed:
            return
        valid = credentials.valid(tx, {login.digest for login in self.logins}, self._now)
        denied = frozenset(login for login in self.logins if login.digest not in valid)
        if denied:
            raise DeniedError(denied)
        self._passed = True

    def close(self) -> None:
        """The transaction is committed: the logins are checked, if it has looked at them at all."""
        if self._passed:
            for login in self.logins:
                login.checked = True


class Authenticate:
    """ASGI: puts a `Login` into `scope["login"]` and its actor into `scope["actor"]`, or raises the problem `unauthenticated`.

    The step that a route asks checks the login in its own transaction. An answer whose login has not been checked by
    then (a route without a step, a request that breaks a rule) waits here until it is.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let an authenticated request through."""
        if scope["type"] != "http" or scope["path"] in OPEN:
            await self.app(scope, receive, send)
            return
        service = scope["app"].state.service
        login = await _login(service, words.digest(words.TOKEN, bearer(scope)))
        scope["login"], scope["actor"] = login, login.actor
        denied = False

        async def sending(message: Message) -> None:
            nonlocal denied
            if message["type"] == "http.response.start" and not login.checked and message["status"] < 500:
                try:
                    await service.confirm.submit(None, login)
                except ProblemError:
                    denied = True
            if not denied:
                await send(message)

        await self.app(scope, receive, sending)
        if denied:
            raise unauthenticated()


def unauthenticated() -> ProblemError:
    """The answer to whoever is nobody."""
    return ProblemError("unauthenticated", headers=CHALLENGE)


async def _login(service: Service, digest: bytes | None) -> Login:
    known: dict[bytes, Actor] = service.known
    actor = known.get(digest) if digest else None
    if digest and actor is None:
        actor = await service.holders.submit(digest, None)
        if actor:
            if len(known) >= KNOWN:
                known.clear()
            known[digest] = actor
    if digest is None or actor is None:
        raise unauthenticated()
    return Login(digest, actor)


def bearer(scope: Scope) -> str:
    """The token of the one `Authorization: Bearer` header; empty for none, for two, and for another scheme."""
    found = [value for name, value in scope["headers"] if name == b"authorization"]
    scheme, _, text = (found[0] if len(found) == 1 else b"").decode("latin-1").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""


def holders(world: World, store: Store, digests: Sequence[bytes]) -> list[Actor | None]:
    """Whose each of these tokens is, None for nobody's; one question to the store for all of them."""
    with store.reading() as tx:
        found = credentials.holders(tx, set(digests), world.now())
    return [found.get(digest) for digest in digests]


def issue(world: World, store: Store, secrets: Sequence[Plain]) -> list[Issued | None]:
    """A token for each secret, None for one that is nobody's.

    Raises:
        UnavailableError: no token of this batch is known to be stored.
    """
    now = world.now()
    digests = [words.digest(words.SECRET, secret.reveal()) for secret in secrets]
    outcomes: list[Issued | None] = []
    with store.transaction() as tx:
        found = credentials.holders(tx, {digest for digest in digests if digest}, now)
        for digest in digests:
            actor = found.get(digest) if digest else None
            if actor is None:
                outcomes.append(None)
                continue
            token, until = words.make(words.TOKEN, world), now + words.TOKEN_LIFE
            credentials.sweep(tx, actor.id, now)
            credentials.add(tx, actor.id, words.TOKEN, words.digest(words.TOKEN, token.reveal()) or b"", until)
            outcomes.append(Issued(actor, token, until))
    return outcomes


def confirm(world: World, store: Store, requests: Sequence[None]) -> list[None]:  # noqa: ARG001  steps share one signature
    """Nothing but what each step begins with: the logins are checked."""
    with store.transaction():
        return list(requests)
