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
from tests.support.sample_labels import patient

SYMBOLS = 10_000 if os.environ.get("LONG") else 500
CODES = st.text(qr.ALPHABET, min_size=1, max_size=qr.CAPACITY)
NUMBERS = st.from_regex(r"\A[A-Za-z0-9-]{6,32}\Z") | st.from_regex(r"\A[ -~]{1,12}\Z")


def qrcodes(code: str) -> bytes:
    """The same symbol by the qrcode library, packed as ours."""
    symbol = qrcode.QRCode(version=4, error_correction=qrcode.constants.ERROR_CORRECT_Q, border=0)
    symbol.add_data(qrcode.util.QRData(code, mode=qrcode.util.MODE_ALPHA_NUM))
    symbol.make(fit=False)
    return np.packbits(np.array(symbol.modules, bool), axis=1).tobytes()


def test_qr_symbols_equal_the_qrcode_librarys_bit_for_bit() -> None:
    dice = random.Random(7)
    lengths = [*range(1, qr.CAPACITY + 1), *(dice.randint(1, qr.CAPACITY) for _ in range(SYMBOLS - qr.CAPACITY))]
    codes = ["".join(dice.choices(qr.ALPHABET, k=length)) for length in lengths]
    assert qr.symbols(codes) == [qrcodes(code) for code in codes]


@pytest.mark.parametrize("bad", ["", "A" * 68, "lower", "中", "A\n"])
def test_unencodable_text_is_not_drawn(bad: str) -> None:
    assert not qr.encodable(bad)
    with pytest.raises(ValueError, match="1 to 67"):
        qr.symbols([bad])


@patient
@given(NUMBERS)
def test_another_decoder_reads_the_same_number(number: str) -> None:
    row = np.array([1 - int(bit) for bit in code128.bars(number)], np.uint8) * 255
    image = np.pad(np.tile(row.repeat(3), (60, 1)), 30, constant_values=255)
    assert decode(Image.fromarray(image)) == [number]


@pytest.mark.parametrize(("number", "symbols"), [("YT000000000001", 11), ("12345678", 6), ("123", 5), ("SF1234567", 9)])
def test_digits_are_encoded_in_pairs_where_that_is_shorter(number: str, symbols: int) -> None:
    assert (len(code128.bars(number)) - 13) // 11 == symbols
