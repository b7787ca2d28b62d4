"""Origins of virtual numbers, and the port of providers that bind each call.

The carrier's own switch asks the service about every call (`/v1/calls/route`). A foreign provider decides by itself: its printed
extensions (AXE) connect anyone who dials them. Therefore each call over such a provider gets a binding of its own: for two
minutes, from this courier's phone to this recipient's phone, over a main number that connects no one otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, final

from masking.numbers.pool import OPEN_LINE_REST, REST
from masking.numbers.pushes import BadSignature, ReportRecord
from masking.values.plaintext import Plain
from masking.words.alarms import AlarmKind
from masking.words.reasons import Reason

PROVIDER = "number-provider"
"""The actor in the ledger when a provider gets both phones, and when it reports about a call."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """An origin of slots.

    Attributes:
        authorises_each_call: whether the service is asked before each call is connected. If not, everyone who dials main
            number and extension reaches the recipient, from any phone, as long as the number is leased.
    """

    authorises_each_call: bool

    @property
    def rest(self) -> timedelta:
        """How long a released slot of this origin cools down."""
        return REST if self.authorises_each_call else OPEN_LINE_REST


ORIGINS = {
    "own-switch": Origin(authorises_each_call=True),
    "demo": Origin(authorises_each_call=True),
    "aliyun-axe": Origin(authorises_each_call=False),
}
"""The origins, by the provider name under which slots are imported."""


@final
@dataclass(frozen=True, slots=True)
class Bound:
    """A binding that the provider made. `subscription` is the provider's id of it."""

    main: str
    subscription: str


@final
@dataclass(frozen=True, slots=True)
class Failed:
    """A binding that the provider did not make, or may not have made.

    Attributes:
        reason: why.
        known: False if the binding may exist. Then look it up in `subscriptions`.
        retry_after: seconds after which a new attempt makes sense.
        gone: whether the provider answered that there is no such binding.
    """

    reason: Reason
    known: bool = True
    retry_after: int | None = None
    gone: bool = False


class NumberProvider(Protocol):
    """A provider that connects two phones over one of its main numbers for a while. It never sees a name or an address."""

    @property
    def mains(self) -> Sequence[str]:
        """The main numbers of this account. They are used for nothing else."""

    @property
    def fault(self) -> AlarmKind | None:
        """The alarm for a fault that the operator has to repair, according to the provider's last answer."""

    def bind(self, main: str, a: Plain, b: Plain, until: datetime, call: str) -> Bound | Failed:
        """Let phone `a` reach phone `b` by dialling `main`. Never raises, and sends the request at most once.

        The provider repeats `call` in its reports.

        Phones are as in `Connect.to`: "+8613800000001", "+8657180000002;ext=301".
        """

    def unbind(self, main: str, subscription: str) -> bool:
        """End a binding. Returns True if it is known to have ended now or before."""

    def subscriptions(self, main: str) -> set[str] | None:
        """The ids of all current bindings over a main number, None if the provider did not answer."""

    def parse_push(self, signature: str | None, body: bytes) -> list[ReportRecord] | BadSignature:
        """Check the signature of a push and parse its records. Returns `BadSignature` if no key is configured.

        Raises:
            InputError: the body is signed, but not in the provider's format.
        """

    @property
    def acknowledgement(self) -> Mapping[str, object]:
        """The JSON object that confirms a push to this provider, so that it does not repeat it."""
