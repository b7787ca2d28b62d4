"""What the rules read in an order: read once, used to mask it and to check what was masked."""

from __future__ import annotations

import re
from typing import NamedTuple, final

from masking.order import Order, Party
from masking.redact.addresses import Address, mask_read, read_address
from masking.redact.freetext import Note, read_note
from masking.redact.goods import category, is_sensitive
from masking.redact.known import name_words
from masking.redact.names import mask_called
from masking.redact.normalise import normalise
from masking.redact.phones import PhoneField, read_phone
from masking.waybill import MaskedParty

_ROOM = re.compile(r"[a-z]?\d{3,5}[a-z]?")


@final
class Facts(NamedTuple):
    """A party as read.

    Attributes:
        letters: how many the name has.
        words: what of the name may stand in no other field.
        rooms: numbers of the door, of three signs and more, which remark and goods must not tell.
        phone, address: both fields.
        shown: the party as it may be shown, for all that its own fields say.
    """

    letters: int
    words: list[str]
    rooms: list[str]
    phone: PhoneField
    address: Address
    shown: MaskedParty


@final
class Said(NamedTuple):
    """The free texts of an order as read.

    Attributes:
        word: what the goods are called where they may not be told.
        goods: what the merchant says of them, if it may be told.
        remark: the remark.
    """

    word: str
    goods: Note | None
    remark: Note


def facts_of(party: Party) -> Facts:
    """What the rules read in a party."""
    name = party.name.reveal()
    called = normalise(name)
    phone = read_phone(party.phone.reveal())
    address = read_address(party.address.reveal())
    plain = address.normal.text
    words = name_words(called)
    return Facts(
        letters=sum(map(str.isalnum, called.text)),
        words=words,
        rooms=_ROOM.findall(" ".join([plain[start:end] for start, end, _ in address.doors]).lower()),
        phone=phone,
        address=address,
        shown=MaskedParty(name=mask_called(name, called), phone=phone.shown, address=mask_read(address, words)),
    )


def said_in(order: Order, recipient: Facts, sender: Facts) -> Said:
    """What the rules read in the free texts of an order between two parties."""
    known = recipient.words + sender.words + recipient.rooms + sender.rooms
    goods = order.goods.reveal()
    told = order.show_goods and not is_sensitive(goods)
    return Said(category(goods), read_note(goods, known) if told else None, read_note(order.remark.reveal(), known))
