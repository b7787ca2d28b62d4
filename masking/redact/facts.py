"""The analysis of an order, made once and used both to mask the order and to check the masked view."""

from __future__ import annotations

import re
from typing import NamedTuple, final

from masking.redact.addresses import Address, mask_read, read_address
from masking.redact.freetext import Note, read_note
from masking.redact.goods import category, is_sensitive
from masking.redact.known import name_words
from masking.redact.names import called_name, mask_called
from masking.redact.normalise import normalise
from masking.redact.phones import PhoneField, read_phone
from masking.redact.pinyin import CalledName
from masking.values.plaintext import Order, Party
from masking.values.printable import MaskedParty

_ROOM = re.compile(r"[a-z]?\d{3,5}[a-z]?")


@final
class ParsedParty(NamedTuple):
    """An analysed party.

    Attributes:
        letters: the number of letters and digits in the name.
        words: the words of the name that must not appear in other fields.
        called: the name of a Chinese person, whose given name remark and goods must not show; empty for other names.
        rooms: the numbers of the door with three or more digits, which remark and goods must not show.
        phone, address: the two analysed fields.
        shown: the masked party, as far as its own fields decide it.
    """

    letters: int
    words: list[str]
    called: CalledName
    rooms: list[str]
    phone: PhoneField
    address: Address
    shown: MaskedParty


@final
class ReadTexts(NamedTuple):
    """The analysed free texts of an order.

    Attributes:
        word: the category word that replaces the goods text where it may not be shown.
        goods: the merchant's goods text, or None if it may not be shown.
        remark: the remark.
    """

    word: str
    goods: Note | None
    remark: Note


def facts_of(party: Party) -> ParsedParty:
    """Analyse a party."""
    return read_party(party.name.reveal(), party.phone.reveal(), party.address.reveal())


def read_party(name: str, phone_field: str, address_field: str) -> ParsedParty:
    """Analyse the fields of a party, each of which may be empty."""
    called = normalise(name)
    phone = read_phone(phone_field)
    address = read_address(address_field)
    plain = address.normal.text
    words = name_words(called)
    return ParsedParty(
        letters=sum(map(str.isalnum, called.text)),
        words=words,
        called=called_name(called),
        rooms=_ROOM.findall(" ".join([plain[start:end] for start, end, _ in address.doors]).lower()),
        phone=phone,
        address=address,
        shown=MaskedParty(name=mask_called(name, called), phone=phone.shown, address=mask_read(address, words)),
    )


def read_texts(order: Order, recipient: ParsedParty, sender: ParsedParty) -> ReadTexts:
    """Analyse the free texts of an order between two parties."""
    known = recipient.words + sender.words + recipient.rooms + sender.rooms
    called = (recipient.called, sender.called)
    phones = (*recipient.phone.numbers, *sender.phone.numbers)
    goods = order.goods.reveal()
    told = order.show_goods and not is_sensitive(goods)
    note = read_note(goods, known, called, phones) if told else None
    return ReadTexts(category(goods), note, read_note(order.remark.reveal(), known, called, phones))
