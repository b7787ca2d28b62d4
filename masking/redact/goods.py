"""The category word that replaces a goods text, so that parcels can't be picked by their content.

Sensitive goods (health, intimate, for children) get the same neutral word as unknown goods.
"""

from __future__ import annotations

import re

from masking.redact.health import is_about_health

NEUTRAL = "物品"

_SENSITIVE = re.compile(
    "药|医|病|营养品|保健|血糖|血压|胰岛素|避孕|孕|情趣|成人用品|安全套|计生|尿|卫生巾|假发|轮椅|助听|奶粉|婴|儿童|验孕|减肥|丰胸|壮阳|戒烟|安眠|抑郁"
)
_KINDS = (
    (re.compile("合同|文件|证|发票|档案|票据"), "文件"),
    (re.compile("书|教材|杂志|字典|卷子|試卷|試題|book", re.IGNORECASE), "图书"),
    (re.compile("衣|衫|裤|裙|鞋|帽|袜|围巾|手套|T恤|服装|背包|书包|clothes|shoes", re.IGNORECASE), "服饰"),
    (re.compile("食|零食|茶|酒|咖啡|水果|干果|饼|米|面|油|肉|鱼|虾|蟹|糖|巧克力|奶|food|tea", re.IGNORECASE), "食品"),
    (re.compile("手机|耳机|电脑|相机|键盘|鼠标|充电|数据线|硬盘|平板|phone|laptop", re.IGNORECASE), "数码"),
    (re.compile("被|枕|床|灯|锅|碗|杯|桌|椅|柜|窗帘|毛巾|花瓶|家具"), "家居"),
    (re.compile("文具|笔|本子|纸"), "文具"),
    (re.compile("玩具|积木|拼图|模型|toy", re.IGNORECASE), "玩具"),
    (re.compile("化妆|口红|面膜|防晒|洗发|护肤|香水"), "洗护"),
)
WORDS = frozenset({NEUTRAL, *(kind for _, kind in _KINDS)})
"""All category words. They are never treated as a person's name, even where a person has that name."""


def is_sensitive(text: str) -> bool:
    """Whether a goods text mentions health, intimate goods or goods for children."""
    return bool(_SENSITIVE.search(text)) or is_about_health(text)


def category(text: str) -> str:
    """The category word of a goods text: `NEUTRAL` if the goods are sensitive or unknown, empty if the text is blank."""
    if not text.strip():
        return ""
    if not is_sensitive(text):
        for words, kind in _KINDS:
            if words.search(text):
                return kind
    return NEUTRAL
