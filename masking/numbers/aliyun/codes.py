"""Meanings of Aliyun's error codes: whether a binding may have been made, and whether the account has a fault.

Sources: the codes that begin with `isv.` or `isp.` are Aliyun's list for number protection (help.aliyun.com, document 109196;
older ones: developer.aliyun.com/ask/278519). The others come from the gateway in front of all its services
(developer.aliyun.com/ask/278265; help.aliyun.com, document 51132). The codes follow this documentation; none was tried
against Aliyun itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from masking.numbers.provider import Failed
from masking.words.alarms import AlarmKind
from masking.words.reasons import Reason


class Code(NamedTuple):
    """The meaning of an error code for the request and for the account."""

    failed: Failed
    fault: AlarmKind | None = None


BUSY = Failed(Reason.PROVIDER_BUSY, retry_after=2)
REFUSED = Failed(Reason.PROVIDER_REFUSED)
CONFLICT = Failed(Reason.PROVIDER_CONFLICT)
IN_DOUBT = Failed(Reason.PROVIDER_NO_ANSWER, known=False)

_OVERDUE = Code(REFUSED, AlarmKind.PROVIDER_ACCOUNT)
_KEY = Code(REFUSED, AlarmKind.PROVIDER_KEY)
_CLOCK = Code(REFUSED, AlarmKind.PROVIDER_CLOCK)

CODES: Mapping[str, Code] = MappingProxyType(
    {
        # number protection: nothing is bound
        "isv.FLOW_LIMIT": Code(BUSY),
        "isv.BIND_CONFLICT": Code(CONFLICT),
        "isv.NO_AVAILABLE_NUMBER": Code(CONFLICT),
        "isv.NO_USED_BY_OTHERS": Code(CONFLICT),
        "isv.MOBILE_NUMBER_ILLEGAL": Code(Failed(Reason.PROVIDER_NOT_BINDABLE)),
        "isv.SUBS_NOT_EXIST": Code(Failed(Reason.PROVIDER_REFUSED, gone=True)),
        "isv.EXPIRE_DATE_ILLEGAL": _CLOCK,
        "isv.OUT_OF_SERVICE": _OVERDUE,
        "isv.ACCOUNT_ABNORMAL": _OVERDUE,
        "isv.ACCOUNT_NOT_EXISTS": _OVERDUE,
        "isv.PRODUCT_UN_SUBSCRIPT": _OVERDUE,
        "isv.PRODUCT_UNSUBSCRIBE": _OVERDUE,
        "isv.PARTNER_IS_CLOSED": _OVERDUE,
        "isp.RAM_PERMISSION_DENY": _KEY,
        "isv.POOLKEY_NOT_EXISTS": _KEY,
        # number protection: the carrier or a part behind the interface failed, and may have bound the phones before
        "isv.VENDOR_BIND_FAILED": Code(IN_DOUBT),
        "isp.VENDOR_UNAVAILABLE": Code(IN_DOUBT),
        "isp.SYSTEM_ERROR": Code(IN_DOUBT),
        "isp.UNKNOWN_ERR_CODE": Code(IN_DOUBT),
        "isp.DAO_EXCEPTION": Code(IN_DOUBT),
        "isp.GATEWAY_ERROR": Code(IN_DOUBT),
        # the gateway: the request did not reach number protection
        "InvalidAccessKeyId.NotFound": _KEY,
        "InvalidAccessKeyId.Inactive": _KEY,
        "SignatureDoesNotMatch": _KEY,
        "IncompleteSignature": _KEY,
        "Forbidden": _KEY,
        "Forbidden.RAM": _KEY,
        "Forbidden.UserVerification": _OVERDUE,
        "Forbidden.RiskControl": _OVERDUE,
        "InsufficientBalance": _OVERDUE,
        "InvalidTimeStamp.Expired": _CLOCK,
        "InvalidTimeStamp.Format": _CLOCK,
        "IllegalTimestamp": _CLOCK,
        # a nonce is 16 random bytes: a proxy has sent the request twice, and the first copy may have bound
        "SignatureNonceUsed": Code(IN_DOUBT, AlarmKind.PROVIDER_KEY),
        "ServiceUnavailable": Code(IN_DOUBT),
        "InternalError": Code(IN_DOUBT),
    }
)
"""The codes in the sources that matter here."""


def read_code(status: int, code: str) -> Code:
    """The meaning of an error answer. An unknown code counts as a refusal only if it can't come after a binding was made."""
    if status >= 500:
        return Code(IN_DOUBT, CODES[code].fault if code in CODES else None)
    if code in CODES:
        return CODES[code]
    if code.startswith("Throttling"):
        return Code(BUSY)
    refused = code.startswith("isv.") or (status >= 400 and not code.startswith("isp."))
    return Code(REFUSED if refused else IN_DOUBT)
