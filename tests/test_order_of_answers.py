"""What is asked first and told last: who has no duty learns nothing, not by words, not by what the store is asked.

Authentic caller, authentic code, then existence and duty in one, and only then reasons with names.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import time
from collections import Counter
from dataclasses import replace

import pytest
import sqlalchemy as sa

from api.service.batching import Batcher
from masking.access.duty import UNKNOWN, Purpose
from masking.crypto.encoding import base32
from masking.crypto.index import waybill_id_of
from masking.crypto.labelcode import PREFIX
from masking.database import schema
from masking.ledger.log import decode
from masking.steps.assign import Assign, assign
from masking.steps.call import Call, call
from masking.steps.deliver import Deliver, deliver
from masking.steps.look import Look, look
from masking.steps.resolve import Resolve, resolve
from masking.steps.retire import Destroy, SealAway, retire
from masking.steps.scan import Scan, scan
from masking.store.rows import budgets, people
from masking.values.json import outcome_to_json
from tests.support.parcels import check_out, print_label
from tests.support.people import COURIER, DISPATCHER, OPERATOR, OTHER_COURIER
from tests.support.running_service import load_parcels_on_van

FAR = replace(DISPATCHER, id="hz-01-clerk", unit="hz-01")
STEPS = {
    "resolve": (resolve, lambda code: Resolve(actor=OTHER_COURIER, code=code, purpose=Purpose.DELIVER)),
    "resolve to collect": (resolve, lambda code: Resolve(actor=OTHER_COURIER, code=code, purpose=Purpose.COLLECT)),
    "look": (look, lambda code: Look(actor=OTHER_COURIER, code=code)),
    "call": (call, lambda code: Call(actor=OTHER_COURIER, code=code)),
    "scan": (scan, lambda code: Scan(actor=OTHER_COURIER, what=code, kind="attempted")),
    "scan with a name": (
        scan,
        lambda code: Scan(actor=OTHER_COURIER, what=code, kind="collected", event=f"e{code[-6:]}"),
    ),
    "deliver": (deliver, lambda code: Deliver(actor=OTHER_COURIER, code=code)),
}


def shape(value: object) -> object:
    """What a listener sees of a value in encrypted traffic."""
    if isinstance(value, dict):
        return {name: shape(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [shape(each) for each in value]
    return type(value).__name__, len(value) if isinstance(value, bytes | str) else None


def recorded(store, act):
    """What `act` returned, and all that both databases were asked, word for word, commits too; values by their shape."""
    asked: list[object] = []
    engines = {"data": store.data, "keys": store.keys.engine}

    def statement(name):
        return lambda _connection, _cursor, text, values, _context, many: asked.append(
            (name, text, shape(values), many)
        )

    listeners = [(engine, "before_cursor_execute", statement(name)) for name, engine in engines.items()]
    listeners += [(e, "commit", lambda _, name=name: asked.append((name, "COMMIT"))) for name, e in engines.items()]
    listeners += [(e, "rollback", lambda _, name=name: asked.append((name, "ROLLBACK"))) for name, e in engines.items()]
    for each in listeners:
        sa.event.listen(*each)
    try:
        return act(), asked
    finally:
        for each in listeners:
            sa.event.remove(*each)


@pytest.fixture
def nothing_for_you(world, store, order):
    """Label codes that are authentic and mean nothing to the courier who scans them, by what is behind them."""
    yours, destroyed, sealed = load_parcels_on_van(world, store, 3)
    fresh = print_label(world, store, check_out(world, store, order()))
    ids = [waybill_id_of(code[0]) for code in store.read_codes([destroyed.code, sealed.code], world, world.now())]
    retire(world, store, [Destroy(actor=OPERATOR, id=ids[0], reason="test"), SealAway(actor=OPERATOR, id=ids[1])])
    return {
        "never issued": store.write_code(world.record_id(world.now()), 1, world, world.now()),
        "destroyed": destroyed.code,
        "sealed away": sealed.code,
        "somebody else's": yours.code,
        "nobody's yet": fresh.code,
    }


@pytest.mark.parametrize("name", STEPS)
def test_actor_without_a_duty_gets_the_same_bytes_and_statements(store, world, nothing_for_you, name):
    step, ask = STEPS[name]
    step(world, store, [ask(nothing_for_you["somebody else's"])])  # the day's keys and counts are there
    heard = {
        what: recorded(store, lambda code=code: step(world, store, [ask(code)]))
        for what, code in nothing_for_you.items()
    }
    assert {json.dumps(outcome_to_json(answer)) for [answer], _ in heard.values()} == {
        '{"outcome": "refused", "reason": "unknown", "retry_after": null}'
    }
    _, expected = heard["never issued"]
    assert ("data", "COMMIT") in expected
    for what, (_, asked) in heard.items():
        assert asked == expected, what


OUTLETS = {
    "scan": (scan, lambda what: Scan(actor=FAR, what=what, kind="arrived")),
    "assign": (assign, lambda what: Assign(actor=FAR, what=what, courier=COURIER.id)),
}


@pytest.mark.parametrize("name", OUTLETS)
def test_outlet_hears_after_the_same_statements_whether_a_number_is_used(store, world, order, name):
    step, ask = OUTLETS[name]
    with store.transaction() as tx:
        people.enrol(world, store.keys, tx, FAR, world.now())
    parcel, gone = (check_out(world, store, order(each)) for each in ("A-1", "A-2"))
    retire(world, store, [Destroy(actor=OPERATOR, id=gone.id, reason="test")])
    numbers = {"unused": "YT999999999999", "not yours": parcel.waybill_number, "destroyed": gone.waybill_number}
    step(world, store, [ask(numbers["unused"])])  # the day's keys and counts are there
    heard = {
        what: recorded(store, lambda number=number: step(world, store, [ask(number)]))
        for what, number in numbers.items()
    }
    wanted = [each[:2] for each in heard["unused"][1]]
    assert sum("INSERT INTO leaf" in text for _, text in wanted) == 1
    for what, (answers, asked) in heard.items():
        assert answers == [UNKNOWN]
        assert [each[:2] for each in asked] == wanted, what


@pytest.mark.parametrize("name", STEPS)
def test_requests_without_a_duty_are_answered_by_one_group_commit(store, world, nothing_for_you, name):
    step, ask = STEPS[name]

    async def together():
        batcher = Batcher(step, world, store, max_items=99, max_queued=99)
        asked = [batcher.submit_many([ask(code)], None) for code in nothing_for_you.values()]
        answers = await asyncio.gather(*asked)
        await batcher.close()
        return [answer for [answer] in answers]

    answers, asked = recorded(store, lambda: asyncio.run(together()))
    assert answers == [UNKNOWN] * len(nothing_for_you)
    assert asked.count(("data", "COMMIT")) == 1
    assert not [each for each in asked if each[1] == "ROLLBACK" and each[0] == "data"]


def test_only_the_duty_holder_gets_specific_reasons(store, world, nothing_for_you):
    code = nothing_for_you["somebody else's"]
    for purpose in Purpose:
        assert resolve(world, store, [Resolve(actor=OTHER_COURIER, code=code, purpose=purpose)]) == [UNKNOWN]
    [named] = resolve(world, store, [Resolve(actor=COURIER, code=code, purpose=Purpose.RETURN)])
    assert named.reason == "wrong-leg"


FORGED = 1_000_000 if os.environ.get("LONG") else 10_000


def test_forged_codes_are_refused_without_a_query_about_a_parcel(store, world):
    """Half are made of random bytes, half are a real label's with one character changed. LONG=1 tries a million."""
    [real] = load_parcels_on_van(world, store, 1)
    dice, alphabet = random.Random(7), sorted(set(real.code[len(PREFIX) :]))

    def forged() -> str:
        if dice.random() < 0.5:
            return PREFIX + base32(b"\x01" + dice.randbytes(34))
        at = dice.randrange(len(PREFIX), len(real.code))
        other = dice.choice([each for each in alphabet if each != real.code[at]])
        return real.code[:at] + other + real.code[at + 1 :]

    asked, tables, began = Counter(), set(), time.monotonic()
    for _ in range(FORGED // 1000):
        batch = [Resolve(actor=COURIER, code=forged(), purpose=Purpose.DELIVER) for _ in range(1000)]
        answers, said = recorded(store, lambda batch=batch: resolve(world, store, batch))
        assert {each.reason for each in answers} <= {"unknown", "locked"}
        asked += Counter(text for name, text, *rest in said if rest)
        tables |= {each for _, text, *rest in said if rest for each in re.findall(r"(?:FROM|INTO|UPDATE) (\w+)", text)}
    assert tables <= {"person", "budget", "leaf", "alarm", "assignment", "unnest"}
    for text, times in asked.items():
        assert times <= FORGED // 1000, text
    assert sum(times for text, times in asked.items() if "assignment" in text) <= 1  # what is carried into the day
    with store.transaction() as tx:
        left = budgets.open_tallies(tx, [COURIER.id], world.now())[COURIER.id].unreported_refusals
        told = list(map(decode, tx.execute(sa.select(schema.leaf.c.body)).scalars()))
    told = [int(leaf.detail["count"]) for leaf in told if leaf.kind == "refusal-count"]
    assert len(told) == 1  # one a minute, and the clock stands still
    assert sum(told) + left == FORGED
    print(
        f"\n{FORGED} forged codes: 0 accepted, {sum(asked.values())} statements for {FORGED // 1000} requests of 1000,"
    )
    print(f"none of them about a parcel, {len(told)} leaf; {(time.monotonic() - began) / FORGED * 1e6:.0f} us each")
