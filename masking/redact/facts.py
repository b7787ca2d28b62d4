"""What the rules read in a party: read once, used to mask it and to check what was masked."""

from __future__ import annotations

import re
from typing import NamedTuple, final

from masking.order import Party
from masking.redact.addresses import Address, read_address
from masking.redact.known import name_words
from masking.redact.names import mask_called
from masking.redact.normalise import normalise
from masking.redact.phones import Phone, find_phones, mask_found
from masking.waybill import Masked

_ROOM = re.compile(r"[a-z]?\d{3,5}[a-z]?")


@final
class Facts(NamedTuple):
    """A party as read.

    Attributes:
        letters: the letters of the name, normal form.
        words: what of the name may stand in no other field.
        rooms: numbers of the door, of three signs and more, which remark and goods must not tell.
        digits: those of the phone field; `phones`, those found in it; `numbers`, their digits, eleven at most.
        address: the address.
        shown_name, shown_phone: both as they may be shown.
    """

    letters: str
    words: list[str]
    rooms: list[str]
    digits: str
    phones: list[Phone]
    numbers: list[str]
    address: Address
    shown_name: Masked
    shown_phone: Masked


def facts_of(party: Party) -> Facts:
    """What the rules read in a party."""
    name, number = party.name.reveal(), party.phone.reveal()
    called, phone = normalise(name), normalise(number)
    phones = find_phones(phone)
    address = read_address(party.address.reveal())
    digits = "".join(filter(str.isdecimal, phone.text))
    return Facts(
        letters="".join(filter(str.isalnum, called.text)),
        words=name_words(called),
        rooms=[
            room for part in address.doors for room in _ROOM.findall(address.normal.text[part.start : part.end].lower())
        ],
        digits=digits,
        phones=phones,
        numbers=[found.digits[-11:] for found in phones] or [digits],
        address=address,
        shown_name=mask_called(name, called),
        shown_phone=mask_found(number, phone, phones),
    )
