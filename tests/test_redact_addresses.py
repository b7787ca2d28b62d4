"""What of an address may be shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masking.redact.addresses import Profile, mask_address
from masking.redact.normalise import normalise
from tests.support.redaction_cases import RedactionCase, case_lines, is_revealing, read_cases

CASES = read_cases("addresses")
DOORS = [case for case in CASES if case.hidden]

WAYS = st.sampled_from(
    [
        "浙江省杭州市西湖区文三路90号东部软件园",
        "上海市徐汇区漕溪北路1200弄",
        "河北省保定市高碑店市方官镇李家庄村二组",
        "重庆市渝中区解放碑步行街77号",
        "北京市朝阳区望京SOHO",
        "广东省深圳市南山区科苑路8号讯美科技广场",
        "湖南省长沙市岳麓区大学城天马学生公寓三期",
        "黑龙江省哈尔滨市南岗区西大直街９２号",
        "香港特別行政區九龍彌敦道700號",
        "新疆石河子市143团5连",
    ]
)
NUMBERS = st.integers(1, 40).map(str) | st.sampled_from(["十二", "三", "二十一", "７", "⑥", "B", "A2"])
ROOMS = st.integers(101, 3999).map(str) | st.sampled_from(["五〇一", "１２０３", "12B", "③〇①"])


@st.composite
def doors(draw: st.DrawFn) -> list[str]:
    """A door as pieces, between which people put separators or nothing."""
    building = draw(NUMBERS) + draw(st.sampled_from(["栋", "幢", "号楼", "座", "#"]))
    unit = draw(NUMBERS.filter(lambda n: not n.isascii() or n.isdigit())) + draw(st.sampled_from(["单元", "门", "梯"]))
    room = draw(ROOMS) + draw(st.sampled_from(["室", "户", "房", "号", ""]))
    return draw(st.sampled_from([[building, room], [building, unit, room], [building, unit], [room]]))


@pytest.mark.parametrize("case", DOORS, ids=lambda case: case.text)
def test_door_is_hidden(case: RedactionCase):
    shown = mask_address(case.text).text
    assert not [n for n in case.hidden if is_revealing(case.text[n]) and shown[n] != "*"], shown


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.text)
def test_way_to_the_door_stays(case: RedactionCase):
    shown = mask_address(case.text).text
    assert not [n for n, ch in enumerate(case.text) if ch.isalnum() and n not in case.hidden and shown[n] == "*"], shown


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.text)
def test_masking_twice_changes_nothing(case: RedactionCase):
    for profile in Profile:
        once = mask_address(case.text, profile=profile).text
        assert mask_address(once, profile=profile).text in {once, "*" * len(once)}


@given(WAYS, doors(), st.sampled_from(["", " ", "-", "，", "—"]))
def test_door_never_appears_in_the_shown_text(way, door, joint):
    text = way + joint.join(door)
    shown = mask_address(text)
    assert len(shown.text) == len(text)
    assert not [n for n in range(len(way), len(text)) if is_revealing(text[n]) and shown.text[n] != "*"], shown.text
    again = mask_address(shown.text)
    assert again.text == shown.text


@given(WAYS, doors(), st.data())
def test_separators_between_any_two_characters_hide_as_much(way, door, data):
    text = way + "".join(door)
    shown = mask_address(text).text
    at = data.draw(st.integers(len(way), len(text) - 1))
    sign = data.draw(st.sampled_from([" ", "\u3000", "\u200b", "·", "|"]))
    other = mask_address(text[:at] + sign + text[at:]).text
    told = [ch for ch in other[len(way) :] if is_revealing(ch)]
    assert len(told) <= sum(is_revealing(ch) for ch in shown[len(way) :]), other


@given(st.text(alphabet="中山路号12栋单元室·—１⑩㊙ \u200be\u0301𝟙號樓A-【】(附近一二)村组", max_size=40))
def test_hidden_spans_are_of_the_original_text(text):
    shown = mask_address(text)
    assert len(shown.text) == len(text)
    hidden = {n for start, end in shown.hidden for n in range(start, end)}
    assert all(shown.text[n] == ("*" if n in hidden else ch) for n, ch in enumerate(text))


@given(st.text(max_size=60))
def test_normal_form_maps_back_to_the_original_text(text):
    normal = normalise(text)
    assert normal.back(0, len(normal.text))[1] == len(text) or not normal.text
    for n in range(len(normal.text)):
        start, end = normal.back(n, n + 1)
        assert 0 <= start < end <= len(text)


@pytest.mark.parametrize("way", case_lines("ways"))
def test_way_without_a_door_is_shown_whole(way):
    assert mask_address(way).text == way


@pytest.mark.parametrize("door", read_cases("doors"), ids=lambda case: case.text)
def test_every_form_of_door_is_hidden_behind_every_way(door: RedactionCase):
    hidden = door.hidden or range(len(door.text))
    for way in case_lines("ways"):
        if way.startswith(
            ("重庆", "辽宁", "上海宝山", "四川成都锦", "广西", "云南昆明", "福建三明", "江苏连", "湖北荆", "北京海")
        ):
            continue  # ends in a road, where a number is the road's
        before = way.removesuffix("】")
        text = before + door.text + way[len(before) :]
        shown = mask_address(text).text
        assert not [n for n in hidden if is_revealing(door.text[n]) and shown[len(before) + n] != "*"], shown


def test_letter_behind_a_name_in_latin_script_belongs_to_the_door():
    assert mask_address("北京市朝阳区望京SOHOA 101户").text == "北京市朝阳区望京SOHO******"


def test_each_profile_shows_less_than_the_one_before():
    text = "江苏省南京市鼓楼区汉口路22号南园小区5幢1单元302室"
    shown = {profile: mask_address(text, profile=profile).text for profile in Profile}
    assert shown == {
        Profile.LABEL: "江苏省南京市鼓楼区汉口路22号南园小区*********",
        Profile.SCREEN: "江苏省南京市鼓楼区汉口路22号南园小区5幢*******",
        Profile.STRICT: "江苏省南京市鼓楼区*******************",
    }


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("太原市小店区学府街阳光苑12-1-1602", "阳光苑12-******"),
        ("葫芦岛市龙港区龙兴家园3-1-1002#", "家园3-*******"),
        ("长沙市岳麓区桐梓坡路示例学院36栋1门301#", "学院36栋******"),
        ("上海市闵行区莘松路958弄18号1602室", "958弄18号*****"),
        ("青岛市崂山区辽阳东路12号鹏利南华1701-1706", "鹏利南华*********"),
        ("上海市浦东新区向城路19号16楼C座", "19号*****"),
        ("济南市长清区平安店镇肉类市场12号", "肉类市场***"),
        ("河北省高碑店市方官镇李家庄村二组17号", "二组***"),
        ("武汉市洪山区华中医院住院部3号楼12层7病区25床", "3号楼*********"),
    ],
)
def test_screen_hides_what_the_standard_demands_and_shows_the_building(text, shown):
    assert mask_address(text, profile=Profile.SCREEN).text.endswith(shown)


def test_thousand_digits_do_not_stall():
    assert set(mask_address("1" * 500 + "一" * 500).text) <= {"*", "一"}
