"""The region at the start of an address: province, city, district, town, and the division code for routing.

Names may be full or short, current or old, repeated, in any order, with fillers between. A short name counts only where it
can't be the name of a road or a place (中山西路 is not a city). The short name of a district counts only after its province
or city. A level that the address doesn't name stays empty.
"""

from __future__ import annotations

import re
from typing import NamedTuple, final

from masking.redact.divisions import Table, table, towns_of
from masking.redact.spans import Span

_SKIP = re.compile(
    r"(?:[\s*,，。.、:：;；/\\|_\-·()（）【】\[\]]|中国|中华人民共和国|市辖区|[全市]区|全[境县]|城区|县城[内区]?|境内|省?直辖县级行政区划"
    r"|[一二三四五六内中外]环(?:[到至-][一二三四五六内中外]环)?(?:之间|以内|以外|内|外|里))+"
)
FILLER = 64
"""How many characters before a name are searched for filler."""
_SIGNS = " *,，。.、:：;；/\\|_-·()（）【】[]"
_ROAD = re.compile(
    r"[正老新横直]?[东南西北中上下前后]?[一二三四五六七八九十\d]?[东南西北中]?(?:路|街(?!道)|大街|大道|道(?![里外真孚县区])|巷(?!口)|弄|胡同|支路|公路|高速)"
)
_STREET = re.compile(r"路(?!南|北|桥|竹)|街(?!道)|大[街道]|[东南西北中][路街]")
_NAMED_AFTER = re.compile(
    r"[东南西北一二三四五六七八九十]?(?:大[厦楼]|广场|花[园苑]|家[园苑]|小区|公寓|新[村城]"
    r"|大?酒店|宾馆|饭[店庄]|医院|大学|学[院校]|[中小]学|银行|机场|火车站|高铁|商[场城厦贸]|公园|人[家民]|城市|国际|师范|集团|公司|老窖"
    r"|[里桥门村镇乡庄寨屯山湖河江港湾园苑院府楼塔庙寺站厂店馆阁市县区])"
)
_PLACE = re.compile(
    r"(?:经济|高新|保税|工业|科技|软件|产业|文化|体育|中心|古镇|景区|风景|大堤|商业|步行街|码头|[城湾岛])"
)
_TOWN = re.compile(r"[^\W\d路街号村社区县市]{1,7}(?:街道办事处|街道|镇|乡|苏木)(?![路街巷大中])")
MUNICIPALITIES = frozenset({"11", "12", "31", "50"})
"""The codes of the provinces that are one city."""


@final
class Region(NamedTuple):
    """The region that an address names. Names are in their official form, empty for levels that are not named.

    `code` has two, four or six digits (nine with a town). `spans` are the region's names in the address. `end` is the end
    of the run of region names.
    """

    province: str = ""
    city: str = ""
    district: str = ""
    town: str = ""
    code: str = ""
    spans: tuple[Span, ...] = ()
    end: int = 0


_NOWHERE = Region()
_Paths = frozenset[str]
_ANYWHERE: _Paths = frozenset([""])


class _Name(NamedTuple):
    start: int
    end: int
    word: str
    codes: tuple[str, ...]
    full: bool


def find_region(text: str) -> Region:
    """The region that an address (in normal form) names at its start, or else first inside it."""
    known = table()
    names, paths = _run(text, 0, known)
    if not names:
        names, paths = _later(text, known)
        if not names:
            return _NOWHERE
    if all(len(path) < 6 for path in paths):
        inner = _inside(text, names[-1].end, known, paths)
        if inner:
            names.append(inner)
            paths = _joined(paths, inner)
    return _region(paths, names, known)


def find_town(text: str, region: Region) -> Region:
    """Add the town that follows the names of a region in an address."""
    at = region.end
    skipped = _SKIP.match(text, at)
    at = skipped.end() if skipped else at
    home = region.code if len(region.code) == 6 else region.code[:4]
    for name, short, code in towns_of(home).get(text[at : at + 2], ()):
        if text.startswith(name, at) or (
            text.startswith(short, at)
            and len(short) >= 2
            and short[-1] not in "路街巷道"
            and not _taken(text, at + len(short))
        ):
            return region._replace(town=name, code=home.ljust(6, "0") + code)
    written = _TOWN.match(text, at)
    return region._replace(town=written[0].removesuffix("办事处")) if written else region


def filler(text: str, at: int, *, before: bool = False) -> int:
    """The end of the filler (punctuation, 中国, 市辖区, 二环以内) after a position, or with `before` its start before it."""
    if not before:
        skipped = _SKIP.match(text, at)
        return at + len(skipped[0].rstrip(_SIGNS)) if skipped else at
    heads = [match.start() for match in _SKIP.finditer(text, max(0, at - FILLER), at) if match.end() == at]
    return at - len(text[heads[-1] : at].lstrip(_SIGNS)) if heads else at


def _taken(text: str, at: int) -> bool:
    return bool(_ROAD.match(text, at) or _NAMED_AFTER.match(text, at) or _PLACE.match(text, at))


def _run(text: str, at: int, known: Table) -> tuple[list[_Name], _Paths]:
    """The names of divisions that follow each other from a position, and the division codes that they can mean."""
    names: list[_Name] = []
    paths = _ANYWHERE
    while True:
        name = _name(text, at, known, paths)
        if name is None:
            skipped = _SKIP.match(text, at)
            if not skipped:
                return names, paths
            at = skipped.end()
            name = _name(text, at, known, paths)
            if name is None:
                return names, paths
        names.append(name)
        paths = _joined(paths, name)
        at = name.end


def _name(text: str, at: int, known: Table, paths: _Paths) -> _Name | None:
    """The longest name at a position that can be a division there."""
    for size in known.lengths.get(text[at : at + 2], ()):
        word = text[at : at + size]
        end = at + size
        if len(word) < size or (word[-1] == "市" and _begins_district(text, end - 1, known.names.get(word, ()), known)):
            continue
        codes = known.names.get(word)
        if codes and not _STREET.match(text, end) and (size > 2 or _fits_short(text, end, codes, paths)):
            return _Name(at, end, word, codes, full=True)
        codes = known.shorts.get(word)
        if codes is None:
            continue
        if paths is not _ANYWHERE:
            codes = tuple([code for code in codes if _fits(code, paths)])
        if not codes or _more(text, end, known, codes):
            pass
        elif _ROAD.match(text, end) or _NAMED_AFTER.match(text, end):
            return None  # 内蒙古路 is not 内蒙 either
        high = tuple([code for code in codes if len(code) < 6])
        if not high and (paths is _ANYWHERE or any(len(path) == 6 for path in paths) or _PLACE.match(text, end)):
            continue
        if codes:
            return _Name(at, end, word, high if paths is _ANYWHERE else codes, full=False)
    return None


def _begins_district(text: str, at: int, cities: tuple[str, ...], known: Table) -> bool:
    """Whether 市 begins the name of a district of the city: 青岛市北区, but not 攀枝花市东区."""
    return any(code.startswith(city) for code in known.names.get(text[at : at + 3], ()) for city in cities)


def _more(text: str, at: int, known: Table, codes: tuple[str, ...]) -> bool:
    """Whether the name of a division inside or above one of these divisions begins here."""
    return any(
        code.startswith(inner) or inner.startswith(code)
        for size in known.lengths.get(text[at : at + 2], ())
        for inner in known.names.get(text[at : at + size]) or known.shorts.get(text[at : at + size], ())
        for code in codes
    )


def _fits_short(text: str, end: int, codes: tuple[str, ...], paths: _Paths) -> bool:
    """Whether a full name of two characters (郏县, 九龙) is plausible: in its division, or at the start of an address."""
    if paths is not _ANYWHERE:
        return any(_fits(code, paths) for code in codes)
    return all(len(code) == 6 for code in codes) and not _taken(text, end)


def _fits(code: str, paths: _Paths) -> bool:
    return any(code.startswith(path) or path.startswith(code) for path in paths)


def _joined(paths: _Paths, name: _Name) -> _Paths:
    """Narrow the paths by one more name. A full name corrects the city, but not the province."""
    if len(paths) == 1 and len(name.codes) == 1:
        (path,), (code,) = paths, name.codes
        if path.startswith(code):
            return paths
        if code.startswith(path):
            return frozenset(name.codes)
    new = {max(p, c, key=len) for p in paths for c in name.codes if p.startswith(c) or c.startswith(p)}
    if not new and name.full and any(len(path) < 6 for path in paths):
        new = {c for c in name.codes for p in paths if c[:2] == p[:2] and len(c) > 2}
    return frozenset(new) or paths


def _later(text: str, known: Table) -> tuple[list[_Name], _Paths]:
    """The run of region names inside an address, which must begin with a full name."""
    for at in range(1, len(text) - 2):
        for size in known.lengths.get(text[at : at + 2], ()):
            if size > 2 and text[at : at + size] in known.names and not _taken(text, at + size):
                return _run(text, at, known)
    return [], _ANYWHERE


def _inside(text: str, at: int, known: Table, paths: _Paths) -> _Name | None:
    """The full name of a district of the city found so far, further on in the address."""
    if text.find("区", at) < 0 and text.find("县", at) < 0:
        return None
    found = []
    for city in paths:
        listed = known.districts.get(city, ()) if city not in MUNICIPALITIES else known.districts[city + "01"]
        for name, code in listed:
            where = text.find(name, at) if len(name) > 2 else -1
            if where >= 0 and not _taken(text, where + len(name)):
                found.append(_Name(where, where + len(name), name, (code,), full=True))
    return min(found) if found else None


def _region(paths: _Paths, names: list[_Name], known: Table) -> Region:
    """The region that all paths agree on. An old name of the district is kept if the address uses it."""
    spans = tuple([(name.start, name.end) for name in names])
    end = names[-1].end
    alive = {path for path in paths if path in known.by_code} or paths
    code = min(alive, key=len)
    district = ""
    if not all(path.startswith(code) for path in alive):
        titles = {known.by_code.get(path, "") for path in alive}
        district = titles.pop() if len(titles) == 1 and len(code) == 6 else ""
        code = code[:2] if len({path[:2] for path in alive}) == 1 else ""
    elif len(code) == 6:
        written = [name.word for name in names if code in name.codes and name.full]
        current = known.by_code.get(code, "")
        old = [word for word in written if (code, word) in known.gone]
        district = old[-1] if old and current not in written else current
    city = known.by_code.get(code[:4], "") if len(code) >= 4 else ""
    if code[:2] in MUNICIPALITIES:
        city = known.by_code[code[:2]]
    return Region(known.by_code.get(code[:2], ""), city, district, "", code, spans, end)
