"""Names of persons inside texts: found by the words before and after them, by surname and given name, and by place.

A name begins with a surname. How much is needed next to it depends on the name itself: one whose given name is usual needs
little, one that could be another word (安排, 方便) needs a sure word before it (收件人). All spans are spans of the normal form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import IntEnum
from functools import cache
from pathlib import Path
from typing import NamedTuple, final

from masking.redact.divisions import table
from masking.redact.names import COMPOUND, HONORIFIC, SINGLE, SURNAME_START, SURNAME_STARTS
from masking.redact.spans import SIGN, Span


class Mark(IntEnum):
    """How surely the words next to a possible name say that it is one."""

    UNMARKED = 0
    START = 1
    SOFT = 2
    FIRM = 3
    SURE = 4


UNMARKED, START, SOFT, FIRM, SURE = Mark

_PLACE = re.compile(
    r"^(?:周[一二三四五六日末内边围]|马[上路]|万一|安[全检]|高楼|[东西南北]门)|[部处科室店厂组队行司站点间口库局院馆时路街巷村镇乡县市区园楼栋座号厅场柜铺城寨屯湾桥苑校班家里边旁]$"
)

LONG_TITLES = (
    rf"(?:{HONORIFIC[3:-1]}|姐姐|哥哥|师[姐兄妹弟]|掌柜|警官|伯伯|伯母|叔|姨妈?|舅舅?|姑姑?|嫂子?|大伯|大舅|护士长?|医师|教授|教练|导师|律师|会计|出纳|主管|组长|班长|队长|局长|处长|院长|校长|厂长|部长|科长|所长|站长|村长|书记"
    r"|工程师|保安|司机|同志|老板娘?|妈妈|爸爸|小朋友|宝宝)"
)
_SHORT_TITLES = r"[工队处局院导董爷奶婶伯妈爸教]"
_BY_PERSON = r"(?:代?[收签取领](?![货件人藏纳款据])|签[收名字]|亲[收启]|来?拿|转[交收]|帮[收拿忙]|本人|家长|家属|妈妈?收|爸爸?收|手[里中上]|那[里儿边]?(?![天个种款])|[先女]士|小姐|打电话)"
_AFTER = re.compile(
    rf"(?P<firm>{_BY_PERSON}|\([^\W\d_]{{1,4}}\)代?[收签取]|的(?:快递|包裹|[件货]|礼物|名字|电话|手机)|不在|在家|家(?![具电用里庭乐福纺装])|[要订买]的|寄|生[日辰]|新婚)|(?P<soft>[\W\d]|$|[的在不就即或来去说要会已订取拿买付下和跟与、转电手宅自那一带帮下]|今|明[天早晚]|[上下]午|晚|周[一-日]|先|小朋友|同学|方便|家|班|放|快递|包裹)"
)
_BEFORE = re.compile(
    r"(?P<sure>(?:实名认证|收[货件]人|收方|寄件人|发件人|收件|联系人|姓名|名字|真名|本名|签收人|代收人|清关人|报关人|实名人?|收货?(?=:)|刻名字?|署名|落款|抬头开?|经办人?|负责人|对接人|接收人|使用人|持有人|户主|购买人"
    r"|昵称|备注|发票个人|[绣印](?:字|名字?)|收货|寄件|我叫|叫做|名叫|我是|我姓|转交给?|联系(?:一?下)?|找(?!不|到|了)|代收(?=[:： ])|清关|刻字?|贺卡写?)(?:改成?|写成?|显示|填|是|为|叫|换成)?[个人:： \"“'(]{0,4})"
    r"|(?P<firm>(?:打电话给|打给|通知|交给|寄给|送给|发给|转给|留给|放给|递给|改成|换成|改为|请转|转(?![接让卖账运寄送])|请让|让|由|请(?=.{2,4}[代签收])|叫|致电|咨询"
    r"|老公|老婆|妈妈|爸爸|我妈|我爸|母亲|父亲|丈夫|妻子|爱人|同事|邻居|室友|舍友|房东|门卫|保安|前台|老板娘?|店主|卖家|买家|客户|客人|业务员?|店长|家长|班主任|司机|物业|管家|宝贝|孩子|儿子|女儿|闺蜜|朋友|同学|我[姐哥弟妹叔姨舅]|姐姐|哥哥|师[姐兄妹弟]|掌柜|警官|弟弟|妹妹|班长|组长|村长|社工|保洁|书记|教练|园长|保姆|阿姨|大爷|大妈|叔叔|本人|写|表[哥姐弟妹]|堂[哥姐弟妹]|外甥|侄[子女]|奶奶|爷爷"
    r"|收银|财务|采购|仓管|仓库|助理|经理|主任|老师|师傅|医生|护士|院长|队长|学生|会员|顾客|用户|快递员|骑手|代购|推荐人|介绍人|作者|[Tt][Oo][ ]?|新郎|新娘|寿星|祝)(?:叫|是)?[:： ]{0,2})"
    r"|(?P<soft>给|代|寄|刻|打|开|用|身份证|印|绣|[a-z]{2}|[部科室]|\d班|麻烦|送到?|放在?|交|帮|替|跟|和|与|是|到|为|姓|的|有)"
    r"|(?P<start>\A|[^\w·]+)"
)
_NEVER = frozenset(
    "已不要同求有都就也还很太更最再又没在是了的吗呢吧啊把被将让给请您你我他她它们这那哪上下里外前后见看无按如和跟改印写用打抬党款号件姐哥总叔姨爷奶婶嫂代收签取领拿先女士"
)
"""Characters that no given name has, unless all its characters are usual ones."""
_HAN = re.compile(r"[一-鿿]+")
_TITLED = re.compile(
    rf"(?P<title>{LONG_TITLES})(?![姐妹伦特布斯公兵板])|(?P<short>{_SHORT_TITLES})(?=\W|$|[代签取拿亲说]|收(?![货件])|电[话联]|联系)|总(?![是共价体数量部之仓会结计要在])"
)
_NICKNAME = re.compile(
    rf"(?:(?<![一-鿿])|(?<=[给找让由转叫送放交系请卫安台打问烦知哥姐傅叔爷下]))(?P<name>[小老][{''.join(sorted(SINGLE - set('米时包车路单板师方白花水黄毛石金马')))}]|阿(?!姨|胶|里|门|迪|玛|司|莫|拉|根)[一-鿿]|(?![大小表堂老帅美姨师学我他你她])[一-鿿][姐哥嫂叔姨婶](?!妹|姐))"
    r"(?=\W|$|代?[收签取领](?![货件])|来?拿|[那这]里|那(?![个天])|电[话联]|联系|了|会|[说要]|店里|就)"
    rf"|(?<=[给找让由转系请知卫安台打问烦哥姐傅叔爷下])(?P<known>[小老](?!时|包|板|师|心|费|人|家|乡|区|店)[{''.join(sorted(SINGLE))}])(?=\W|$|代?[收签取领](?![货件])|[那这]里|那(?![个天])|电[话联]|联系|了)"
)
_DOTTED = re.compile(
    r"(?<![一-鿿·])(?:联系|转交给?|找|给|让|由|请)?(?P<name>[一-鿿]{1,7}(?:·(?:(?![收签代取电的在])[一-鿿]){1,7}){1,3})"
)
LATIN_NAME = re.compile(
    r"(?:(?<![A-Za-z])(?:[Aa]ttn|ATTN|[Aa]ttention|[Cc]/[Oo]|[Tt]o|TO|[Dd]ear|[Mm](?:r|s|rs|iss)\.?|[Rr]ecipient|[Nn]ame)(?![A-Za-z])|收件人|收货人|联系人?|姓名(?:拼音)?|护照名|转交|找)[.:： ]{0,3}(?P<name>[A-Z][A-Za-z'-]+(?:[ ][A-Z][A-Za-z'.-]*){0,3})"
    r"|(?<![A-Za-z])(?P<before>[A-Za-z][a-z]{1,15}(?:[ ][A-Z][a-z]{1,15})?)(?=代?[收签取](?![货件]))"
)
_ADDRESSED = re.compile(
    r"(?:收货人|收件人|联系人|姓名|签收人|代收人|清关人|我叫|真名|名字是?|叫做)[:： 是叫]*(?P<name>[一-鿿·]{2,4}?)(?=[\s\d,，。;；、(（:：!！*]|$|[收签代]|电话|手机)"
)
_RECIPIENT = re.compile(
    r"(?<![一-鿿·])(?P<name>[^\W前台门卫物业保安邻居朋友同事家公司仓库上下午晚周末早天统验货件付款签代亲自当面店站点部室箱柜房楼号院校]{3,5})(?=(?:代?签?收|亲启)(?!\w))"
)
_SINGLE_NAMED = re.compile(rf"(?:我姓|姓(?!名|氏))[:： ]?(?P<name>[{''.join(sorted(SINGLE))}])(?=\W|$|[先女的打])")


@final
class _Words(NamedTuple):
    """The tables that tell names from other words.

    Attributes:
        rare: the characters of given names that other words hold much less often.
        given: all characters of given names. A name made of them needs no other word next to it than the end of a clause.
        others: words of two or three characters that begin with a surname.
        brands: names of brands, figures and authors, which are no person of a parcel.
        heads: the first two characters of words that no name begins with in a remark.
    """

    rare: frozenset[str]
    given: frozenset[str]
    others: frozenset[str]
    brands: frozenset[str]
    heads: frozenset[str]


@cache
def _words() -> _Words:
    """Read the tables once, when a text first holds a possible name."""
    data = Path(__file__).with_name("data")
    given, words, others = (
        data.joinpath(f"{name}.txt").read_text("utf-8") for name in ("given_names", "surname_words", "no_names")
    )
    brands, heads = others.split("\n\n")
    return _Words(
        frozenset(given.split("\n\n")[0]) - {"\n"},
        frozenset(given) - {"\n"},
        frozenset(head + rest for head, *rests in map(str.split, words.splitlines()) for rest in rests),
        frozenset(brands.split()),
        frozenset(heads.split()),
    )


def find_people(text: str) -> list[Span]:
    """The spans of names of persons in a free text."""
    if not _HAN.search(text):
        return [match.span(match.lastgroup or 0) for match in LATIN_NAME.finditer(text)]
    spans = [match.span(match.lastgroup or 0) for match in LATIN_NAME.finditer(text)] if not _is_han(text) else []
    if "·" in text:
        spans += [match.span("name") for match in _DOTTED.finditer(text) if not _is_word(match["name"])]
    spans += [match.span(match.lastgroup or 0) for match in _NICKNAME.finditer(text)]
    spans += [match.span("name") for match in _ADDRESSED.finditer(text) if not _is_word(match["name"])]
    if "姓" in text:
        spans += [match.span("name") for match in _SINGLE_NAMED.finditer(text)]
    marks = _marks(text) if SURNAME_START.search(text) else {}
    for match in SURNAME_START.finditer(text):
        end = _name_end(text, match.start(), marks)
        if end:
            spans.append((match.start(), end))
    almost = {(start, end + 1) for start, end in spans}
    for match in _RECIPIENT.finditer(text):
        if (
            (not spans or match.span("name") in almost)
            and _HAN.fullmatch(match["name"])
            and not _is_word(match["name"])
        ):
            spans.append(match.span("name"))
    return spans


def _is_han(text: str) -> bool:
    return not any("A" <= ch <= "z" for ch in text)


def _marks(text: str) -> dict[int, Mark]:
    """Where the words end that can precede a name, with how surely they do."""
    found: dict[int, Mark] = {}
    for match in _BEFORE.finditer(text):
        found[match.end()] = {"sure": SURE, "firm": FIRM, "soft": SOFT, "start": START}[match.lastgroup or "start"]
    return found


def _name_end(text: str, start: int, marks: dict[int, Mark]) -> int:
    """The end of the name that begins at a position, or 0 if none does."""
    before = marks.get(start, UNMARKED)
    alone = 0
    head = 2 if text[start : start + 2] in COMPOUND else 1
    for size in range(head + 2, head - 1, -1):
        end = start + size
        name = text[start:end]
        if end > len(text) or not _HAN.fullmatch(name):
            continue
        titled = _TITLED.match(text, end)
        if titled and text[start - 1 : start + 1] != "谢谢" and _is_titled(name, head, titled, before):
            return titled.end()
        if size == head or (head == 1 and name[0] not in SINGLE):
            continue
        after = _AFTER.match(text, end)
        if name[:2] in _words().brands:
            continue
        if size == head + 2 and quality_of(name) == 3 and max(marks.get(start + 1, 0), marks.get(start + 2, 0)) < FIRM:
            alone = end
        if size > head + 1 and before >= SOFT and quality_of(name) >= 2:
            alone = alone or end
        closed = after is not None and end < len(text) and text[end] != SIGN and not after[0].isalnum()
        if after and is_marked(name, before, FIRM if after["firm"] else SOFT, closed=closed):
            return end
    return alone


def _is_titled(name: str, head: int, titled: re.Match[str], before: Mark) -> bool:
    """Whether a name with a title behind it is one: 王老师, 李小明女士, but not 祝老师 or 施工."""
    whole = name + titled[0]
    if (
        whole in _words().brands
        or (name == "祝" and before < SOFT)
        or whole in _words().others
        or name[:2] in _words().heads
    ):
        return False
    if len(name) == head:
        return not titled["short"] or before > UNMARKED
    if before is UNMARKED and name[-1] in SINGLE:
        return False
    return set(name[head:]) <= _words().given and name not in _words().others


def is_marked(name: str, before: Mark, after: Mark, *, closed: bool = False) -> bool:
    """Whether a possible name, with what is before and after it, is a name. `closed`: the clause ends behind it."""
    quality = quality_of(name)
    if before is SURE:
        return quality > 0
    if before is SOFT and quality and len(name) > 2:
        return True
    if not quality:
        return False
    if before is FIRM or (after is FIRM and before > UNMARKED):
        return True
    if quality < 2 or before is UNMARKED:
        return False
    if before is START and closed and not _words().rare.isdisjoint(name[1:]):
        return True
    return after is FIRM or (before is SOFT and len(name) > 2) or (before is START and len(name) > 2)


def quality_of(name: str) -> int:
    """How much a few characters look like a name, from 0 to 3.

    3: a surname and two characters of given names, one of which hardly any other word has. 2: a surname and a usual given name.
    1: a surname and other characters. 0: another word.
    """
    words = _words()
    known = table()
    head = 2 if name[:2] in COMPOUND and len(name) > 2 else 1
    if (
        name in words.brands
        or (len(name) == 2 and name in words.others)
        or name[:2] in words.heads
        or name in known.names
        or name in known.shorts
        or (_PLACE.search(name) and name[-1] != name[-2])
    ):
        return 0
    usual = set(name[head:]) <= words.given
    if head == 1 and len(name) == 3 and name[:2] in words.others and not usual:
        return 0
    if name in words.others:
        return 1 if usual else 0
    if usual and len(name) > head + 1 and name[:2] not in known.shorts and not words.rare.isdisjoint(name[head:]):
        return 3
    return 2 if usual else 0 if not _NEVER.isdisjoint(name[head:]) else 1


def _is_word(name: str) -> bool:
    """Whether a possible name of any surname is another word or a place."""
    known = table()
    return (
        name[0] in _NEVER
        or name[:2] in _words().heads
        or name in known.names
        or name in known.shorts
        or bool(_PLACE.search(name))
    )


def between_phones(text: str, phones: list[Span]) -> Iterator[Span]:
    """Names that stand directly before or behind a phone, from punctuation to phone: 张三13800000001."""
    for start, end in phones:
        before = _TO_PHONE.search(text, max(0, start - 12), start)
        if before and quality_of(before["name"]) and before["name"][0] in SURNAME_STARTS:
            yield before.span("name")
        after = _FROM_PHONE.match(text, end)
        if after and quality_of(after["name"]) and after["name"][0] in SURNAME_STARTS:
            yield after.span("name")


_TO_PHONE = re.compile(r"(?<![一-鿿])(?P<name>[一-鿿]{2,4})[ :(,/-]{0,2}\Z")
_FROM_PHONE = re.compile(r"[ :(,/\])-]{0,2}(?P<name>[一-鿿]{2,4}?)(?=[^一-鿿]|$|[收签取代])")
