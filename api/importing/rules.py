"""What a rule's name means, for the person who has to mend the row; in the language of the file's headers."""

from __future__ import annotations

_MEANINGS = (
    ("missing-beside-the-other-number", "give waybill number and routing code together", "运单号和三段码要一起给"),
    ("missing", "nothing is written there", "没有填写"),
    ("longer-than", "the text is too long", "内容太长"),
    ("control-character", "there are signs that can't be printed", "含有不可打印的字符"),
    ("already-masked", "it is masked already: the parcel could not be delivered by it", "已经打了星号，凭它送不到"),
    (
        "spreadsheet-exponent",
        "a spreadsheet made a number of it and lost its digits: export it again as text",
        "被表格软件变成了科学计数，后几位已丢失：请按文本格式重新导出",
    ),
    ("fewer-than-7-digits", "too few digits for a phone", "电话位数不够"),
    ("not-a-phone", "this is no phone", "不是电话号码"),
    ("not-6-to-32", "6 to 32 letters, digits, hyphens", "应为 6 到 32 位字母、数字或连字符"),
    ("not-2-to-32", "2 to 32 letters, digits, blanks, hyphens", "应为 2 到 32 位字母、数字、空格或连字符"),
    ("already-used", "another order has this number", "这个单号已属于另一个订单"),
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
    (
        "lines-of-one-order-differ",
        "rows of one order number disagree here",
        "同一订单号的几行在这里不一致",
    ),
    ("more-than-", "too many rows of one order number", "同一订单号的行太多"),
    (
        "more-cells-than-headers",
        "a separator too many moved the cells; put the text in quotes",
        "多了一个分隔符，单元格错位：请给含分隔符的内容加引号",
    ),
    ("damaged-character", "bytes that are no text; export the file again", "有损坏的字符，请重新导出"),
    (
        "taken-apart-with-confidence",
        "name, phone and address can't be told apart for sure; write them in columns",
        "姓名、电话、地址分不清，请分列填写",
    ),
)


def meaning(rule: str, *, chinese: bool) -> str:
    """A sentence about a rule; the rule itself where there is none."""
    for start, english, said in _MEANINGS:
        if rule.startswith(start):
            return said if chinese else english
    return rule
