"""The masked view of an order: what may be printed and shown of it.

Each field is masked by its own rules and by what the other fields say: a name of either party is hidden wherever it
stands. The view is then compared with its order; a field that cannot be shown safe is hidden whole (of an address the
region stays). Only a view that passed carries the stamp.
"""

from __future__ import annotations

from collections.abc import Sequence

from masking.errors import IntegrityError
from masking.order import Order, Party
from masking.redact.addresses import Profile, mask_read
from masking.redact.compliance import check
from masking.redact.facts import Facts, facts_of
from masking.redact.freetext import mask_text
from masking.redact.goods import NEUTRAL, category, is_sensitive
from masking.redact.spans import cover
from masking.waybill import STAMP, Masked, MaskedParty, MaskedView


def mask_order(order: Order) -> MaskedView:
    """The masked view of an order, stamped: whatever could not be shown safe is hidden whole.

    Raises:
        IntegrityError: even that did not help; nothing may be shown.
    """
    return mask_orders([order])[0]


def mask_orders(orders: Sequence[Order]) -> list[MaskedView]:
    """The masked views of orders, in the same order. A sender of many is read once.

    Raises:
        IntegrityError: see `mask_order`.
    """
    views = []
    last: tuple[Party, Facts] | None = None
    for order in orders:
        sender = order.sender
        if last is None or (last[0] is not sender and last[0] != sender):
            last = sender, facts_of(sender)
        views.append(_view_of(order, facts_of(order.recipient), last[1]))
    return views


def _view_of(order: Order, recipient: Facts, sender: Facts) -> MaskedView:
    known = recipient.words + sender.words
    parties = {"recipient": recipient, "sender": sender}
    fields: dict[str, Masked] = {}
    for who, facts in parties.items():
        fields[f"{who}.name"] = facts.shown_name
        fields[f"{who}.phone"] = facts.shown_phone
        fields[f"{who}.address"] = mask_read(facts.address, known, Profile.LABEL)
    told = known + recipient.rooms + sender.rooms
    goods = order.goods.reveal()
    shown = order.show_goods and not is_sensitive(goods)
    fields["goods"] = mask_text(goods, told) if shown else Masked(category(goods))
    fields["remark"] = mask_text(order.remark.reveal(), told) if order.remark else Masked("")
    for whole in (False, True):
        view = _view(fields)
        found = {leak.field for leak in check(view, order, recipient, sender)}
        if not found:
            return view
        for field in found:
            who, _, kind = field.partition(".")
            if kind == "address" and not whole:
                fields[field] = mask_read(parties[who].address, known, Profile.STRICT)
            else:
                fields[field] = Masked(NEUTRAL) if field == "goods" else _covered(order, field)
    view = _view(fields)
    if check(view, order, recipient, sender):
        raise IntegrityError("a view that is hidden whole still breaks its rules")
    return view


def _covered(order: Order, field: str) -> Masked:
    text = order.fields()[field].reveal()
    return cover(text, [(0, len(text))])


def _view(fields: dict[str, Masked]) -> MaskedView:
    recipient, sender = (
        MaskedParty(name=fields[f"{who}.name"], phone=fields[f"{who}.phone"], address=fields[f"{who}.address"])
        for who in ("recipient", "sender")
    )
    return MaskedView(recipient=recipient, sender=sender, goods=fields["goods"], remark=fields["remark"], stamp=STAMP)
