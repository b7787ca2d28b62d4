"""Act two: the parcel travels, and each person sees only what the next step needs."""

from __future__ import annotations

import json

from masking.access.duty import UNKNOWN, Purpose
from masking.errors import MaskingError
from masking.steps.assign import Assign, assign
from masking.steps.call import Call, call
from masking.steps.deliver import Deliver, deliver
from masking.steps.resolve import Resolve, resolve
from masking.steps.route import Route, route
from masking.steps.scan import Scan, scan
from masking.store.rows import budgets
from masking.values.json import outcome_to_json
from masking.values.outcomes import Assigned, Delivered, Dial
from masking.values.plaintext import Connect, Grant, Plain
from masking.values.printable import Refusal

from .before import Plot
from .stage import PHONES, Stage


def deliver_parcels(stage: Stage, plot: Plot) -> None:
    """Receive, assign, look, call and deliver, while others try to get data."""
    data, order = plot.labels[0], plot.orders[0]
    stage.scene("派送：谁能看到什么", "On the way: who sees what")
    world, store, cast = stage.world, stage.store, stage.people
    scan(world, store, [Scan(actor=cast["receiver"], what=e.waybill_number, kind="arrived") for e in plot.labels])
    given = assign(
        world,
        store,
        [Assign(actor=cast["dispatcher"], what=e.waybill_number, courier="courier-7") for e in plot.labels],
    )
    stage.say(
        f"网点收到 {len(given)} 件，派给 7 号快递员",
        f"the outlet receives {len(given)} parcels and assigns them to courier 7",
        true=all(isinstance(each, Assigned) for each in given),
    )
    [grant] = _look(stage, "courier-7", [data.code])
    phone = order.recipient.phone.reveal()
    seen = {name: plain.reveal() for name, plain in grant.fields.items()} if isinstance(grant, Grant) else {}
    stage.log.info("%r", grant)
    stage.say(
        "7 号快递员扫码：看到门牌和姓氏，看不到电话",
        "courier 7 scans: sees the door and the surname, and no phone",
        true=seen.get("recipient.address") == order.recipient.address.reveal()
        and "recipient.surname" in seen
        and phone not in "".join(seen.values()),
    )
    stage.show("  ".join(seen.values()))
    forged = data.code[:-1] + ("1" if data.code[-1] == "0" else "0")
    [other], [fake] = _look(stage, "courier-8", [data.code]), _look(stage, "courier-8", [forged])
    stage.say(
        "8 号快递员扫同一张：和伪造的码得到一样的字节",
        "courier 8 scans the same label: the same bytes as for a forged code",
        true=other == UNKNOWN and isinstance(fake, Refusal) and _bytes(UNKNOWN) == _bytes(fake),
    )
    _calls(stage, data.code, phone)
    _insider(stage, plot)
    _photographer(stage, plot)
    done = deliver(world, store, [Deliver(actor=cast["courier-7"], code=data.code)])
    [after] = _look(stage, "courier-7", [data.code])
    stage.say(
        "签收之后再看：拒绝",
        "delivered, looked at again: refused",
        true=isinstance(done[0], Delivered) and isinstance(after, Refusal),
    )


def _look(stage: Stage, who: str, codes: list[str]) -> list[Grant | Refusal]:
    asked = [Resolve(actor=stage.people[who], code=code, purpose=Purpose.DELIVER) for code in codes]
    return resolve(stage.world, stage.store, asked)


def _bytes(refusal: Refusal) -> bytes:
    return json.dumps(outcome_to_json(refusal)).encode()


def _calls(stage: Stage, code: str, phone: str) -> None:
    [dial] = call(stage.world, stage.store, [Call(actor=stage.people["courier-7"], code=code)])
    if not isinstance(dial, Dial):
        raise MaskingError(f"no number to dial: {dial.reason}" if isinstance(dial, Refusal) else "no number to dial")
    stage.log.info("%r", dial)

    def ring(caller: str) -> Dial | Connect | Refusal:
        asked = Route(
            actor=stage.people["switch"], caller=Plain(caller), main=dial.number.main, extension=dial.number.extension
        )
        return route(stage.world, stage.store, [asked])[0]

    stranger, connected = ring("13900009999"), ring(PHONES["courier-7"])  # the stranger while the intent is open
    stage.say(
        f"拨 {dial.number}：接通收件人，双方都看不到对方号码",
        f"dialling {dial.number} calls the recipient; neither side sees the other's number",
        true=isinstance(connected, Connect)
        and connected.to.reveal().endswith(phone[-11:])
        and phone[-11:] not in connected.shown
        and PHONES["courier-7"] not in connected.shown,
    )
    stage.say(
        "陌生人拨同一个号码：不接通",
        "a stranger dials the same number: not connected",
        true=isinstance(stranger, Refusal),
    )


def _insider(stage: Stage, plot: Plot) -> None:
    real = [each.waybill_number for each in plot.labels]
    numbers = real + [f"YT{n:012}" for n in range(500 - len(real))]
    answers = [answer for n in range(0, 500, 20) for answer in _look(stage, "insider", numbers[n : n + 20])]
    with stage.store.transaction() as tx:
        alarms = [kind for _, kind, actor in budgets.alarms(tx) if actor == "insider"]
    got = sum(isinstance(answer, Grant) for answer in answers)
    stage.say(
        f"内鬼按单号查 500 票：得到 {got} 票，报警 {len(alarms)} 次",
        f"an insider asks for 500 waybill numbers: gets {got}, and raises {len(alarms)} alarm",
        true=got == 0 and alarms == ["too-many-refusals"],
    )


def _photographer(stage: Stage, plot: Plot) -> None:
    codes = [each.code for each in plot.labels[:6]]  # three refusals for each: fewer than would lock the login
    scans = [Scan(actor=stage.people["photographer"], what=code, kind="collected") for code in codes]
    answers = [
        *_look(stage, "photographer", codes),
        *scan(stage.world, stage.store, scans),
        *_look(stage, "photographer", codes),
    ]
    gained = sum(answer != UNKNOWN for answer in answers)
    [rightful] = _look(stage, "courier-7", codes[-1:])
    stage.say(
        f"有人拍下 {len(codes)} 张面单，用自己的账号看、扫、再看：得到 {gained} 条，派件的快递员不受影响",
        f"a courier of another outlet photographs {len(codes)} labels, looks, scans and looks again: gets {gained}, and "
        "does not block the right courier",
        true=gained == 0 and isinstance(rightful, Grant),
    )
