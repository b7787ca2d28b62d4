"""The models of whole answers and of problems, for the OpenAPI description."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict  # Pydantic needs it below Python 3.12

from masking.numbers.pushes import SignatureRule
from masking.values.printable import WaybillState
from masking.words.proof_rules import ProofRule
from masking.words.reasons import Reason
from masking.words.request_rules import RequestRule
from masking.words.rules import Rule

from .outcome_models import LabelOutcome, ReportOutcome, Time, Waybill
from .request_models import ID, Document

ProblemReason = StrEnum(  # type: ignore[misc]  # mypy wants literal names; these are the words of three lists
    "ProblemReason", {word.name: word.value for register in (SignatureRule, ProofRule, Reason) for word in register}
)
ProblemRule = StrEnum(  # type: ignore[misc]  # likewise, of two lists
    "ProblemRule", {word.name: word.value for register in (RequestRule, Rule) for word in register}
)
ProblemRule.__doc__ = "The rule that a request breaks as a whole: a `RequestRule` or a `Rule`."
ProblemReason.__doc__ = "Why a request is refused as a whole: a rule of proofs, of pushes' signatures, or a `Reason`."


class PushAcknowledged(Document):
    """The acknowledgement that the provider expects, and an outcome for each record."""

    code: Annotated[int, Field(examples=[0])]
    msg: Annotated[str, Field(examples=["接收成功"])]
    outcomes: list[ReportOutcome]


class Labels(Document):
    """The printed labels, and an outcome for each requested label."""

    outcomes: list[LabelOutcome]
    pdf: Annotated[
        str | None,
        Field(description="The document in base64; null if no label was printed, or `to` is not `pdf`."),
    ]
    parts: Annotated[
        list[str],
        Field(description="In a printer's language, the bytes of each printed label in base64; page 1 is the first."),
    ]


class FoundWaybills(Document):
    """A page of the matching waybills, oldest first. `next` is `after` of the next page, and null on the last one."""

    waybills: list[Waybill]
    next: Annotated[str | None, Field(examples=[ID])]


class IssuedToken(Document):
    """A token for the header `Authorization: DPoP ...` (or `Bearer`, as in `type`), and when it expires.

    `secret` gets further tokens for a program that sent its code without a proof. It is shown once.
    """

    token: str
    type: Literal["DPoP", "Bearer"]
    expires: Time
    secret: str | None


class AnnouncedLoss(Document):
    """Signed announcement of leaves that were lost in a failover or restore, and its leaf of the ledger in base64."""

    note: str
    leaf: str


class LedgerCheckpoint(Document):
    """The latest checkpoint as a C2SP signed note, the key that verifies it, and every announcement of lost leaves."""

    note: str
    key: str
    losses: list[AnnouncedLoss]


class SealingKeys(Document):
    """The directory of sealing keys, signed by the ledger's key, and the merchant to seal for."""

    note: str
    merchant: str


class ConsistencyProof(Document):
    """The hashes that prove that one ledger is the beginning of another, in base64."""

    proof: list[str]


class InclusionProof(Document):
    """The hashes that show a leaf to be in the ledger, in base64."""

    proof: list[str]


class Liveness(Document):
    """The process answers."""

    alive: bool


class Readiness(Document):
    """Whether the service is ready, and named risks and faults that an operator should know."""

    ready: bool
    risks: list[str]


class BrokenRule(TypedDict):
    """A field and the rule that it breaks. `detail` is a sentence for a person, such as the limits of a number."""

    field: str
    rule: ProblemRule
    row: NotRequired[int]
    detail: NotRequired[str]


class Problem(TypedDict):
    """A problem document of RFC 9457. `now` is the service's time, given if a proof's time was refused."""

    type: Annotated[str, Field(examples=["urn:waybill-masking:problem:input"])]
    title: str
    status: int
    reason: NotRequired[ProblemReason]
    state: NotRequired[WaybillState]
    now: NotRequired[Time]
    errors: NotRequired[list[BrokenRule]]
