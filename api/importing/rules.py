"""The meaning of a rule for the person who corrects the row, in the language of the file's headers.

Rules of an order are explained by their register. Here are only the rules about rows and columns of a file.
"""

from __future__ import annotations

from masking.words.chinese import in_chinese
from masking.words.rules import Rule

_OF_FILES = (
    ("other-number-missing", "give waybill number and routing code together", "运单号和三段码要一起给"),
    (
        "changed-after-checkout, ",
        "it differs from what was entered, and can't be amended any more",
        "与已录入的内容不同，且已不能更改",
    ),
    (
        "changed-after-checkout",
        "it differs from what was entered; --amend replaces that",
        "与已录入的内容不同；要改请加 --amend",
    ),
    ("lines-of-one-order-differ", "rows of one order number disagree here", "同一订单号的几行在这里不一致"),
    ("more-than-", "too many rows of one order number", "同一订单号的行太多"),
    (
        "more-cells-than-headers",
        "an extra separator moved the cells; put the text in quotes",
        "多了一个分隔符，单元格错位：请给含分隔符的内容加引号",
    ),
    (
        "spreadsheet-error",
        "a formula failed here (#N/A, #REF!); repair it, and save the values",
        "此处公式出错（#N/A、#REF! 等）：请改正，并以数值保存",
    ),
    (
        "not-a-whole-phone",
        "no phone has so many digits; give the whole phone",
        "电话位数不对，请填写完整的电话",
    ),
    (
        "without-a-road-or-place",
        "it names a region or a door but no road, village or place between; give the whole address",
        "只有地区或门牌，没有路、村或小区，请填写完整的地址",
    ),
    (
        "date-in-place-of-a-number",
        "a spreadsheet shows a date or a time here; format the column as text and type the value again",
        "表格把它显示成了日期或时间：请把该列设为文本后重新输入",
    ),
    ("placeholder", "it says that there is nothing (null, 无); give the value", "只写了“无”或 null 之类，请填写内容"),
    ("damaged-character", "bytes that are not text; export the file again", "有损坏的字符，请重新导出"),
    (
        "taken-apart-with-confidence",
        "name, phone and address can't be separated with certainty; write them in columns",
        "姓名、电话、地址分不清，请分列填写",
    ),
)


def meaning(rule: str, *, chinese: bool) -> str:
    """A sentence about a rule; the rule itself if it is unknown."""
    for start, english, text in _OF_FILES:
        if rule.startswith(start):
            return text if chinese else english
    if rule in list(Rule):
        word = Rule(rule)
        return "".join(in_chinese(word)) if chinese else f"{word.meaning} {word.remedy}"
    if rule.startswith("longer-than-"):
        return "内容太长，请缩短。" if chinese else "The text is too long. Shorten it."
    return rule
