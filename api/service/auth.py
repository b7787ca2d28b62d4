"""Who is calling: the layer that every request passes before anything of it is read.

Deny by default: only the addresses of `OPEN` work without a token, so that a new route can't be forgotten. A token comes
with a proof of the key that it is bound to (DPoP, `masking.access.proof`), which is checked before any store is asked. A
worker remembers whose a token is, which never changes, but not that it is valid: that is read for each request in the very
transaction that does what was asked, and the proof is used up in it, so a revocation is felt by the next request in every
worker, and a replay finds its traces.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from masking.access import credentials as words
from masking.access.proof import Proof, ProofError, verify
from masking.errors import MaskingError
from masking.words.reasons import ProofRule

from .container import Service
from .login import Login, refused, unauthenticated
from .problems import ProblemError
from .routes import page

PUSHED = "/v1/providers/aliyun/reports"
"""Where a provider pushes: what comes has a signature instead of a token, which the route has checked before all else."""

OPEN = frozenset({"/healthz", "/readyz", "/metrics", "/v1/token", PUSHED, *page.FILES})
"""Addresses that answer anybody."""

KNOWN = 50_000
"""Tokens whose holders a worker remembers."""


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
        scheme, token = authorization(scope)
        proof = prove(service, scope, token) if scheme == "dpop" else None
        login = await _login(service, token, proof)
        if proof:
            receive = await _covered(receive, proof)
        scope["login"], scope["actor"] = login, login.actor
        denied: Exception | None = None

        async def sending(message: Message) -> None:
            nonlocal denied
            if message["type"] == "http.response.start" and not login.checked and message["status"] < 500:
                try:
                    await service.confirm.submit(None, login)
                except (ProblemError, MaskingError) as error:  # also that the store can't take it now
                    denied = error
            if not denied:
                await send(message)

        await self.app(scope, receive, sending)
        if denied:
            raise denied


def authorization(scope: Scope) -> tuple[str, str]:
    """Scheme, in small letters, and token of the one `Authorization` header.

    Raises:
        ProblemError: there is none, or more than one, or it is of another scheme.
    """
    found = _headers(scope, b"authorization")
    scheme, _, token = (found[0] if len(found) == 1 else "").partition(" ")
    if scheme.lower() not in {"dpop", "bearer"}:
        raise unauthenticated(shown=bool(found))
    return scheme.lower(), token.strip()


def prove(service: Service, scope: Scope, token: str | None) -> Proof:
    """The proof in the one `DPoP` header, for this method, address and token; whoever takes it asks about the body.

    Raises:
        ProblemError: it is none.
    """
    found = _headers(scope, b"dpop")
    if len(found) != 1:
        raise refused(ProofError(ProofRule.TWICE if found else ProofRule.MISSING))
    now = service.world.now()
    try:
        address = service.settings.address or _own_address(scope)
        path = scope["raw_path"].decode("latin-1")
        return verify(found[0], method=scope["method"], address=address + path, token=token, now=now)
    except ProofError as error:
        raise refused(error, now if error.reason in {ProofRule.STALE, ProofRule.FUTURE} else None) from None


def _own_address(scope: Scope) -> str:
    """Where this service listens, as the socket says: right where no proxy stands before it."""
    host, port = scope["server"]
    return f"{scope['scheme']}://{f'[{host}]' if ':' in host else host}:{port}"


def _headers(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


async def _covered(receive: Receive, proof: Proof) -> Receive:
    """`receive` of a request whose whole body is here and is the one that was signed."""
    parts, more = [], True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ProblemError("body-unreadable")
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    body = b"".join(parts)
    try:
        proof.covers(body)
    except ProofError as error:
        raise refused(error) from None
    given = False

    async def receiving() -> Message:
        nonlocal given
        if given:  # what follows is only the news that the client has gone
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receiving


async def _login(service: Service, token: str, proof: Proof | None) -> Login:
    """Whose the token is, if it is bound to the proof's key, or to none where its holder may do without.

    Raises:
        ProblemError: it is nobody's, or another key's.
    """
    digest = words.digest(words.TOKEN, token)
    held = service.known.get(digest) if digest else None
    if digest and held is None:
        held = await service.holders.submit(digest, None)
        if held:
            if len(service.known) >= KNOWN:
                service.known.clear()
            service.known[digest] = held
    if digest is None or held is None or held.key != (proof and proof.key):
        raise unauthenticated()
    if held.key is None and held.actor.role not in service.settings.bearer_roles:
        raise unauthenticated()
    return Login(digest, held.actor, proof)
