"""Act one: orders come in, labels go out."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from PIL import Image

from masking.redact.compliance import find_leaks
from masking.steps.checkout import Checkout, checkout
from masking.steps.label import Label, label
from masking.values.plaintext import FIELDS, Order
from masking.values.printable import LabelData, Rejected, Waybill
from print_templates.preview import picture
from print_templates.read import rasterise, read_pdf
from print_templates.render import Printed, render

from ..importing.explaining import rule_of
from ..importing.orders import Parcel, RowFault
from ..language import say
from .orders import unmasked
from .stage import Stage
from .sweep import SHORTEST


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """The result of act one for the others: entered orders, their waybills and labels, in the same order."""

    orders: list[Order]
    waybills: list[Waybill]
    labels: list[LabelData]

    @property
    def canaries(self) -> list[str]:
        """Strings of the orders that must not be found any more: whole fields, their hidden parts, phones' digits."""
        found = set()
        for order, waybill in zip(self.orders, self.waybills, strict=True):
            shown = waybill.masked.fields() if waybill.masked else {}
            for name, value in order.fields().items():
                text = value.reveal()
                if name not in shown or shown[name].text == text:
                    continue
                same_length = len(shown[name].text) == len(text)
                parts = [text[start:end] for start, end in shown[name].hidden] if same_length else []
                parts = [part for part in parts if not part.isascii()]  # four digits also occur in other numbers
                digits = "".join(ch for ch in text if ch.isdecimal()) if name.endswith("phone") else ""
                found |= {each for each in (text, digits, *parts) if len(each) >= SHORTEST}
        return sorted(found)


def checkout_and_labels(stage: Stage, parcels: Sequence[Parcel], faults: Sequence[RowFault]) -> Plot:
    """Check the file's orders out, list its bad rows, show one before and after, print the labels and read them back."""
    stage.scene("下单：把收件人的信息换掉", "Checkout: the recipient's data is replaced")
    shop = stage.people["shop"]
    orders = [each.order for each in parcels]
    outcomes = checkout(stage.world, stage.store, [Checkout(merchant=shop, order=order) for order in orders])
    taken = [(o, w) for o, w in zip(orders, outcomes, strict=True) if isinstance(w, Waybill)]
    rejected = [
        *faults,
        *(
            RowFault(rows=each.rows, field=outcome.field, rule=outcome.rule)
            for each, outcome in zip(parcels, outcomes, strict=True)
            if isinstance(outcome, Rejected)
        ),
    ]
    rejected.sort(key=lambda fault: fault.rows)
    entered = len(parcels) + len(faults)
    stage.log.info("%r %r", orders, [w.id for _, w in taken])
    stage.say(
        f"{entered} 个订单，{len(taken)} 个已脱敏，{len(rejected)} 个退回",
        f"{entered} orders: {len(taken)} masked, {len(rejected)} rejected",
        true=len(taken) + len(rejected) == entered and len(taken) >= 30 and len(rejected) == 3,
    )
    for fault in rejected:
        stage.show(say(f"row {fault.rows[0]}: {fault.field}: {rule_of(fault.rule)}"))
    stage.say(
        "收寄双方都满足国标：姓名、电话六位、楼栋单元房号都已隐藏",
        "both parties are masked as GB/T 41833 asks: name, six digits, building, unit and room",
        true=not any(w.masked is None or find_leaks(w.masked, o) for o, w in taken),
    )
    again = checkout(stage.world, stage.store, [Checkout(merchant=shop, order=order) for order, _ in taken])
    stage.say(
        "同一批订单再来一遍：还是那些运单，没有新增",
        "the same orders again: the same waybills, nothing new",
        true=[w.id for _, w in taken] == [w.id for w in again if isinstance(w, Waybill) and not w.created],
    )
    plot = Plot(orders=[o for o, _ in taken], waybills=[w for _, w in taken], labels=_labels(stage, taken))
    _write_tables(stage, plot, rejected)
    _before_after(stage, plot)
    return plot


def _labels(stage: Stage, taken: list[tuple[Order, Waybill]]) -> list[LabelData]:
    asked = [Label(actor=stage.people["shop"], id=w.id, job="demo", station="shop-1") for _, w in taken]
    labels = [each for each in label(stage.world, stage.store, asked) if isinstance(each, LabelData)]
    rendered = render(labels, template="100x180", to="pdf")
    (stage.folder / "labels.pdf").write_bytes(rendered.data)
    stage.say(
        f"{len(labels)} 张面单，逐张通过放行检查",
        f"{len(labels)} labels, each one through the release gate",
        true=len(labels) == len(taken) and all(isinstance(each, Printed) for each in rendered.outcomes),
    )
    pages = read_pdf(rendered.data)
    stage.say(
        "独立解码器读回每一页的条码和二维码",
        "an independent decoder reads the barcode and the QR back from every page",
        true=[sorted(set(page.codes)) for page in pages] == [sorted({e.waybill_number, e.code}) for e in labels],
    )
    return labels


def _write_tables(stage: Stage, plot: Plot, rejected: Sequence[RowFault]) -> None:
    with (stage.folder / "masked.csv").open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["order_number", "waybill", "virtual_number", *FIELDS])
        for waybill in plot.waybills:
            view = waybill.masked.fields() if waybill.masked else {}
            writer.writerow([waybill.reference, waybill.id, waybill.number, *(view[name].text for name in FIELDS)])
    with (stage.folder / "rejected.csv").open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["row", "field", "rule"])
        writer.writerows((fault.rows[0], fault.field, fault.rule) for fault in rejected)


def _before_after(stage: Stage, plot: Plot) -> None:
    order, waybill, data = plot.orders[0], plot.waybills[0], plot.labels[0]
    view = waybill.masked.fields() if waybill.masked else {}
    for name in ("recipient.name", "recipient.phone", "recipient.address"):
        stage.show(f"{order.fields()[name].reveal()}  →  {view[name].text}")
    stage.show(f"→  {waybill.number}")
    was = picture(unmasked(data, order), "100x180")
    now = rasterise((stage.folder / "labels.pdf").read_bytes(), 0, 203.2)
    both = Image.new("L", (was.width + now.width + 48, max(was.height, now.height) + 32), 208)
    both.paste(was, (16, 16))
    both.paste(now, (was.width + 32, 16 + was.height - now.height))
    both.save(stage.folder / "before-after.png")
