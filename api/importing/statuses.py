"""Which rows are left out of an import because of their state: closed, refunded, not paid, or picked up by the buyer.

A shop's export has rows in every state. A label for a closed order costs a shipment, and a virtual number.
"""

from __future__ import annotations

import re

_KEPT = re.compile(
    r"[无未](?:售后|退款|取消|关闭|作废)|没有(?:售后|退款)|无需退[款货]|部分(?:退款|退货|关闭|取消)|(?:售后|退款)(?:已)?(?:取消|关闭|撤销|拒绝)"
    r"|(?:取消|撤销|拒绝)(?:售后|退款|申请)|un-?cancel|not refunded|no refund|partial(?:ly)?[ _-]?(?:refund|return|cancel|void)(?:ed|led)?",
    re.IGNORECASE,
)
"""Words that leave an order to be sent. What else the cell says still counts: 无退款，交易关闭."""
_STATION = re.compile(r"驿站|自提柜|快递柜")
"""Where a parcel is sent to, although the buyer picks it up there."""
NOT_PAID = "not-paid"
_STATES = (
    (
        "closed",
        r"交易关闭|订单关闭|已关闭|关闭|已取消|取消|作废|无效|删除|cancel|void|closed|failed|expired|trash",
    ),
    ("refunded", r"退款|退货|refund|return(?:ed|ing)|chargeback"),
    (
        NOT_PAID,
        r"待付款|未付款|待支付|未支付|等待买家付款|等待付款|unpaid|pending payment|payment pending|awaiting payment",
    ),
    (
        "self-pick-up",
        r"自提|自取|到店|门店取|上门取|无需物流|无需配送|虚拟|pick[ -]?up|collect(?:ion)? in store|in[ -]store|no shipping|digital",
    ),
)
_COMPILED = tuple((name, re.compile(words, re.IGNORECASE)) for name, words in _STATES)
STATES = tuple(name for name, _ in _STATES)
_LONGEST = 40


def reason_to_leave_out(text: str) -> str | None:
    """One of `STATES` for a cell of a status column that says that no parcel is to be sent; None for any other."""
    if not text or len(text) > _LONGEST:
        return None
    rest = _KEPT.sub(" ", text)
    found = (name for name, words in _COMPILED if words.search(rest))
    return next((name for name in found if name != "self-pick-up" or not _STATION.search(rest)), None)
