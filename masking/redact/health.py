"""Health and intimate goods in free texts, by a table of words.

`data/health.txt` lists conditions, medicines (generic names and their stems, as 他汀 and 沙坦), forms, devices and intimate
goods. A few words need their neighbours, since they also stand in other words (胶囊咖啡).
"""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise
from pathlib import Path

from masking.redact.spans import Span

_WITH_NEIGHBOURS = (
    r"(?<![农火山芍炸弹])药(?![店房妆膳王师都山])|胶囊(?![咖旅酒公形包])(?<!咖啡胶囊)(?<!时间胶囊)|(?<!防晒)隔离(?![霜乳衣带膜板防垫层])|试剂(?![瓶架])|[灵清热咳感敏通胃]颗粒"
    r"|软膏(?!状)|过敏(?![肌皮])|人流(?!量)|拐杖(?!糖)|缓释(?!肥)|出院(?!子)|住院(?!部[旁对门]|楼)|听力(?=[不差下障损残受])|月子(?![酒餐饼帽])|发烧(?![友音级])|老花眼(?!镜)"
    r"|(?:[钠钾酯胺啶唑平林醇芬隆松坦汀韦尼酮嗪仑洛]|酸[钙锌铁]|(?<!维生)素)(?:分散|肠溶|缓释|咀嚼|口崩|软)?(?:片|胶囊|颗粒|口服|乳膏|针)|[碳]酸钙"
    r"|(?<![毛通])病(?![毒房区床句虫历案])|[一-鿿](?<!对)症(?!结)|炎(?![热夏炎黄凉帝])|瘤|(?<!无)障碍(?![物赛])|[腿脚手臂腰]断了?|[腿脚手臂腰](?:骨折|受伤|扭)|结石|(?:血[压糖脂]|心脏|肝|肾|肺|胃|[颈腰]椎|脊柱|关节|膝盖|眼睛|耳朵|身体|腿脚|视力|听力)(?:不[好稳适便行]|有问题|疼|痛|偏?[高低]|衰|囊肿|积[水液]|骨折|炎|支架)|手术(?![刀灯台])|孕\d{1,2}周|甘草片|[去祛][痘疤斑]"
)
_CLAUSE_END = re.compile(r"[,，。;；、 !！]")


@cache
def _pattern() -> re.Pattern[str]:
    """The pattern of all words. Read once, when a text is first searched."""
    lines = Path(__file__).with_name("data").joinpath("health.txt").read_text("utf-8").splitlines()
    words = {word for line in lines if not line.startswith("#") for word in line.split()[1:]}
    latin = "|".join(sorted(word for word in words if word.isascii()))
    others = "|".join(
        map(re.escape, sorted((word for word in words if not word.isascii()), key=lambda word: (word[0], -len(word))))
    )
    return re.compile(rf"{others}|{_WITH_NEIGHBOURS}|(?<![A-Za-z])(?:{latin})(?![A-Za-z])")


def is_about_health(text: str) -> bool:
    """Whether a text mentions a condition, a medicine, a medical device or intimate goods."""
    return bool(_pattern().search(text))


def find_health(text: str) -> list[Span]:
    """The clauses of a text that mention health or intimate goods."""
    if not _pattern().search(text):
        return []
    edges = [0, *(match.end() for match in _CLAUSE_END.finditer(text)), len(text)]
    return [(a, b) for a, b in pairwise(edges) if _pattern().search(text, a, b)]
