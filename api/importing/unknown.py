"""Decides whether a column of unknown meaning has to be asked about, by its header and by a sample of its cells.

A column that is not used is never printed, so leaving one out is safe for the buyer. It is not safe for the parcel if the
column holds a part of the address or the buyer's wishes. So a column is asked about if it may concern a person or a place.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import final

from masking.redact.freetext import mask_text

from .pasted import is_like_a_name, is_like_an_address

_SAMPLE = 200
"""Cells of a column that are looked at."""
_SHARE = 4
"""A column is asked about if one of so many cells may be personal."""

_OF_A_PARTY = re.compile(
    r"收[件货]|提货人|寄件|发件|发货信息|姓名|联系人|电话|手机|地址|门牌|楼栋|单元|房号|小区|留言|附言|买家备注|客户备注|recipient|consignee|receiver|sender|"
    r"address|street|phone|mobile|(?:first|last|full|contact)[ _-]?name",
    re.IGNORECASE,
)


@final
class UnknownColumn:
    """What has been seen of a column of unknown meaning."""

    def __init__(self, header: str) -> None:
        self._of_a_party = _OF_A_PARTY.search(header) is not None
        self._seen = self._personal = 0

    def see(self, text: str) -> None:
        """Take a cell that is not blank into account."""
        if self._seen < _SAMPLE:
            self._seen += 1
            self._personal += is_personal(text)

    @property
    def is_blank(self) -> bool:
        """Whether no cell holds anything."""
        return not self._seen

    @property
    def may_concern_a_party(self) -> bool:
        """Whether the column may hold a part of a name, a phone or an address."""
        return not self.is_blank and (self._of_a_party or self._personal * _SHARE >= self._seen)


def is_personal(text: str) -> bool:
    """Whether a cell may hold a phone, a door, a person's name or an address."""
    return bool(mask_text(text[:_SAMPLE]).hidden) or is_like_a_name(text) or is_like_an_address(text)


def asked(columns: Sequence[tuple[int, UnknownColumn]], *, required_are_missing: bool) -> list[int]:
    """The positions to ask about: every column with content if a required field has none, else those of a party."""
    return [
        at for at, column in columns if not column.is_blank and (required_are_missing or column.may_concern_a_party)
    ]
