"""The pure tables (processor time): whether an actor may see a field of a parcel, and whether a scan may be true.

`decision_microseconds`: one `access.duty.fields_or_refusal` that grants, which asks every rule. `custody_microseconds`: one
`access.chain.may_scan` that allows an arrival from upstream. Best of seven runs of 20,000: no store, no keys, no codes.
"""

from __future__ import annotations

import json
import time
import timeit
from collections.abc import Callable
from datetime import UTC, datetime

from masking.access.chain import Leg, Where, may_scan
from masking.access.duty import Duty, Facts, Purpose, fields_or_refusal
from masking.access.people import Actor, Role
from masking.values.states import State

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
COURIER = Actor(id="courier-7", tenant="carrier", role=Role.COURIER, unit="sh-01")
CLERK = Actor(id="sh-01-receiver", tenant="carrier", role=Role.OUTLET, unit="sh-01")
FACTS = Facts(
    tenant="carrier",
    state=State.ACTIVE,
    openable=True,
    leg=Leg.DELIVERY,
    custody="collected",
    custodian_unit="sh-01",
    print_number=1,
    live_print=1,
    duty=Duty(courier="courier-7", given_by="sh-01-dispatcher", unit="sh-01", leg=Leg.DELIVERY, at=NOW),
)
ON_THE_ROAD = Where(leg=Leg.DELIVERY, custody="departed", custodian_unit="hub-1", holder="hub-1-out")
RUNS, TIMES = 7, 20_000


def measure(figure: str, work: Callable[[], object]) -> None:
    """Print one figure as a JSON line."""
    took = timeit.repeat(work, repeat=RUNS, number=TIMES, timer=time.process_time)
    value = round(min(took) / TIMES * 1e6, 2)
    print(json.dumps({"bench": "decide", "figure": figure, "value": value, "unit": "microseconds"}), flush=True)


if __name__ == "__main__":
    if isinstance(fields_or_refusal(COURIER, FACTS, Purpose.DELIVER, NOW), tuple) and may_scan(
        "arrived", ON_THE_ROAD, CLERK, "sh-01"
    ):
        measure("decision_microseconds", lambda: fields_or_refusal(COURIER, FACTS, Purpose.DELIVER, NOW))
        measure("custody_microseconds", lambda: may_scan("arrived", ON_THE_ROAD, CLERK, "sh-01"))
