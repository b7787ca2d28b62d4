"""The words and number forms of doors, as patterns over the normal form.

`RUN` matches one number with its prefix and the word after it. `START` finds where one may begin. Patterns such as
`STREET_TAIL` and `HOUSE_TAIL` test the words before a number, those with AHEAD the text after it.
"""

from __future__ import annotations

import re

N = "一二三四五六七八九十百千零〇○两幺廿卅壹贰叁肆伍陆柒捌玖拾"
SIDE = "东西南北中左右前后"
LATIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
GONE = "\x1f"
"""Replaces each character of a phone before doors are searched for."""
STEM = "甲乙丙丁戊己庚"
BREAK = " ·,，。;；、.()（）[]【】〔〕<>《》「」“”\"'|+&:：-_/~…!！?？"

HOUSE = (
    r"(?:(?:教学|办公|综合|实验|科研|行政|门诊|住院|商务|商业|写字|外科|内科|医技|图书)大?楼"
    r"|(?:学生|男生|女生|青年|专家|研究生|教工)?(?:公寓|宿舍)楼?|厂房|车间|别墅)"
)
BUILDING = (
    rf"号?(?:楼栋?|[栋幢撞]楼?)(?![梯盘])|号?{HOUSE}|座(?!标)|排(?!水|污|档|放)|\#楼?"
    r"|舍(?!得)|斋(?![堂饭菜戒])|号?馆(?!子)|塔楼?(?!山|村|镇|乡)"
)
UNIT = r"单元|单(?![位身县元])|门(?![口诊面市头前卫楼禁铃])|梯(?![田口])"
FLOOR = r"楼层|层楼?|字楼(?![盘群])|楼(?![盘之台])|[Ff](?![A-Za-z])"
ROOM = (
    rf"号?(?:寝?室|寝|户(?!籍|外)|房(?![产屋地])|商?铺(?!面路)|[商展]位|店面|货?架(?!空)|门面房?|门市房?|门店|底商|档口?|摊位?|床位?|格口?|柜(?!台)|箱|病[区房室]|区(?=[加+]?[\d{N}]+号?床)|工位|卡位"
    r"|车位|车库|储藏室|牌位?|门牌|仓(?!库)|教室|包[间厢])"
)
ATOM = (
    rf"(?:\d{{1,2}}[十拾]\d{{0,2}}(?![\d年月])|[{N}]0\d|[A-Za-z]{{0,3}}\d+(?:[A-Za-z]\d+)?(?:(?![Ff](?![A-Za-z]))[A-Za-z]{{1,2}}(?![A-Za-z]))?[{STEM}]?"
    rf"|[{N}]+|[A-Za-z]{{1,3}}(?![A-Za-z])|[{STEM}](?=[-座栋幢单号室楼排]))"
)
JOIN = rf"[ ]?(?:[-~_/至、丨=+]|\\)[ ]?|(?<=[\d{N}])之(?=[\d{N}])|(?<=\d)一(?=[\d{N}])|(?<=\d)\.(?=[\d*])"
JOINED = re.compile(JOIN)
ROOM_LIKE = re.compile(r"[A-Za-z]{0,2}\d{3,5}[A-Za-z]?")
RUN = re.compile(
    rf"""
    (?P<lead>第|附|负|地下|[{STEM}][- ]?(?=[\d{N}])|[{SIDE}](?=(?:[{N}]{{1,3}}|\d{{1,2}})(?:号?[楼栋幢座]|单元|[门排]))|\#)?
    (?P<code>{ATOM}(?:(?:{JOIN})(?:{ATOM}|\*+|[{SIDE}](?![一-鿿])))*)
    (?:[ ]?(?:(?P<room>{ROOM})|(?P<unit>{UNIT})|(?P<floor>{FLOOR})|(?P<building>{BUILDING})|(?P<hao>号)))?
    """,
    re.VERBOSE,
)
_HEADS = rf"[\d*{GONE}A-Za-z{N}{SIDE}{STEM}第附负地首底顶夹架主裙副]"
HINT = re.compile(_HEADS)
START = re.compile(
    rf"(?={_HEADS})(?:[*{GONE}]+|\d|[{N}](?=[{N}]*(?:号|栋|幢|单(?![位身县])|字楼|病[区房室]|区[加+]?[\d{N}]+号?床|之[\d{N}]|[楼层室座门户梯排舍斋房铺档柜床#-]|一\d))|[{N}](?=0\d)|[{N}]{{3}}|(?<=校区|大学|学院)[{N}]+(?=公寓)"
    rf"|[A-Za-z]{{1,32}}+(?=\d|号|[楼栋幢房铺#]|柜(?!台)|座|别墅|单元|梯(?![田口])|塔|馆|排|室|层|户|[ ]?-[ ]?\d|[ ]?-[ ]?[A-Z](?![A-Za-z]))"
    rf"|第(?=[{N}\d]+(?:[栋幢座排户]|病[区房室]|号?楼|号?{HOUSE}))|附(?=\d)|负(?=[{N}\d])|地下(?=[{N}\d])"
    rf"|(?<![园王李张])[{STEM}](?=楼(?![村镇乡街路区]))|[{SIDE}{STEM}](?=单元|[户座栋幢室]|[{N}\d]{{1,3}}(?:单元|号?楼|[栋幢座门排]))|[{STEM}][- ]?(?=\d)|[首底顶夹]层|[底顶]楼(?!村)"
    rf"|架空层|[主裙副附东西南北前后]楼(?![村镇乡街路区]))"
)
WORD_HEADS = frozenset(f"{SIDE}{STEM}首底顶夹架主裙副附")
WORD = re.compile(
    rf"[{STEM}]楼(?![村镇乡街路区])|[{SIDE}{STEM}]{{1,2}}(?:单元|户(?![县籍])|座(?!谈)|[栋幢]|室)|[首底顶夹]层|[底顶]楼|架空层|[主裙副附东西南北前后]楼"
)
STREET_TAIL = re.compile(
    rf"(?:[路街道巷线](?:[东南西北中上下内外侧]|[东南西北中上下前后{N}]?段|[{N}]|辅路)?|胡同|环[城]?|[{N}]条|[东南西北]大[街道]|[东南西北中上下]段)$"
)
MALLS = ("天街", "金街", "商业街", "美食街", "风情街", "食街", "内街", "商街", "酒吧街")
"""Streets of shops: what has no 号 behind them is a shop."""
AND_MORE = re.compile(r"[和及与同]\d")
STREET_ENDS = frozenset(f"路街道巷线弄堂段同环城条侧内外上下{SIDE}{N}")
LANE_TAIL = re.compile(
    rf"弄堂?$|\d巷$|(?:[苑园城邸墅庄]|小区|花园|新村)[东西南北]?[{N}\d]+[街路巷道]$|[村片街路道][{N}]+巷$"
)
RURAL_TAIL = re.compile(
    r"(?:[村组队屯社庄寨湾沟坝坪坡塘冲垸乡镇营堡]|村委会?|居委会?|大队|社区|街道(?:办事处)?|农场|连)$"
)
RURAL_ENDS = frozenset("村组队屯社庄寨湾沟坝坪坡塘冲垸乡镇营堡委会区道处场连")
HOUSE_TAIL = re.compile(
    r"(?:大厦|大楼|广场|公寓|写字楼|中心|小区|花园|花苑|[苑园城座舍楼库馆府邸庭]|宿舍|国际|家属院|新村|大院|公馆|酒店|商场|市场|超市|SOHO|soho|期|\d区|[A-Za-z]区"
    r"|[一二三四五六七八九十东西南北]区)$"
)
OF_A_NAME = re.compile(
    r"号?(?:期|区|组团|地(?!下)块?|号?线|里(?![面头])|坊|条(?!件)|组|队|社(?!区)|屯|村|连(?!锁)|团|营|师|镇|乡|巷|弄|支弄|大?[路街道]|胡同|环|桥|院|出?口|井"
    r"|矿|厂|农?场|米|公里|年|部队|码头|站台?|岛|湖|山|机|生产队|大队|工区|标段?|试验|地铁|闸|泵|哨)"
    r"|工业|科技园|产业园|国道|省道|县道|乡道|高速|[中小](?![户单])|医院|幼儿园|大院|号门|分店|周年|[多余]|天(?!井)|折|元|[%％°℃]"
)
AISLE = re.compile(r"[街巷](?=[A-Za-z\d])")
BRAND_AHEAD = re.compile(
    r"-?[A-Za-z]{3,}|[一-鿿]{0,2}(?:连锁|副食|便利|超市|酒店|宾馆|广场|大厦|大楼|国际|新城|小镇|街区|创意|文创|艺术|空间|印刷厂|机械厂|KTV|网吧|会所|公馆|公社|创业)"
)
PLACE_AHEAD = re.compile(
    r"[ ]?[A-Za-z\u4e00-\u9fff·]{0,12}?(?:大厦|写字楼|大楼|广场|中心|[园苑城府庭]|公寓|小区|公司|酒店|宾馆|商场|市场|工厂|基地|学校|医院|银行|大院|国际|会所"
    r"|交易|宿舍|新村|仓库|站)"
)
PLACE_AFTER_DASH = re.compile(r"-[一-鿿]{2}")
BIG_HOUSE_AHEAD = re.compile(
    r"[一-鿿]{1,6}(?:大厦|写字楼|大楼|广场|中心)|[一-鿿]{1,4}楼(?=[\dA-Z])|[^\W\d]{2,12}?(?:\*|(?:\d+"
    r"|(?<![A-Za-z])[A-Z])(?:号[楼馆]|[栋幢座]))"
)
HOUSE_AHEAD = re.compile(rf"[ ]?(?:\d+|第?[{N}]+|[A-Z])(?:号楼|[栋幢])|[内院里]*附近")
GATE_AHEAD = re.compile(r"门(?![面市牌店诊栋\d])")
LONG_NUMBER = re.compile(r"\d{3,}(?=[ ]?-[ ]?(?:[A-Za-z]|\d+[ ]?-))")
HIGHWAY = re.compile(r"[GSXYZ]\d{1,4}$")
NUMBER_TAIL = re.compile(rf"(?:号?大?院)?(?:附\d+号|之(?:\d+|[{N}]+)|[{STEM}](?![座栋幢单\d-]))?")
TRAILING = re.compile(
    rf" ?-? ?([{SIDE}](?:[户室边手]|(?![^\W_]))|[A-Za-z]{{1,2}}(?![^\W_])|[{STEM}](?![座栋幢单\d])|之(?:\d+|[{N}]+)|[街巷](?=[A-Za-z\d]))"
)
WORDLIKE = ("SOHO", "CBD", "MOMA", "MALL", "PARK", "IFC", "WTC", "VILLA", "LOFT", "PLAZA", "CITY", "TOWN")
TAIL_HEADS = frozenset(f" -之附号大院街巷{LATIN}{SIDE}{STEM}")

CLASS = re.compile(
    rf"(?:[高初小大中][{N}]|[{N}\d]年级?|[12]\d{{3}}[级届]|[高初]|[{N}](?=[ (]))?[ (]{{0,2}}[{N}\d]{{1,2}}[ )]{{0,2}}班(?![车组子底倒])|[大中小托][{N}\d]?班(?![车组子底倒])"
)
"""A class of a school: 高三(17)班, 四年级2班, 大三班."""
SCHOOL = re.compile(r"[学校园院中]")
