"""Masking addresses and whole labels: against keep-first masks, jionlp's and cpca's parsers.

`addresses_per_second`: 400 distinct addresses of ten forms, each read and masked. `labels_per_second`: whole orders, both
parties, goods and remark, masked and checked against the order; distinct recipients, one sender a hundred. `over_keep_first`:
how much slower than cutting after ten characters, which is what the usual mask does and hides no door for sure.
`over_jionlp`, `over_cpca`: their parsers' time over ours on the same addresses; they name regions and hide nothing.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path

import cpca
import jionlp

from benchmarks.measure import once, rate, ratio
from masking.redact.addresses import mask_address
from masking.redact.view import mask_orders
from masking.values.plaintext import Order, Party

WAYS = (
    "浙江省杭州市西湖区文三路{n}号东部软件园{b}号楼{u}单元{r}室",
    "上海市徐汇区漕溪北路{n}弄{b}号{r}室",
    "河北省保定市高碑店市方官镇李家庄村{u}组{b}号",
    "广东省深圳市南山区科苑路{n}号讯美科技广场{b}栋{r}",
    "湖北省武汉市洪山区珞喻路{n}号喻园小区{b}-{u}-{r}",
    "黑龙江省哈尔滨市南岗区西大直街{n}号{b}栋{u}单元{r}",
    "山东省青岛市市北区辽宁路{n}号电子信息城{u}楼D{b}摊位",
    "四川省成都市武侯区人民南路四段{n}号商鼎国际2期{u}栋A座{r}",
    "新疆维吾尔自治区乌鲁木齐市天山区解放南路{n}号",
    "贵州省贵阳市云岩区中华北路地铁3号线出口旁便利店{n}",
)
ADDRESSES = [
    WAYS[n % len(WAYS)].format(n=n + 1, b=n % 38 + 1, u=n % 6 + 1, r=(n % 30 + 1) * 100 + n % 9 + 1) for n in range(400)
]
SENDER = Party(name="示例书店", phone="0571-80000002", address="浙江省杭州市西湖区文三路90号东部软件园5号楼301室")
REMARKS = ("", "请放门卫，谢谢", "到了打电话13900000033", "不要放快递柜")
ORDERS = [
    Order(
        reference=f"B-{n}",
        recipient=Party(name=f"样例{chr(0x4E00 + n)}", phone=f"1380000{n:04}", address=address),
        sender=SENDER,
        goods="书",
        remark=REMARKS[n % 4],
    )
    for n, address in enumerate(ADDRESSES[:100])
]
DATA = Path(__file__).parent.parent / "masking" / "redact" / "data"


def ours() -> None:
    """Our own figures."""
    rate("addresses_per_second", lambda: [mask_address(text) for text in ADDRESSES], len(ADDRESSES), "addresses/s")
    rate("labels_per_second", lambda: mask_orders(ORDERS), len(ORDERS), "labels/s")
    ratio(
        "over_keep_first",
        lambda: [mask_address(text) for text in ADDRESSES],
        lambda: [text[:10] + "*" * (len(text) - 10) for text in ADDRESSES],
    )
    once("import_seconds", _import_seconds(), "s")
    once("data_megabytes", sum(path.stat().st_size for path in DATA.iterdir()) / 1e6, "MB")


def _import_seconds() -> float:
    """Median processor time of a fresh process that imports the rules and masks one address, less that of an empty one."""
    work = "from masking.redact.view import mask_order; from masking.redact.regions import find_region; find_region('杭州市')"
    clock = "import time; start = time.process_time(); {}; print(time.process_time() - start)"

    def run(code: str) -> float:
        done = subprocess.run([sys.executable, "-c", clock.format(code)], capture_output=True, text=True, check=True)
        return float(done.stdout)

    return statistics.median(run(work) for _ in range(9))


def peers() -> None:
    """The parsers that others use as masks."""
    few = ADDRESSES[:10]
    jionlp.parse_location(few[0])  # loads its dictionaries
    cpca.transform(few)
    ratio(
        "over_jionlp",
        lambda: [jionlp.parse_location(t) for t in few],
        lambda: [mask_address(t) for t in few],
        rounds=12,
    )
    ratio("over_cpca", lambda: cpca.transform(few), lambda: [mask_address(t) for t in few], rounds=12)


if __name__ == "__main__":
    ours()
    peers()
