"""Numbers and names that identify a person or open a door: accounts, e-mail, papers, cards, birthdays, plates, door codes.

Most are found by the word before them. Identity numbers are found without a word, by their date or check digit. All spans
are spans of the normal form.
"""

from __future__ import annotations

import re

from masking.redact.normalise import normalise
from masking.redact.phones import find_phones
from masking.redact.spans import Span

_SIGN = r"[^\w一-鿿]"
_E = rf"{_SIGN}{{0,3}}"
"""Blanks, punctuation and emoji that people put inside a word: 微 信."""
_HAN = "零〇○洞一幺二两三四五六七八九壹贰叁肆伍陆柒捌玖"

_HINT = re.compile(
    r"[微薇绿扣@按输]|[维威徽歪唯围]\W{0,3}信|卫星|企鹅|球球|秋秋|口口|旺旺|抖音|小红|快手|支付|钉钉|飞书|陌陌|闲鱼|公众|B站|淘宝|电报|艾特"
    r"|密码|密碼|门密|口令|[门門][禁锁鎖铃口]|[电子纹码]锁|[元大进院开]门|道门|呼叫|对讲|[军武警]字|身[份分]|[證证]|护照|台胞|学[号籍]|工号|[医社]保|驾照|病历|住院"
    r"|生[日辰]|出生|寿星|卡号?|[倒反][过着序写念读]|前[3-8三四五六七八]位|尾[号数]|[后末][四4]位"
    r"|[A-Za-z]{2}|[A-Za-z][ ]?[:信]|[VvQqWwIi][^\w一-鿿]|[一-鿿][A-Z]|[VvQq]我|加我?好友|[加家嘉佳+][微薇维威围唯VvQq扣]|[vqVQ]\d{6}|[A-Z]\d{6}|\d(?:[ -]?\d){13}|\d\*{3}|(?:19|20)\d\d[年./-]?\d"
)
"""Every match of the patterns below contains or is one of these. It is searched alone first, which is faster."""

_MESSENGER = (
    rf"[微薇维威徽歪唯围VW]{_E}信|微{_E}X|绿(?:泡泡?|色软件)|(?<![A-Za-z])(?:[vw]{_E}x|we{_E}chat|wei{_E}xin|what'?s{_E}app|viber|signal|discord|telegram|tg|skype|kakao(?:talk)?|facebook|insta(?:gram)?"
    r"|e-?mail|line[ ]?id|ig|qq)(?![A-Za-z])|QQ|vx|wx"
    r"|电报|扣扣|[加+➕家嘉佳]{1,2}(?:我的?)?[ ]?(?:[微薇维威围唯]|[VQ]|扣)|[VvQq]我|加我?好友|(?<![A-Za-z])[vq](?=[ ]?:)|[薇微威](?=[^\w一-鿿]{0,3}[A-Za-z0-9])"
    r"|旺旺|抖音|小红[书薯]|快手|支付宝|钉钉|飞书|陌陌|微博|闲鱼|公众号|淘宝账?号|[Bb]站"
)
_ORDINARY = r"[卫威微]星|扣|企鹅|球球|秋秋|口口|(?<![A-Za-z])(?:line|ins|steam|v|q)(?![A-Za-z])|[vq](?=\d{6})"
"""Words that mean something else more often than a messenger. What follows them must look like an id."""
_NAMED = r"(?:(?:账|帐|同)?号码?|名片|群|搜索?|添加|[ ]?ID\b|[是为叫加同我:@,，的]|[^\w一-鿿]){0,12}+"
_ID = r"[A-Za-z0-9][\w.@+-]{3,30}(?:(?<=live):[\w.-]+)?"
_COUNTED = r"(?!\d+(?:\.\d+)?[ ]?(?:g|kg|ml|l|cm|mm|元|块|件|个|袋|包|斤|克|盒|瓶|次)(?![A-Za-z]))"
_CHAT = re.compile(
    r"(?:微博|抖音|小红书|快手|B站)[:号 ]{0,3}@(?P<called>[\w一-鿿]{2,20})"
    rf"|(?:{_MESSENGER}){_NAMED}{_COUNTED}(?P<sure>{_ID})"
    rf"|(?:{_ORDINARY})(?=(?:{_NAMED})(?:[A-Za-z_.-]{{0,20}}\d))(?:{_NAMED}){_COUNTED}(?P<ordinary>{_ID})"
    r"|(?<![\w.@-])(?P<told>[A-Za-z][\w-]{4,19})(?=(?:就?是|为)?我?的?(?:微信|WX|VX|QQ)号?(?![\w一-鿿]))"
    r"|(?P<mail>[A-Za-z0-9][\w.+-]{0,64}(?:(?:[@#]|[ ]?艾特[ ]?)[\w-]+(?:\.[\w-]+)+|[ ]at[ ][\w-]+(?:[ ]dot[ ][\w-]+)+))",
    re.IGNORECASE | re.ASCII,
)

_GATE_WORDS = r"(?<![件货证款递])(?:密码|密碼|口令)|门密|(?:gate|door|entry|access|lock|building)[ ]?code|key[ ]?code|passcode|password|keypad|pin(?:[ ]?code)?"
_GATE_THINGS = r"[门門]禁|门[锁鎖]|密码锁|电子锁|指纹锁|单元门|大门|进门|院门|楼道门|开门|门铃|门口机|对讲机?|呼叫|智能锁|防盗门|铁门|[进到](?:了|单元)?(?=[输按])"
"""Things that have a code. What follows them must be longer, since they have models and sizes, too."""
_TO_CODE = r"(?:[^\w#*一-鿿]|[是为码号锁键密输入按拨呼叫用请您你先再打的就盒]|门牌号?|键盘|呼叫|[4-8]位|\+){0,12}+"
_GATE = re.compile(
    rf"(?:(?:{_GATE_WORDS}|\bcode|buzzer|\bgate(?=[ :#]*\d))(?:{_TO_CODE})(?P<code>[#*]?(?:(?=[A-Za-z]{{0,8}}\d)[A-Za-z0-9]{{3,12}}[#*]?|\d(?:[ -]?\d){{3,9}}[#*]?|\d个\d|[{_HAN}]{{3,8}}#?))"
    rf"|(?:密码|passcode|password|code)[ ]?[:为是][ ]?(?P<word>[A-Za-z]{{4,12}}#?)"
    r"|口令[:是为 \"“]{0,3}(?P<spoken>(?!红包|卡|错|支付)[一-鿿]{2,8})"
    rf"|(?:{_GATE_THINGS})(?:{_TO_CODE})(?P<long>[#*]?(?:\d{{4,10}}[#*]?|[A-Za-z]\d{{3,8}}[#*]?|\d{{3}}[#*]|\d{{3}}(?=\W|$)(?<=呼叫\d{{3}})|[{_HAN}]{{4,8}}#?))(?![\d年月.])"
    r"|[按输][入:]?[ ]?(?P<pressed>[#*]?\d{3,8}(?:[#*]|(?=[ ]?(?:开门|呼叫|进门|上楼|铃|\+铃|[加和]?[#井])))))",
    re.IGNORECASE | re.ASCII,
)

_DIALLED = re.compile(r"[打拨电].{0,3}\d{7}")
"""A fixed line without its area code, which reads like a door code."""

_CLOSED = r"(?![\dA-Za-z])"
_OPEN = r"(?<![\dA-Za-z])"
_DAY = r"(?:0[1-9]|[12]\d|3[01])"
_MONTH = r"(?:0[1-9]|1[0-2])"
_EIGHTEEN = re.compile(rf"[1-9]\d{{5}}(?:18|19|20)\d\d{_MONTH}{_DAY}\d{{3}}[\dXx]")
_FIFTEEN = re.compile(rf"(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5])\d{{4}}\d\d{_MONTH}{_DAY}\d{{3}}")
_PAPERS = (
    r"身份[证證](?:件)?|證件|证件|身份|sfz|护照|通行证|台胞证|回乡证|港澳证|军官证|士兵证|警官证|永居证|驾驶证|驾照|行驶证|社保卡?|医保卡?|居住证|居留证|统一证|證字|身分證"
    r"|学号|学生证|学籍|工号|准考证|passport|hkid|id[ ]?card|id[ ]?no|病历|就诊卡|住院"
)
_PAPER = re.compile(
    rf"(?:{_PAPERS})(?:[字号號码碼是为:： ]|No\b|[^\w一-鿿]){{0,8}}+(?P<number>(?=[A-Za-z]{{0,4}}[ ]?\d)[A-Za-z]{{0,4}}(?:[ -]?\d){{4,18}}(?:[ -]?X|\(\w\)|[A-Z]{{1,2}}(?![A-Za-z]))?|[军武警]字第?\d{{4,10}}号?)"
    rf"|(?:身份[证證]|证件)号?码?最?[后末尾](?:号|数|[{_HAN}\d]位?)?数?[是为: ]*(?P<last>\d{{2,7}}X?|\d{{4,8}})",
    re.IGNORECASE | re.ASCII,
)
_LONG = re.compile(
    rf"{_OPEN}(?P<china>[1-9](?:[ -]?\d){{16}}[ -]?[\dXx]|[1-9]\d{{14}}){_CLOSED}|{_OPEN}(?P<taiwan>[A-Z][1289]\d{{8}}){_CLOSED}"
    rf"|{_OPEN}(?P<hongkong>[A-Z]{{1,2}}\d{{6}}(?:\([0-9A]\)|[0-9A]{_CLOSED}))"
)
_OTHER_NUMBER = re.compile(r"(?:单号?|订单|编号|编码|运单|批次|型号)[号码:： 为是#]*$")
_DATE = rf"(?:(?:19|20)?\d\d[年./-]\d{{1,2}}[月./-]\d{{1,2}}[日号]?|(?:19|20)\d\d{_MONTH}{_DAY}|\d{{1,2}}月\d{{1,2}}[日号]?|(?:19|20)\d\d[年.]\d{{1,2}}月?|[正腊冬{_HAN}十]{{1,2}}月[初十廿{_HAN}]{{2,3}})"
_BIRTH = re.compile(
    rf"(?:生日|生辰|出生(?:日期|年月)?|寿星|DOB)[是为:：在 农历阴]{{0,6}}+(?P<after>{_DATE}|[01]\d[0-3]\d(?!\d))(?![\d年月日号]*[前送到发])"
    rf"|(?P<before>(?<!\d)(?:(?:19|20)\d\d|\d\d(?=年))(?:年|[./-]?)\d{{1,2}}(?:月|[./-]?)\d{{1,2}}[日号]?)(?=[ ]?(?:出?生的?|生日))",
    re.ASCII | re.IGNORECASE,
)
_CARD = re.compile(
    r"(?P<plate>[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Z][·\- ]?(?:[A-HJ-NP-Z0-9]{5,6}|[A-HJ-NP-Z0-9]{4}[港澳]))(?![A-Za-z0-9])"
    r"|(?:银行卡|储蓄卡|信用卡|卡号)号?[: 是]*(?P<card>\d(?:[ -]?\d){11,18})(?!\d)"
    r"|(?:[倒反](?:过来|着|序|写|念|读)){1,2}[^\d]{0,6}(?P<turned>\d(?:[ -]?\d){6,18})(?!\d)"
    r"|(?<!\d)(?P<turning>\d(?:[ -]?\d){6,18})(?=[ ,，]?[倒反](?:过来|着|序|写|念|读))"
    r"|(?<!\d)(?P<masked>1[3-9]\d[*xX]{3,8}\d{2,4})(?!\d)"
    r"|前[3-8三四五六七八]位[是为:： ]*(?P<head>\d{3,8})(?!\d)"
    r"|(?:尾号|尾数|[后末][四4]位)[是为:： ]*(?P<tail>\d{4})(?!\d)",
    re.IGNORECASE | re.ASCII,
)
_LETTER_VALUES = {letter: 10 + n for n, letter in enumerate("ABCDEFGHJKLMNPQRSTUVXYWZIO")}
_SEVENTEEN = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def find_identifiers(text: str) -> list[Span]:
    """The spans of accounts, e-mail addresses, papers, cards, birthdays, plates and door codes in a normal form."""
    if not _HINT.search(text):
        return []
    spans = [
        match.span(match.lastgroup or 0)
        for pattern in (_CHAT, _GATE, _PAPER, _BIRTH, _CARD)
        for match in pattern.finditer(text)
    ]
    for match in _LONG.finditer(text):
        number, kind = re.sub(r"[ ()-]", "", match[0]).upper(), match.lastgroup
        if _CHECKS[kind or ""](number) and not _OTHER_NUMBER.search(text, max(0, match.start() - 12), match.start()):
            spans.append(match.span())
    return spans


def door_codes(text: str) -> str:
    """The door codes in a text, each with the word before it, separated by semicolons; "" without any.

    A courier gets them with the door, because they are hidden on the label. What may be a phone is left out: couriers call
    over virtual numbers only.
    """
    normal = normalise(text)
    if not _HINT.search(normal.text):
        return ""
    found = list(_GATE.finditer(normal.text))
    phones = [phone.at for phone in find_phones(normal, local=False)] if found else []
    return "; ".join(
        match[0].strip()
        for match in found
        if not _DIALLED.search(match[0]) and all(end <= match.start() or match.end() <= start for start, end in phones)
    )


def _is_china(number: str) -> bool:
    """Whether a number is an identity number of the mainland, by its date."""
    return bool((_EIGHTEEN if len(number) == 18 else _FIFTEEN).fullmatch(number))


def _is_taiwan(number: str) -> bool:
    """Whether a number is an identity number of Taiwan, by its check digit."""
    first = _LETTER_VALUES[number[0]]
    digits = [first // 10, first % 10, *map(int, number[1:])]
    return sum(a * b for a, b in zip(digits, (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1), strict=True)) % 10 == 0


def _is_hongkong(number: str) -> bool:
    """Whether a number is an identity number of Hong Kong, by its check digit."""
    values = [int(char, 36) for char in number[:-1]]
    values = [36] * (8 - len(values)) + values
    check = 10 if number[-1] == "A" else int(number[-1])
    return (sum(a * b for a, b in zip(values, range(9, 1, -1), strict=True)) + check) % 11 == 0


_CHECKS = {"china": _is_china, "taiwan": _is_taiwan, "hongkong": _is_hongkong}
