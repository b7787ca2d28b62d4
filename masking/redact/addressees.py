"""Names of persons in addresses: found by the door, the phone and the words next to them.

Doors and phones are replaced by a sign each before names are searched for. Right behind a hidden door, or between it and
a phone, a few Han characters are always a name. Anywhere else a name has to begin with a surname. All spans are
spans of the normal form.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain

from masking.redact.doorwords import GONE
from masking.redact.levels import Part
from masking.redact.names import COMPOUND, SURNAME_START, SURNAME_STARTS
from masking.redact.people import LATIN_NAME, LONG_TITLES, quality_of
from masking.redact.spans import Span, joined, replaced

_DOOR = "\x1d"
_END = rf"(?=[\s{GONE}{_DOOR}\d*,，.。;；:、/|()（）\[\]【】+-]|$)"
_SEP = r"[ ,，:;；/|()\[\]【】、。_+-]"
_PHONE = rf"(?:电话|手机|联系方式|tel|mob)?号?码?[: ]{{0,2}}[(（]?{GONE}"
_TITLE = rf"(?:[ ]?(?:{LONG_TITLES}|[工姐哥])(?![一-鿿])|[ ]?(?:{LONG_TITLES}))"
_RECEIVES = rf"(?:的?(?:妈妈|爸爸|家长|家属|本人))?[ ]?(?:代?收|签收|代签|亲[启收]|转交?|启){_END}|(?:的?(?:妈妈|爸爸|家长|家属)){_END}"
_HAN = r"[一-鿿]"
_PROVINCE = r"(?=北京|天津|上海|重庆|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川|贵州|云南|陕西|甘肃|青海|台湾|内蒙古|广西|西藏|宁夏|新疆|香港|澳门)"
_DOTTED = rf"{_HAN}{{1,7}}(?:·{_HAN}{{1,7}}){{1,3}}"
_MARKED = re.compile(
    rf"(?:收货人|收件人?|联系人|请?联系(?!人)|姓名|签收人|转交?给?|请?交给?|请?找|收(?=:)|名字)[: ]{{0,3}}(?P<name>{_DOTTED}|{_HAN}{{2,4}}?)(?P<title>{_TITLE})?(?=收?{_END[3:-1]}|收|电话|手机)"
)
_SURE = re.compile(r"收货人|收件|联系人|姓名|签收人|名字")
_BEHIND = re.compile(
    rf"{_DOOR}{_SEP}{{0,3}}(?:请?(?:转交?|交|找|联系|收件人?|给)[: ]?)?(?P<name>{_DOTTED}|{_HAN}{{2,4}}?)(?P<title>{_TITLE})?(?:{_RECEIVES}|(?:{_SEP}?(?:先生|女士|小姐|男|女)[)）])?(?:[ ,，:(]{{0,2}}{_PHONE}|{_SEP}{{0,2}}$|[\[【(](?:\d{{3,6}}|{_DOOR})|(?P<loose>(?={_SEP}))))"
    rf"|{_DOOR}{_SEP}{{0,2}}(?P<latin>[A-Z][a-z]+[ ][A-Z][a-z]+)(?={_SEP}|$|收|{GONE})"
    rf"|{_DOOR}{_SEP}{{0,3}}(?P<long>{_HAN}{{5,6}})(?:[ ,，:]{{0,2}}{_PHONE}|$)"
)
_TO_PHONE = re.compile(rf"(?<!{_HAN})(?P<name>{_DOTTED}|{_HAN}{{2,4}})(?P<title>{_TITLE})?{_SEP}{{0,3}}{_PHONE}")
_GLUED = re.compile(rf"(?P<run>{_HAN}{{3,4}}){_SEP}{{0,2}}{_PHONE}")
_MORE = re.compile(rf"{_DOOR}{_SEP}{{1,3}}(?P<one>{_HAN}{{2,3}}){_SEP}{{1,2}}(?P<two>{_HAN}{{2,3}}){_SEP}{{0,2}}$")
"""Two names behind a door."""
_FROM_PHONE = re.compile(
    rf"{GONE}{_SEP}{{0,3}}(?P<name>{_DOTTED}|{_HAN}{{2,4}}?)(?P<title>{_TITLE})?(?:{_RECEIVES}|{_END}|{_PROVINCE})"
)
_FIRST = re.compile(
    rf"{_SEP}{{0,2}}(?P<name>{_DOTTED}|{_HAN}{{2,4}}?)(?P<title>{_TITLE})?(?:{_SEP}+|(?=[\[【(]?[{GONE}\d])|{_PROVINCE})"
)
_PLACE_END = re.compile(
    rf"(?:{_SEP}|驿站|公司|[中支]队|宿舍|门口|对面|旁边|[中小]学|大学|学[院校]|工厂|连队|营房|幼儿园|部队|[柜店部科班村组队连家处点站所行馆厅门])\Z"
)
_SPELLED = "阿布都拉买提麦古丽热娜尔汗江木依不力艾克尼亚孜吐逊肉萨巴哈努扎西卓玛多吉曲比达瓦格桑次仁旺加措央金米合帕塔图吾斯伊卜迪那麻姆苏莱曼佐丹拜赛甫库班日来"
"""Characters that spell Uyghur, Kazakh, Tibetan and Yi names."""
_ETHNIC = re.compile(
    rf"(?<=[路街道号村镇乡区县市楼室组连团队])(?P<name>[{_SPELLED}]{{3,8}}|(?=[{_SPELLED}]){_DOTTED}(?<=[{_SPELLED}]))(?=$|[收 ,，(]|{GONE})"
)
_AT_HOME = re.compile(rf"(?P<name>{_HAN}{{2,3}})家(?:里|中|门口)?$")
_WAY = re.compile(
    r"[店厂行馆部室楼厅城院园苑吧铺库处站社所司校内旁边层门区县市镇村路街座口柜房屋面请勿不放送电到谢号栋幢户侧台箱点梯期组队级班床位邨邸府庄巷弄]|附近|送货|上门|收货|收件|联系|姓名|门口|物业|保安|超市|快递|自提|代收|公寓|中心|大厦|广场|一致|便利|食堂|仓库|工地|车间|单元|[东西南北左右上下][边侧面头角户]|宝宝|(?:商业|财富|科技|贸易|集团|传媒|文化|教育|装饰|设计|广告|网络|信息|投资|金融|美容|美发|健身|服[饰装]|家居|建材|汽[车修]|餐饮|食品|国际|物流|实业|电[子器商]|软件|通信|保险|地产|置业|印务|服务|健康|管理|咨询|母婴|童装|烘焙|摄影|律师|培训|影视|资本|基金|证券|珠宝|眼镜|宠物|花艺|茶业|酒业)"
)
_REGION = re.compile(r"[省市区县镇村路街]|香港|澳门|台湾")
_AFTER_NAME = re.compile(rf"(?P<title>{_TITLE})(?:{_RECEIVES}|{_END})|{_RECEIVES}")


_LEVELS = tuple("区县镇乡村街路道号")
_OF_A_PLACE = re.compile(r"公司|[\d)一二三四五六七八九][班连]|门口|外科|内科")
"""Ends of places whose last character is also a surname."""
_RECEIVED = re.compile(rf"[收启签]|家[长属]|{LONG_TITLES}|[工姐哥]")
"""Every match of `_AFTER_NAME` contains one of this."""


def find_addressees(plain: str, doors: Sequence[Part]) -> list[Span]:
    """The spans of names of persons in an address whose phones are replaced by `GONE`."""
    text = replaced(plain, joined([door[:2] for door in doors], plain), _DOOR)
    spans = [
        match.span("name")
        for match in _MARKED.finditer(text)
        if (_SURE.match(match[0]) or _is_name(match["name"])) and not _WAY.search(match["name"])
    ]
    for match in _BEHIND.finditer(text):
        if match["latin"]:
            spans += [match.span("latin")] if re.search(_HAN, text) else []
            continue
        name = match["name"] or match["long"]
        if match["loose"] is not None and not _is_name(name):
            continue
        if not _WAY.search(name) or (match["name"] and _is_name(name) and not _WAY.search(name[-1])):
            start = match.start("name" if match["name"] else "long")
            spans.append((start, match.end("title" if match["title"] else "name" if match["name"] else "long")))
    for match in _MORE.finditer(text):
        spans += [match.span(name) for name in ("one", "two") if _is_name(match[name])]
    if GONE in text:
        spans += [
            _whole(match)
            for match in chain(_TO_PHONE.finditer(text), _FROM_PHONE.finditer(text))
            if _is_name(match["name"])
        ]
        spans += [span for match in _GLUED.finditer(text) if (span := _tail_name(text, match))]
    first = _FIRST.match(text)
    if first and _is_name(first["name"]) and (GONE in text or _REGION.search(text, first.end()) or _DOOR in text):
        spans.append(_whole(first))
    stop = len(text.rstrip(" )]】）"))
    for size in (3, 2, 4):
        last = _named(text, stop - size, size)
        if last and (_is_sure(text, last) or _PLACE_END.search(text, max(0, last[0] - 4), last[0])):
            spans.append(last)
            break
    spans += [match.span("name") for match in _ETHNIC.finditer(text)]
    home = _AT_HOME.search(text, max(0, len(text) - 6))
    if home:
        spans += [span for size in (3, 2) if (span := _named(text, home.end("name") - size, size))][:1]
    if _RECEIVED.search(text):
        spans += _received(text)
    spans += [match.span(match.lastgroup or 0) for match in LATIN_NAME.finditer(plain)]
    return joined(spans, plain)


def _whole(match: re.Match[str]) -> Span:
    """The span of a name with the title behind it."""
    titled = "title" in match.re.groupindex and match["title"]
    return match.start("name"), match.end("title") if titled else match.end("name")


def _is_name(name: str) -> bool:
    """Whether a few characters between signs read as a name."""
    if "·" in name:
        return not _WAY.search(name[-1])
    return name[0] in SURNAME_STARTS and quality_of(name) > 0 and (len(name) < 4 or name[:2] in COMPOUND)


def _is_sure(text: str, span: Span) -> bool:
    """Whether a name at the end of an address needs no place before it: 锦绣城南门张晓明."""
    return quality_of(text[slice(*span)]) == 3 and not _WAY.search(text[span[1] - 1])


def _named(text: str, start: int, size: int) -> Span | None:
    """The span of a name of a size at a position, or None."""
    name = text[start : start + size]
    return (start, start + size) if start >= 0 and len(name) == size and _is_name(name) else None


def _tail_name(text: str, match: re.Match[str]) -> Span | None:
    """The name at the end of a run of characters before a phone."""
    end = match.end("run")
    for size in (3, 2):
        span = _named(text, end - size, size)
        sure = 1 if span and text[span[0] - 1 : span[0]] in _LEVELS else 2
        if span and quality_of(text[slice(*span)]) >= sure and not _WAY.search(text[end - 1]):
            return span
    return None


def _received(text: str) -> list[Span]:
    """Names with a title behind them, or with a word for receiving."""
    spans = []
    for found in SURNAME_START.finditer(text):
        start = found.start()
        head = 2 if text[start : start + 2] in COMPOUND else 1
        if head == 1 and _OF_A_PLACE.match(text, start - 1 if start else 0):
            continue
        for size in (head + 2, head + 1, head):
            end = start + size
            after = _AFTER_NAME.match(text, end)
            if after and (after["title"] if size == head else _is_name(text[start:end])):
                spans.append((start, after.end("title") if after["title"] else end))
                break
    return spans
