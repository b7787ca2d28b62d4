"""Masking of names: hides at least one character of every name.

GB/T 41833 requires one or more characters of the name to be hidden. Here the surname stays (of a Latin name the first
letter), and so do titles and words such as 公司. Digits (the [1234] that platforms append) are always hidden.
"""

from __future__ import annotations

import re

from masking.redact.normalise import Normal, normalise
from masking.redact.pinyin import CalledName
from masking.redact.spans import SIGN, Span, cover_from, cover_places
from masking.values.printable import Masked

_COMPOUND = (
    "欧阳 太史 端木 上官 司马 东方 独孤 南宫 万俟 闻人 夏侯 诸葛 尉迟 公羊 赫连 澹台 皇甫 宗政 濮阳 公冶 太叔 申屠 公孙 慕容 仲孙 钟离 长孙 宇文 "
    "司徒 鲜于 司空 闾丘 子车 亓官 司寇 巫马 公西 颛孙 壤驷 公良 漆雕 乐正 宰父 谷梁 拓跋 夹谷 轩辕 令狐 段干 百里 呼延 东郭 南门 羊舌 微生 "
    "公户 公玉 公仪 梁丘 公仲 公上 公门 公山 公坚 左丘 公伯 西门 公祖 第五 公乘 贯丘 公皙 南荣 东里 东宫 仲长 子书 子桑 即墨 达奚 褚师 "
    "纳兰 完颜 叶赫 耶律 那拉 富察 佟佳 钮祜 爱新"
)
COMPOUND = frozenset(_COMPOUND.split())
SINGLE = frozenset(
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧肖程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎闫余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖"
    "龚文庞樊兰殷施陶洪翟安颜倪严牛温芦季俞章鲁葛伍韦申尤毕聂丛焦向柳邢岳齐沿梅莫庄辛管祝左涂谷祁时舒耿牟卜詹关苗凌费纪靳盛童欧甄项曲成游阳裴席卫查屈鲍位覃霍翁隋植甘景薄单包司柏宁柯阮桂闵解强柴华车冉房边窦"
    "路喻付尚符蓝骆蒙蒲滕饶艾穆农卓古吉缪简连麦褚娄戚岑党宫冷晏米宗瞿全佟应臧苟邬卞姬师和仇栾商刁沙荣巫寇桑郎仲虞敖巩明佘池麻苑迟邝谌储都郁芮亓蔺鄢揭展闻鞠阚訾凤楼璩浦匡笪厉从邴邸花荀来牧屠隗盖逄宓竺卿帅谯"
    "尧宿郗闾云昌伏鄂扶冼练银邰衣晁鄞禹巴惠茹苍贡满晋谈茅滑干诸嵇乌焉弓班仰秋宰郦雍濮寿冀郏习宦容慎戈庾暨阙殳沃蔚夔隆厍融那毋乜巢桓逯权粟候奚鹿才撒禤勇井鲜冒蹇莘贝渠苌铁答佴荆帖漆库狄寻伦税盘弋巨旷尉蒯索仉"
    "曳禄晟昝楚揣刀赫仝补宣扈丹郜肇麴丘乐伊僧平幸廉撖敬栗湛燕皮糜胥萨藏辜郇酆"
)
"""Surnames of one character, the most frequent first: the 400 of the national surveys, and rarer ones in use."""
SURNAME_STARTS = SINGLE | {name[0] for name in COMPOUND}
"""Characters with which a surname begins."""
SURNAME_START = re.compile(f"[{''.join(sorted(SURNAME_STARTS))}]")

HONORIFIC = r"(?:先生|女士|小姐|太太|夫人|老师|师傅|经理|总监|总|老板|老板娘|阿姨|叔叔|大哥|大姐|大爷|大妈|大叔|大婶|同学|医生|主任|店长|老大|哥|姐|婶|伯|爷爷|奶奶)"
_TITLE = re.compile(rf"(?P<who>(?:[^\W\d_]|\*){{1,3}}?){HONORIFIC}?(?:亲?[收启])?$")
_TITLE_ENDS = frozenset("生士姐太人师傅理监总板娘姨叔哥学医任长大婶伯爷奶收启")
_FIRM = re.compile(
    r"公司|集团|商行|工厂|中心|工作室|超市|书局|书社|学校|大学|医院|银行|酒店|事务所|合作社|贸易|[店厂馆]|[行部]$"
)
_LATIN_WORD = re.compile(r"[A-Za-z']+")
_HAN = re.compile("[一-鿿]+")
_DOT = re.compile(r"[·.]")
_OTHER_SIGNS = _TITLE_ENDS | frozenset("司团行厂心室市局社校学院店所易馆部")
"""Characters that occur in names of firms and in titles."""
_PART = re.compile(r"[^\s/\\,，;；:：()（）\[\]【】<>《》|+&\-]+")


def mask_name(text: str) -> Masked:
    """Mask a name: leave the surname or the first letter, unless that is the whole name."""
    return mask_called(text, normalise(text))


def mask_called(text: str, normal: Normal) -> Masked:
    """Mask a name whose normal form is known, as `mask_name` does."""
    plain = normal.text
    usual = 2 <= len(plain) <= 3 and plain.isalpha() and not plain.isascii() and _OTHER_SIGNS.isdisjoint(plain)
    if usual or (is_person(plain) and plain[-1] not in _TITLE_ENDS and plain.isalpha()):
        return cover_from(text, normal.back(len(_head(plain)), len(plain))[0])
    hidden: list[int] = []
    first = True
    for part in _PART.finditer(plain):
        start = part.start()
        hidden += [start + n for n in _hidden(part[0], first=first)]
        first = False
    return cover_places(text, normal, hidden) if hidden else cover_from(text, 0)


def surname(text: str) -> str:
    """The word a courier greets the recipient with: surname, last word of a Latin name, or name of a firm."""
    normal = normalise(text)
    part = _PART.search(normal.text)
    if not part:
        return ""
    start, word = part.start(), part[0]
    firm = None if is_person(word) else _FIRM.search(word)
    if word.isascii():
        words = [match.span() for match in _LATIN_WORD.finditer(normal.text) if normal.text.isascii()]
        return _slice(text, normal.back(*words[-1])) if words else ""
    if firm:
        end = start + firm.end()
    elif dot := _DOT.search(word):
        end = start + dot.start()
    else:
        end = start + len(_head(word))
    return _slice(text, normal.back(start, end))


def is_person(text: str) -> bool:
    """Whether a Han string reads as a person's name: a common surname and one or two more characters."""
    return (2 <= len(text) <= 3 and text[0] in SINGLE) or (3 <= len(text) <= 4 and text[:2] in COMPOUND)


def called_name(normal: Normal) -> CalledName:
    """Surname and given name of a Chinese person; both empty for any other name and for a surname alone."""
    plain = normal.text.strip()
    title = _TITLE.match(plain)
    who = title["who"] if title and title.end("who") < len(plain) else plain
    head = _head(who)
    return CalledName(head, who[len(head) :]) if is_person(who) and _HAN.fullmatch(who) else CalledName("", "")


def _slice(text: str, span: Span) -> str:
    return text[span[0] : span[1]]


def _hidden(part: str, *, first: bool) -> list[int]:
    """The positions to hide in one part of a name: a person, a firm with or without a contact, digits."""
    letters = [n for n, ch in enumerate(part) if ch.isalnum() or ch == SIGN]
    if not letters:
        return []
    kept: set[int] = set()
    title = _TITLE.match(part) if part[-1] in _TITLE_ENDS else None
    firm = None if is_person(part) else _FIRM.search(part)
    if title and title.end("who") < len(part):
        who = title["who"]
        kept = set(range(title.end("who"), len(part)))
        kept |= set(range(len(_head(who)))) if len(who) > len(_head(who)) else set()
    elif firm:
        kept = {0, *range(*firm.span())}
    elif first and not part[0].isdecimal():
        kept = set(range(len(_head(part))))
    named = [n for n in letters if n not in kept and not part[n].isdecimal()]
    return named + [n for n in letters if part[n].isdecimal()] if named else letters


def _head(part: str) -> str:
    """The surname of a person's name, or its first letter."""
    return part[:2] if part[:2] in COMPOUND and len(part) > 2 else part[:1]
