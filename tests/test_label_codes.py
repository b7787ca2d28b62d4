"""Code 128 and QR: what is drawn is what other people's code draws and reads."""

from __future__ import annotations

import os
import random

import numpy as np
import pytest
import qrcode
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from print_templates import code128, qr
from print_templates.read import decode
from tests.labels import patient

SYMBOLS = 10_000 if os.environ.get("LONG") else 500
CODES = st.text(qr.ALPHABET, min_size=1, max_size=qr.CAPACITY)
NUMBERS = st.from_regex(r"\A[A-Za-z0-9-]{6,32}\Z") | st.from_regex(r"\A[ -~]{1,12}\Z")


def qrcodes(code: str) -> bytes:
    """The same symbol by the qrcode library, packed as ours."""
    symbol = qrcode.QRCode(version=4, error_correction=qrcode.constants.ERROR_CORRECT_Q, border=0)
    symbol.add_data(qrcode.util.QRData(code, mode=qrcode.util.MODE_ALPHA_NUM))
    symbol.make(fit=False)
    return np.packbits(np.array(symbol.modules, bool), axis=1).tobytes()


def test_qr_symbols_are_the_qrcode_librarys_bit_for_bit() -> None:
    dice = random.Random(7)
    lengths = [*range(1, qr.CAPACITY + 1), *(dice.randint(1, qr.CAPACITY) for _ in range(SYMBOLS - qr.CAPACITY))]
    codes = ["".join(dice.choices(qr.ALPHABET, k=length)) for length in lengths]
    assert qr.symbols(codes) == [qrcodes(code) for code in codes]


@patient
@given(CODES)
def test_a_symbol_reads_back_to_its_code(code: str) -> None:
    assert qr.read(qr.symbols([code])[0]) == code


@patient
@given(CODES, st.data())
def test_a_symbol_with_any_module_turned_over_is_refused(code: str, data: st.DataObject) -> None:
    symbol = bytearray(qr.symbols([code])[0])
    row, column = data.draw(st.integers(0, 32)), data.draw(st.integers(0, 32))
    symbol[row * qr.ROW_BYTES + column // 8] ^= 0x80 >> column % 8
    remainder = qr.read(bytes(symbol))
    assert remainder is None or (row, column) in _REMAINDER


_REMAINDER = {(int(r), int(c)) for r, c in zip(qr._tables().rows[800:], qr._tables().columns[800:], strict=True)}
"""Seven modules that hold no data; the standard leaves their value open."""


@pytest.mark.parametrize("bad", ["", "A" * 68, "lower", "中", "A\n"])
def test_what_the_alphabet_cannot_say_is_not_drawn(bad: str) -> None:
    assert not qr.encodable(bad)
    with pytest.raises(ValueError, match="1 to 67"):
        qr.symbols([bad])


@patient
@given(NUMBERS | st.from_regex(r"\A[A-Z]{2}[0-9]{10}99\Z"))
def test_bars_read_back_to_their_number(number: str) -> None:
    assert code128.read(code128.bars(number)) == number


@patient
@given(NUMBERS, st.data())
def test_bars_with_any_module_turned_over_are_refused(number: str, data: st.DataObject) -> None:
    bars = code128.bars(number)
    n = data.draw(st.integers(0, len(bars) - 1))
    assert code128.read(bars[:n] + "10"[int(bars[n])] + bars[n + 1 :]) is None


@patient
@given(NUMBERS)
def test_another_decoder_reads_the_same_number(number: str) -> None:
    row = np.array([1 - int(bit) for bit in code128.bars(number)], np.uint8) * 255
    image = np.pad(np.tile(row.repeat(3), (60, 1)), 30, constant_values=255)
    assert decode(Image.fromarray(image)) == [number]


@pytest.mark.parametrize(("number", "symbols"), [("YT000000000001", 11), ("12345678", 6), ("123", 5), ("SF1234567", 9)])
def test_digits_go_in_pairs_where_that_saves(number: str, symbols: int) -> None:
    assert (len(code128.bars(number)) - 13) // 11 == symbols
