"""The masked view of an order: everything that may be printed and shown of it.

Each field is masked by its own rules, and names of either party are hidden in all fields. The view is then checked against
its order. A field that fails the check is hidden as a whole (of an address the region stays). Only a view that passed
carries the stamp.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from masking.errors import IntegrityError
from masking.redact.addresses import Profile, mask_read
from masking.redact.compliance import check
from masking.redact.facts import ParsedParty, facts_of, read_texts
from masking.redact.goods import NEUTRAL, WORDS
from masking.redact.spans import cover, cover_from
from masking.values.plaintext import Order, Party
from masking.values.printable import STAMP, Masked, MaskedParty, MaskedView

_WORDS = {word: Masked(word) for word in ("", *WORDS)}


def mask_order(order: Order) -> MaskedView:
    """The stamped masked view of an order. A field that fails the check is hidden as a whole.

    Raises:
        IntegrityError: the view fails the check even so, and must not be shown.
    """
    return mask_orders([order])[0]


def mask_orders(orders: Sequence[Order]) -> list[MaskedView]:
    """The masked views of orders, in the same order. Consecutive orders of one sender analyse it only once.

    Raises:
        IntegrityError: see `mask_order`.
    """
    views = []
    last: tuple[Party, ParsedParty] | None = None
    good: MaskedParty | None = None
    for order in orders:
        sender = order.sender
        if last is None or (last[0] is not sender and last[0] != sender):
            last = sender, facts_of(sender)
        view = _view_of(order, facts_of(order.recipient), last[1], good)
        views.append(view)
        good = view.sender
    return views


def _view_of(order: Order, recipient: ParsedParty, sender: ParsedParty, good: MaskedParty | None) -> MaskedView:
    said = read_texts(order, recipient, sender)
    view = MaskedView(
        recipient=_shown_to(recipient, sender.words),
        sender=_shown_to(sender, recipient.words),
        goods=cover(*said.goods) if said.goods else _WORDS[said.word],
        remark=cover(*said.remark),
        stamp=STAMP,
    )
    for whole in (False, True):
        found = check(view, said, recipient, sender, good)
        if not found:
            return view
        fields = view.fields()
        for field in {leak.field for leak in found}:
            who, _, kind = field.partition(".")
            if kind == "address" and not whole:
                fields[field] = mask_read((recipient if who == "recipient" else sender).address, (), Profile.STRICT)
            else:
                fields[field] = _WORDS[NEUTRAL] if field == "goods" else _covered(order, field)
        view = _view(fields)
    if check(view, said, recipient, sender):
        raise IntegrityError("a masked view breaks the rules although its failing fields are hidden as a whole")
    return view


def _shown_to(facts: ParsedParty, others: list[str]) -> MaskedParty:
    """The masked party, with the words of the other party's name hidden in its address too."""
    for word in others:
        if word in facts.address.low:
            return replace(facts.shown, address=mask_read(facts.address, facts.words + others))
    return facts.shown


def _covered(order: Order, field: str) -> Masked:
    text = order.fields()[field].reveal()
    return cover_from(text, 0)


def _view(fields: dict[str, Masked]) -> MaskedView:
    recipient, sender = (
        MaskedParty(name=fields[f"{who}.name"], phone=fields[f"{who}.phone"], address=fields[f"{who}.address"])
        for who in ("recipient", "sender")
    )
    return MaskedView(recipient=recipient, sender=sender, goods=fields["goods"], remark=fields["remark"], stamp=STAMP)
