"""Labels of people who do not exist, for the tests of `print_templates`."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import settings

from masking.values.printable import STAMP, LabelData, Masked, MaskedParty, MaskedView, VirtualNumber

patient = settings(deadline=None)
"""For laws over labels: the first example loads the fonts, and others share the machine."""
CODE = "WM1:0123456789ABCDEFGHJKMNPQRSTVWXYZ0123456789ABCDEFGHJKMNPQRSTVWXY"


def masked_text(text: str) -> Masked:
    """A masked text; every run of stars is hidden."""
    spans, start = [], None
    for n, char in enumerate([*text, ""]):
        if char == "*" and start is None:
            start = n
        elif char != "*" and start is not None:
            spans.append((start, n))
            start = None
    return Masked(text, tuple(spans))


def sample_view(**changes: str) -> MaskedView:
    """A stamped view; any of the eight fields may be changed (`recipient_name="..."`)."""
    texts = {
        "recipient_name": "欧阳**",
        "recipient_phone": "138******01",
        "recipient_address": "上海市浦东新区世纪大道100号*栋*单元***室",
        "sender_name": "样例*",
        "sender_phone": "137******02",
        "sender_address": "浙江省杭州市西湖区文三路90号*号楼***室",
        "goods": "图书",
        "remark": "到了请打电话***********，谢谢",
    } | changes
    fields = {name: masked_text(text) for name, text in texts.items()}
    recipient, sender = (
        MaskedParty(name=fields[f"{who}_name"], phone=fields[f"{who}_phone"], address=fields[f"{who}_address"])
        for who in ("recipient", "sender")
    )
    return MaskedView(recipient=recipient, sender=sender, goods=fields["goods"], remark=fields["remark"], stamp=STAMP)


def sample_label(n: int = 1, **changes: Any) -> LabelData:
    """A label; `n` makes it another parcel's."""
    made = LabelData(
        waybill_number=f"YT{n:012}",
        routing_code="342-081-00 052",
        code=CODE[: len(CODE) - 6] + f"{n:06}",
        view=sample_view(),
        number=VirtualNumber(main="17000000000", extension="4821", expires=datetime(2026, 12, 1, 4, 0, tzinfo=UTC)),
        print_number=1,
        job="2026-11-24-a",
        station="SH-01-3",
        printed=datetime(2026, 11, 24, 0, 30, tzinfo=UTC),
        carrier="示例快递",
    )
    return replace(made, **changes)
