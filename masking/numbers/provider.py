"""Where numbers come from, and what that means for who may dial them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import final

from masking.numbers.pool import REST, REST_OF_OPEN_LINES


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A kind of provider.

    Attributes:
        authorises_each_call: whether somebody of ours is asked before each call is connected. Where nobody is, whoever
            dials main number and extension reaches the recipient, from any phone, as long as the number is leased.
    """

    authorises_each_call: bool

    @property
    def rest(self) -> timedelta:
        """How long a released slot of this provider cools down."""
        return REST if self.authorises_each_call else REST_OF_OPEN_LINES


PROVIDERS = {
    "own-switch": Provider(authorises_each_call=True),
    "demo": Provider(authorises_each_call=True),
    "aliyun-axe": Provider(authorises_each_call=False),
}
"""By name. Aliyun's printed extensions (AXE) connect anybody; calls bound one by one (`masking.numbers.aliyun`) need no slot."""
