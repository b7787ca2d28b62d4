"""Code 128 encoder (ISO/IEC 15417) for waybill numbers."""

from __future__ import annotations

import re
from functools import lru_cache

WIDTHS = (
    "212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232 122132 122231 113222 "
    "123122 123221 223211 221132 221231 213212 223112 312131 311222 321122 321221 312212 322112 322211 212123 212321 "
    "232121 111323 131123 131321 112313 132113 132311 211313 231113 231311 112133 112331 132131 113123 113321 133121 "
    "313121 211331 231131 213113 213311 213131 311123 311321 331121 312113 312311 332111 314111 221411 431111 111224 "
    "111422 121124 121421 141122 141221 112214 112412 122114 122411 142112 142211 241211 221114 413111 241112 134111 "
    "111242 121142 121241 114212 124112 124211 411212 421112 421211 212141 214121 412121 111143 111341 131141 114113 "
    "114311 411113 411311 113141 114131 311141 411131 211412 211214 211232 "
)
"""Widths of the three bars and three spaces of each of the 106 values (table 1 of the standard)."""
STOP = "2331112"
CODE_C, CODE_B, START_B, START_C = 99, 100, 104, 105
QUIET = 10
"""Width of the quiet zone on either side, in modules."""

_BARS = ["".join("10"[n % 2] * int(width) for n, width in enumerate(widths)) for widths in WIDTHS.split()]
_STOP = "".join("10"[n % 2] * int(width) for n, width in enumerate(STOP))


@lru_cache(maxsize=64)
def bars(text: str) -> str:
    """Encode a string as modules, "1" for a bar, without quiet zones. Uses the fewest symbols that sets B and C allow.

    Raises:
        ValueError: the string is empty or has a character outside printable ASCII.
    """
    if not re.fullmatch(r"[ -~]+", text):
        raise ValueError("Code 128 needs at least one character, and only printable ASCII")
    values = _values(text)
    check = (values[0] + sum(n * value for n, value in enumerate(values))) % 103
    return "".join(_BARS[value] for value in [*values, check]) + _STOP


def _values(text: str) -> list[int]:
    """Start and data values. Set C is used for four digits at either end, or six between (annex E of the standard)."""
    values: list[int] = []
    pairs = False
    for part in re.findall(r"\d+|\D+", text):
        at_end = not values or text.endswith(part)
        whole = len(part) // 2 * 2
        if not part[0].isdigit() or not (whole >= (4 if at_end else 6) or (part == text and len(part) == 2)):
            values += ([CODE_B] if pairs else []) if values else [START_B]
            pairs = False
            values += [ord(char) - 32 for char in part]
            continue
        if len(part) % 2 and values:  # the odd digit is encoded in the current set
            values.append(ord(part[0]) - 32)
            part = part[1:]  # noqa: PLW2901
        values += [CODE_C] if values else [START_C]
        pairs = True
        values += [int(part[n : n + 2]) for n in range(0, whole, 2)]
        if len(part) % 2:
            values += [CODE_B, ord(part[-1]) - 32]
            pairs = False
    return values
