"""Seals orders: makes the sealed fields and the columns that are derived from the plaintext."""

from __future__ import annotations

import hmac
from datetime import datetime
from typing import Any

from masking.access.people import Actor
from masking.crypto.index import content_mac, merge_reference, person_index
from masking.crypto.seal import seal_fields
from masking.keys.keystore import Generation, KeyStore, OnlineWrap
from masking.redact.phones import canonical
from masking.runtime import World, day_of
from masking.store.rows.waybills import Record
from masking.values.json import dump_view
from masking.values.plaintext import Order, Problem
from masking.values.printable import MaskedView
from masking.words.rules import Rule


def seal_order(
    world: World,
    keys: KeyStore,
    merchant: Actor,
    order: Order,
    view: MaskedView,
    generation: Generation,
    key: bytes,
    now: datetime,
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The derived columns of `waybill`, and the fields sealed under the waybill's own key.

    The person index is made with a key of the day, the merge reference with a key of merchant and week (FORMAT.md section 5).
    """
    day_key = keys.key("person", day_of(now), world, now)
    recipient, sender = order.recipient, order.sender
    phone = index_form(recipient.phone.reveal())
    columns = {
        "generation": generation.number,
        "masked": dump_view(view),
        "merge_reference": merge_reference(
            keys.merge_key(merchant.tenant, merchant.unit, world, now),
            recipient.name.reveal(),
            phone,
            recipient.address.reveal(),
        ),
        "recipient_index": person_index(day_key, phone),
        "sender_index": person_index(day_key, index_form(sender.phone.reveal())),
        "content_mac": _mac(key, order),
    }
    return columns, seal_fields(key, merchant.tenant, generation.waybill, order.fields(), world.entropy)


def first_problem(order: Order) -> Problem | None:
    """The first problem that keeps an order from being sealed, None for a valid order."""
    problems = order.problems()
    if problems:
        return problems[0]
    for name in ("recipient.phone", "sender.phone"):
        if canonical(order.fields()[name].reveal()) is None:
            return Problem(name, Rule.NOT_A_PHONE)
    return None


def same_content(keys: KeyStore, record: Record, wrapped: OnlineWrap | None, order: Order) -> bool:
    """Whether an order has the same content as the one that was sealed. False if the key for comparing is gone.

    Raises:
        IntegrityError: the waybill's key does not open.
    """
    if wrapped is None or record.content_mac is None:
        return False
    return hmac.compare_digest(_mac(keys.unwrap(wrapped), order), record.content_mac)


def index_form(phone: str) -> str:
    """The form of a phone that person indexes are computed over."""
    return canonical(phone) or phone


def _mac(key: bytes, order: Order) -> bytes:
    return content_mac(key, order.fields(), ["show-goods" if order.show_goods else ""])
