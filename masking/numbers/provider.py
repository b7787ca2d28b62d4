"""Where numbers come from: what that means for who may dial them, and the port of providers that bind each call.

With a switch of our own every call is asked about (`/v1/calls/route`). A foreign provider connects whom it was told to: its
printed extensions (AXE) connect anybody who dials. So a call is bound one by one instead: for two minutes, from this
courier's phone to this recipient's, over a main number that is nobody's in between.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, final

from masking.numbers.pool import REST, REST_OF_OPEN_LINES
from masking.numbers.pushes import BadSignature, ReportRecord
from masking.values.plaintext import Plain
from masking.words.alarms import AlarmKind
from masking.words.reasons import Reason

PROVIDER = "number-provider"
"""Who is on the ledger where a provider is told both phones, and where it tells what became of the call."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where slots come from.

    Attributes:
        authorises_each_call: whether somebody of ours is asked before each call is connected. Where nobody is, whoever
            dials main number and extension reaches the recipient, from any phone, as long as the number is leased.
    """

    authorises_each_call: bool

    @property
    def rest(self) -> timedelta:
        """How long a released slot of this origin cools down."""
        return REST if self.authorises_each_call else REST_OF_OPEN_LINES


ORIGINS = {
    "own-switch": Origin(authorises_each_call=True),
    "demo": Origin(authorises_each_call=True),
    "aliyun-axe": Origin(authorises_each_call=False),
}
"""By the name that slots are imported under."""


@final
@dataclass(frozen=True, slots=True)
class Bound:
    """The provider connects the two until then; `subscription` is its name for that."""

    main: str
    subscription: str


@final
@dataclass(frozen=True, slots=True)
class Failed:
    """Not bound, and why; or, if not `known`, perhaps bound: that can't be told before it is looked up.

    `gone` where the provider answers that there is no such binding.
    """

    reason: Reason
    known: bool = True
    retry_after: int | None = None
    gone: bool = False


class NumberProvider(Protocol):
    """A provider that connects two phones over one of its main numbers for a while. It never sees a name or an address."""

    @property
    def mains(self) -> Sequence[str]:
        """The main numbers that are ours there, and used for nothing else."""

    @property
    def fault(self) -> AlarmKind | None:
        """Why this provider connects no call now, where that is the operator's to put right; by its last answer."""

    def bind(self, main: str, a: Plain, b: Plain, until: datetime, call: str) -> Bound | Failed:
        """Let phone `a` reach phone `b` by dialling `main`; `call` comes back in reports. Never raises, never repeats.

        Phones are as in `Connect.to`: "+8613800000001", "+8657180000002;ext=301".
        """

    def unbind(self, main: str, subscription: str) -> bool:
        """End a binding; True once it is known to be gone, also if it was gone before."""

    def subscriptions(self, main: str) -> set[str] | None:
        """All that is bound over a main number now; None if the provider doesn't say."""

    def told(self, signature: str | None, body: bytes) -> list[ReportRecord] | BadSignature:
        """What this provider tells of calls, if the signature shows that it does; fails closed without a key.

        Raises:
            InputError: the body is signed, and in no form of this provider's.
        """

    @property
    def acknowledgement(self) -> Mapping[str, object]:
        """What this provider has to hear, as a JSON object, to push those records no more."""
