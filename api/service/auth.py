"""Authenticates requests, before their body is parsed.

Deny by default: only the addresses in `OPEN` work without a token, so that a new route is protected. A token comes with
a proof of the key that it is bound to (DPoP, `masking.access.proof`), which is verified before the store is asked. A
worker caches whose a token is, because that never changes, but not whether it is valid. Validity is read for each
request in the transaction that serves it, and the proof is recorded as used in the same transaction. So a revocation
takes effect with the next request in every worker, and a replayed proof is detected.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from masking.access import credentials as words
from masking.access.proof import Proof, ProofError, verify
from masking.errors import MaskingError
from masking.words.proof_rules import ProofRule

from .container import Service
from .login import Login, refused, unauthenticated
from .problems import ProblemError
from .routes import page

PUSHED = "/v1/providers/aliyun/reports"
"""Where a provider pushes call records. They are signed instead of carrying a token, and the route verifies that first."""

OPEN = frozenset({"/healthz", "/readyz", "/metrics", "/v1/token", PUSHED, *page.FILES})
"""Addresses that need no token."""

KNOWN = 50_000
"""Tokens whose holders a worker caches."""


class Authenticate:
    """ASGI middleware: sets `scope["login"]` and `scope["actor"]`, or raises the problem `unauthenticated`.

    The step that a route calls checks the login in its own transaction. If that has not happened when the answer starts
    (a route without a step, or a request that breaks a rule), the login is checked here first.
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
                except (ProblemError, MaskingError) as error:  # also if the store is unavailable
                    denied = error
            if not denied:
                await send(message)

        await self.app(scope, receive, sending)
        if denied:
            raise denied


def authorization(scope: Scope) -> tuple[str, str]:
    """The scheme, in lower case, and the token of the `Authorization` header.

    Raises:
        ProblemError: the header is missing, repeated, or of another scheme.
    """
    found = _headers(scope, b"authorization")
    scheme, _, token = (found[0] if len(found) == 1 else "").partition(" ")
    if scheme.lower() not in {"dpop", "bearer"}:
        raise unauthenticated(shown=bool(found))
    return scheme.lower(), token.strip()


def prove(service: Service, scope: Scope, token: str | None) -> Proof:
    """The verified proof in the `DPoP` header, for this method, address and token. The caller checks the body's hash.

    Raises:
        ProblemError: the header is missing or repeated, or the proof is not valid.
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
    """The address of the listening socket, which is the public one if there is no proxy."""
    host, port = scope["server"]
    return f"{scope['scheme']}://{f'[{host}]' if ':' in host else host}:{port}"


def _headers(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


async def _covered(receive: Receive, proof: Proof) -> Receive:
    """Read the body, check it against the proof, and return a `receive` that replays it."""
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
        if given:  # only a disconnect can follow
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receiving


async def _login(service: Service, token: str, proof: Proof | None) -> Login:
    """The holder of a token that is bound to the proof's key, or to no key if the holder's role needs none.

    Raises:
        ProblemError: the token is unknown, or bound to another key.
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
