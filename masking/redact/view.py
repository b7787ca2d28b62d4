"""The masked view of an order: what may be printed and shown of it.

Each field is masked by its own rules and by what the other fields say: a name or phone of either party is hidden wherever
it stands. The view is then compared with its order; a field that cannot be shown safe is hidden whole. Only a view that
passed carries the stamp.
"""

from __future__ import annotations

import re

from masking.errors import IntegrityError
from masking.order import Order, Party
from masking.redact.addresses import mask_address
from masking.redact.compliance import leaks
from masking.redact.freetext import mask_text
from masking.redact.goods import category, is_sensitive
from masking.redact.names import mask_name
from masking.redact.phones import mask_phone
from masking.redact.spans import cover
from masking.waybill import Masked, MaskedParty, MaskedView

STAMP = "label-1 GB/T 41833-2022"
"""The rule set that a view was checked against: the profile, its version, and the standard whose minimum it exceeds."""


def mask_order(order: Order) -> MaskedView:
    """The masked view of an order, stamped: whatever could not be shown safe is hidden whole.

    Raises:
        IntegrityError: even that did not help; nothing may be shown.
    """
    known = personal_words(order)
    fields = {
        "recipient.name": mask_name(order.recipient.name.reveal()),
        "recipient.phone": mask_phone(order.recipient.phone.reveal()),
        "recipient.address": mask_address(order.recipient.address.reveal(), known),
        "sender.name": mask_name(order.sender.name.reveal()),
        "sender.phone": mask_phone(order.sender.phone.reveal()),
        "sender.address": mask_address(order.sender.address.reveal(), known),
        "goods": _goods(order, known),
        "remark": mask_text(order.remark.reveal(), known),
    }
    view = _view(fields)
    found = leaks(view, order)
    if found:
        plain = order.fields()
        for leak in found:
            text = plain[leak.field].reveal()
            fields[leak.field] = cover(text, [(0, len(text))])
        view = _view(fields)
        if leaks(view, order):
            raise IntegrityError("a view that is hidden whole still breaks its rules")
    return view


def personal_words(order: Order) -> list[str]:
    """Names and name tails of both parties, which are hidden wherever they stand."""
    words: list[str] = []
    for party in (order.recipient, order.sender):
        words += _words(party)
    return words


def _words(party: Party) -> list[str]:
    name = party.name.reveal()
    parts = re.findall(r"[^\W\d_]{2,}", name)
    tails = re.findall(r"[\[【(（]\d{3,6}[\])）】]", name)
    whole = [name] if len(name) > 1 else []
    return whole + [part for part in parts if len(part) > 1] + tails


def _goods(order: Order, known: list[str]) -> Masked:
    text = order.goods.reveal()
    if order.show_goods and not is_sensitive(text):
        return mask_text(text, known)
    return Masked(category(text))


def _view(fields: dict[str, Masked]) -> MaskedView:
    recipient, sender = (
        MaskedParty(name=fields[f"{who}.name"], phone=fields[f"{who}.phone"], address=fields[f"{who}.address"])
        for who in ("recipient", "sender")
    )
    return MaskedView(recipient=recipient, sender=sender, goods=fields["goods"], remark=fields["remark"], stamp=STAMP)
