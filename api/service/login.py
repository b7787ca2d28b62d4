"""Logins: what a request says about its caller, checked in the transaction of the step that it asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import final

from masking.access.people import Actor
from masking.access.proof import Proof, ProofError
from masking.runtime import World
from masking.store.rows import credentials
from masking.store.rows.credentials import TokenHolder
from masking.store.store import Store, Transaction
from masking.values.json import time_to_json
from masking.words.reasons import ProofRule

from .problems import ProblemError


@final
class Login:
    """Who one request says it is from: a token's hash, whose it was when this worker last looked it up, and the proof.

    That is not enough to act: `checked` is true once the store has confirmed it, and used the proof up, for this request.
    """

    __slots__ = ("actor", "checked", "digest", "proof")

    def __init__(self, digest: bytes, actor: Actor, proof: Proof | None) -> None:
        self.digest = digest
        self.actor = actor
        self.proof = proof
        self.checked = False


class DeniedError(Exception):
    """These logins are good for nothing, each for its reason; nothing of the transaction that found it out is kept."""

    def __init__(self, logins: Mapping[Login, ProblemError]) -> None:
        self.logins = logins
        super().__init__("a login is not valid")


@final
class LoginCheck:
    """What a group's first transaction begins with: all who asked for it are still who they were, or it is undone."""

    def __init__(self, logins: Iterable[Login], now: datetime) -> None:
        self.logins = frozenset(login for login in logins if not login.checked)
        self._now = now
        self.committed = False

    def __call__(self, tx: Transaction) -> None:
        """Check the logins and use their proofs up, in each transaction until one is committed.

        Raises:
            DeniedError: some are not valid.
        """
        if self.committed or not self.logins:
            return
        digests, proofs = {login.digest for login in self.logins}, [login.proof for login in self.logins if login.proof]
        valid, unused = credentials.check(tx, digests, proofs, self._now)
        denied: dict[Login, ProblemError] = {}
        for login in self.logins:
            if login.digest not in valid:
                denied[login] = unauthenticated()
            elif login.proof and login.proof.use not in unused:
                denied[login] = refused(ProofError(ProofRule.REPLAYED))
            elif login.proof:
                unused.discard(login.proof.use)  # the same one twice in a group is a replay as well
        if denied:
            raise DeniedError(denied)

    def close(self) -> None:
        """A transaction that began with it is committed: the logins are checked."""
        self.committed = True
        for login in self.logins:
            login.checked = True


def unauthenticated(*, shown: bool = True) -> ProblemError:
    """The answer to whoever is nobody; `shown` where they have said who they are."""
    return ProblemError("unauthenticated", headers=_challenge("invalid_token" if shown else ""))


def refused(error: ProofError, now: datetime | None = None) -> ProblemError:
    """The answer to a proof that is none for this request; `now` for a device whose clock is wrong."""
    more = {"now": time_to_json(now)} if now else {}
    return ProblemError("proof-refused", reason=error.reason, headers=_challenge("invalid_dpop_proof"), **more)


def _challenge(error: str) -> dict[str, str]:
    """RFC 9449 section 7.1."""
    return {"WWW-Authenticate": 'DPoP algs="ES256"' + (f', error="{error}"' if error else "")}


def holders(world: World, store: Store, digests: Sequence[bytes]) -> list[TokenHolder | None]:
    """Whose each of these tokens is, None for nobody's; one question to the store for all of them."""
    with store.reading() as tx:
        found = credentials.holders(tx, set(digests), world.now())
    return [found.get(digest) for digest in digests]


def confirm(world: World, store: Store, requests: Sequence[None]) -> list[None]:  # noqa: ARG001  steps share one signature
    """Nothing but what each step begins with: the logins are checked."""
    with store.transaction():
        return list(requests)
