"""Who is calling: the layer that every request passes before anything of it is read.

Deny by default: only the addresses of `OPEN` work without a token, so that a new route can't be forgotten. The token's
hash is looked up in the store for each request, together with those that arrive at the same moment; nothing is cached,
so a revocation is felt by the next request in every worker.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from starlette.types import ASGIApp, Receive, Scope, Send

from api.problems import ProblemError
from api.routes import page
from masking.access import credentials as words
from masking.access.people import Actor
from masking.order import Plain
from masking.vault import credentials
from masking.vault.store import Store
from masking.world import World

OPEN = frozenset({"/healthz", "/readyz", "/metrics", "/openapi.json", "/v1/token", *page.FILES})
"""Addresses that answer anybody."""

CHALLENGE = {"WWW-Authenticate": "Bearer"}


class Issued(NamedTuple):
    """A fresh token for whoever showed a secret."""

    actor: Actor
    token: Plain
    expires: datetime


class Authenticate:
    """ASGI: puts the caller into `scope["actor"]`, or raises the problem `unauthenticated`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let an authenticated request through."""
        if scope["type"] == "http" and scope["path"] not in OPEN:
            digest = words.digest(words.TOKEN, bearer(scope))
            actor = await scope["app"].state.service.holders.submit(digest) if digest else None
            if actor is None:
                raise ProblemError("unauthenticated", headers=CHALLENGE)
            scope["actor"] = actor
        await self.app(scope, receive, send)


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
