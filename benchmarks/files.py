"""A merchant's file through `waybill mask`, embedded: end to end against `checkout` alone, memory, and the labels' share.

`import_over_checkout`: reading a CSV, entering it and writing the masked and rejected rows, over `checkout` of the same
kind of orders, ready made, in batches of the same size; processor time, labels apart. `rows_per_second`,
`peak_megabytes` and `labels_share_of_time` come from the real command in a process of its own, on 100,000 rows with
LONG=1 and 5,000 without (the figure says how many); every row is checked to be in the answer.
"""

from __future__ import annotations

import csv
import io
import itertools
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from api.importing.importing import BATCH
from api.importing.job import ImportJob, run_job
from api.importing.layout import Answers, understand
from api.importing.orders import parcels, survey
from api.importing.pasted import SURE
from api.importing.printing import print_labels
from api.importing.table import readings
from benchmarks.measure import once, ratio
from masking.connection import Shop, connect
from masking.values.plaintext import Order
from masking.values.printable import Waybill

LONG = bool(os.environ.get("LONG"))
ROUNDS = 6
ROWS = 100_000 if LONG else 5_000
HEAD = [
    "order_number",
    "waybill_number",
    "routing_code",
    "recipient_name",
    "recipient_phone",
    "recipient_address",
    "sender_name",
    "sender_phone",
    "sender_address",
    "goods",
    "remark",
]
SURNAMES, GIVEN = "王李张刘陈杨赵黄周吴", ("测试", "样例", "虚构", "试用")
SENDER = ("样例店", "13700000002", "浙江省杭州市西湖区文三路90号5号楼301室")


def rows(count: int, series: str) -> Iterator[list[str]]:
    """Orders of people who do not exist: distinct recipients, one sender, a remark on every fifth."""
    for n in range(count):
        yield [
            f"{series}-{n}",
            f"YT{series}{n:09}",
            "301-007-00 013",
            SURNAMES[n % 10] + GIVEN[n // 10 % 4],
            f"138{n:08}",
            f"上海市浦东新区世纪大道{n % 900 + 1}号{n % 30 + 1}栋{n % 6 + 1}单元{n % 28 + 1}0{n % 4 + 1}室",
            *SENDER,
            "书",
            "请放门卫" if n % 5 == 0 else "",
        ]


def write(path: Path, count: int, series: str) -> Path:
    """The rows as a CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(itertools.chain([HEAD], rows(count, series)))
    return path


def prepared(folder: Path, count: int, series: str) -> ImportJob:
    """A job on a file of its own, ready to run."""
    path = write(folder / f"{series}.csv", count, series)
    layout = understand(readings(path), Answers())
    found, out = survey(layout), folder / "out"
    return ImportJob(path=path, folder=out, layout=layout, survey=found, confidence=SURE, template=None, overwrite=True)


def mask(shop: Shop, job: ImportJob) -> None:
    """Everything that the command does with a file but labels."""
    layout = understand(readings(job.path), Answers())
    result = run_job(shop, replace(job, layout=layout, survey=survey(layout)), io.StringIO())
    if result.taken["new"] != job.survey.orders:
        raise SystemExit("not every row was entered")


def checkout(shop: Shop, orders: list[Order]) -> None:
    """The same work without a file."""
    if not all(isinstance(each, Waybill) and each.created for each in shop.checkout(orders)):
        raise SystemExit("not every order was taken")


def over_checkout(folder: Path) -> None:
    """A thousand rows a call, never the same twice: one call to warm up and one a round, the lower side twice."""
    series = (f"{n:04}" for n in itertools.count())
    jobs = iter([prepared(folder, BATCH, next(series)) for _ in range(ROUNDS + 1)])
    others = [prepared(folder, BATCH, next(series)) for _ in range(2 * ROUNDS + 2)]
    orders = iter([[parcel.order for parcel in parcels(job.layout, {}, confidence=SURE)] for job in others])
    with connect(folder / "one") as shop:
        ratio(
            "import_over_checkout", lambda: mask(shop, next(jobs)), lambda: checkout(shop, next(orders)), rounds=ROUNDS
        )


def labels_share(folder: Path) -> None:
    """The labels' part of the processor time of a whole run."""
    job = prepared(folder, BATCH, "5000")
    with connect(folder / "two") as shop:
        start = time.process_time()
        mask(shop, job)
        entered = time.process_time()
        ids = [shop.find(reference=f"5000-{n}")[0].id for n in range(BATCH)]
        found = time.process_time()
        prints = print_labels(shop, ids, job="bench", folder=folder, template="100x180", step=lambda _: None)
        printed = time.process_time() - found
    if prints.printed != BATCH:
        raise SystemExit("not every label was printed")
    once("labels_share_of_time", printed / (printed + entered - start), f"of processor time, {BATCH:,} rows")


def command(folder: Path, count: int, labels: str) -> float:
    """Seconds of the real command on a file with this many rows."""
    path = write(folder / f"{labels}.csv", count, "9999")
    words = [
        sys.executable,
        "-m",
        "api.cli",
        "mask",
        str(path),
        "--to",
        str(folder / f"of-{labels}"),
        "--labels",
        labels,
    ]
    start = time.perf_counter()
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode or f"{count:,} masked, 0 rejected" not in done.stdout:
        raise SystemExit(f"the command failed with {done.returncode}: {done.stdout}{done.stderr}")
    return seconds


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="waybill-bench-", dir=".") as name:
        over_checkout(Path(name))
        labels_share(Path(name))
        spent = command(Path(name), ROWS, "none")
        once("rows_per_second", ROWS / spent, f"rows/s, {ROWS:,} rows")
        command(Path(name), 2000, "100x180")
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        once("peak_megabytes", peak, f"MB, {ROWS:,} rows, or 2,000 with labels")
