"""Logins: a request's claim about its caller, and the check of it in the transaction of the requested step."""

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
from masking.words.proof_rules import ProofRule

from .problems import ProblemError


@final
class Login:
    """A request's unconfirmed claim: the token's hash, the holder from this worker's cache, and the proof.

    `checked` becomes true when the store has confirmed the token and recorded the proof as used. Only then it counts.
    """

    __slots__ = ("actor", "checked", "digest", "proof")

    def __init__(self, digest: bytes, actor: Actor, proof: Proof | None) -> None:
        self.digest = digest
        self.actor = actor
        self.proof = proof
        self.checked = False


class DeniedError(Exception):
    """Some logins of a transaction are invalid, each with the problem to answer. The transaction is rolled back."""

    def __init__(self, logins: Mapping[Login, ProblemError]) -> None:
        self.logins = logins
        super().__init__("a login is not valid")


@final
class LoginCheck:
    """Checks the logins of a group at the start of its transaction, which is rolled back if one is invalid."""

    def __init__(self, logins: Iterable[Login], now: datetime) -> None:
        self.logins = frozenset(login for login in logins if not login.checked)
        self._now = now
        self.committed = False

    def __call__(self, tx: Transaction) -> None:
        """Check the logins and record their proofs as used. Repeated in each transaction until one is committed.

        Raises:
            DeniedError: some logins are not valid.
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
                unused.discard(login.proof.use)  # the same proof twice in a group is also a replay
        if denied:
            raise DeniedError(denied)

    def close(self) -> None:
        """Note that a transaction with this check was committed: the logins are valid."""
        self.committed = True
        for login in self.logins:
            login.checked = True


def unauthenticated(*, shown: bool = True) -> ProblemError:
    """The problem for a missing or invalid token. `shown`: a token came with the request."""
    return ProblemError("unauthenticated", headers=_challenge("invalid_token" if shown else ""))


def refused(error: ProofError, now: datetime | None = None) -> ProblemError:
    """The problem for an invalid proof. `now` lets a device with a wrong clock correct it."""
    more = {"now": time_to_json(now)} if now else {}
    return ProblemError("proof-refused", reason=error.reason, headers=_challenge("invalid_dpop_proof"), **more)


def _challenge(error: str) -> dict[str, str]:
    """The `WWW-Authenticate` header of RFC 9449 section 7.1."""
    return {"WWW-Authenticate": 'DPoP algs="ES256"' + (f', error="{error}"' if error else "")}


def holders(world: World, store: Store, digests: Sequence[bytes]) -> list[TokenHolder | None]:
    """The holder of each token, or None if it is unknown, with one query for all tokens."""
    with store.reading() as tx:
        found = credentials.holders(tx, set(digests), world.now())
    return [found.get(digest) for digest in digests]


def confirm(world: World, store: Store, requests: Sequence[None]) -> list[None]:  # noqa: ARG001  steps share one signature
    """A step that does nothing, so that only the logins are checked."""
    with store.transaction():
        return list(requests)
