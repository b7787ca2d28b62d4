"""Routes for all enrolled callers: the ledger's latest checkpoint, and proofs of what the ledger holds."""

from __future__ import annotations

import base64
from typing import Annotated, Any

import anyio.to_thread
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from masking.errors import InputError
from masking.journal import journal
from masking.keys.signed_head import announced_losses
from masking.ledger import checkpoint, tree
from masking.ledger.note import VerifierKey
from masking.store.store import Store
from masking.words.request_rules import RequestRule

from .. import response_models
from .responses import current_login, json_response

router = APIRouter(tags=["ledger"])

_NOTE: dict[int | str, dict[str, Any]] = {
    200: {"model": response_models.LedgerCheckpoint, "description": "The signed note"}
}
_PROOF: dict[int | str, dict[str, Any]] = {
    200: {"model": response_models.ConsistencyProof, "description": "The proof's hashes"}
}
_INCLUDED: dict[int | str, dict[str, Any]] = {
    200: {"model": response_models.InclusionProof, "description": "The proof's hashes"}
}
_LARGER = "give a size up to that of the latest checkpoint"
Size = Annotated[int, Query(ge=0, lt=2**63)]


@router.get("/v1/ledger/checkpoint", operation_id="getCheckpoint", responses=_NOTE)
async def latest(request: Request) -> Response:
    """The latest signed checkpoint, read from the store, and the signed announcements of leaves that were lost."""
    _, service = current_login(request)
    note = await anyio.to_thread.run_sync(journal.latest, service.store)
    announced = await anyio.to_thread.run_sync(announced_losses, service.store.keys)
    losses = [{"note": each.note, "leaf": base64.b64encode(each.body).decode()} for each in announced]
    return json_response({"note": note, "key": str(service.log_key), "losses": losses})


@router.get("/v1/ledger/consistency", operation_id="getConsistencyProof", responses=_PROOF)
async def consistency(
    request: Request, earlier: Annotated[Size, Query(alias="from")], later: Annotated[Size, Query(alias="to")]
) -> Response:
    """The proof that the first `from` leaves are the beginning of the first `to` leaves (RFC 9162, section 2.1.4)."""
    _, service = current_login(request)
    path = await anyio.to_thread.run_sync(_proof, service.store, service.log_key, earlier, later)
    return json_response({"proof": [base64.b64encode(each).decode() for each in path]})


@router.get("/v1/ledger/inclusion", operation_id="getInclusionProof", responses=_INCLUDED)
async def inclusion(request: Request, leaf: Size, size: Size) -> Response:
    """The hashes that prove the leaf at this position, counted from 0, to be in the ledger of `size` leaves (RFC 9162, 2.1.3)."""
    _, service = current_login(request)
    path = await anyio.to_thread.run_sync(_inclusion, service.store, service.log_key, leaf, size)
    return json_response({"proof": [base64.b64encode(each).decode() for each in path]})


def _inclusion(store: Store, key: VerifierKey, leaf: int, size: int) -> list[bytes]:
    if leaf >= size:
        raise InputError("leaf", RequestRule.OUT_OF_RANGE, detail="give a position below size")
    if size > checkpoint.read(journal.latest(store), key).size:
        raise InputError("size", RequestRule.OUT_OF_RANGE, detail=_LARGER)
    return journal.proof(store, tree.inclusion(leaf, size))


def _proof(store: Store, key: VerifierKey, earlier: int, later: int) -> list[bytes]:
    if earlier > later:
        raise InputError("from", RequestRule.OUT_OF_RANGE, detail="give a size up to the later one")
    if later > checkpoint.read(journal.latest(store), key).size:
        raise InputError("to", RequestRule.OUT_OF_RANGE, detail=_LARGER)
    return journal.proof(store, tree.consistency(earlier, later))
