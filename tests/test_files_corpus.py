"""Every file of the corpus has the outcome that is written beside it."""

from __future__ import annotations

import pytest

from api.importing.merging import PARCEL
from masking.errors import InputError
from tests.support.order_files import CASES, SENDER, asked, case, laid_out, outcomes, write


def test_corpus_has_its_forty_files():
    assert len(CASES) >= 40


@pytest.mark.parametrize("name", CASES)
def test_every_file_has_the_outcome_written_next_to_it(name, tmp_path):
    what = case(name)
    expected = what["expect"]
    path, columns = write(what, tmp_path)
    sender = None if name == "no-sender-asks" else SENDER
    if "error" in expected:
        with pytest.raises(InputError) as caught:
            laid_out(path, columns, sender)
        assert str(caught.value) == expected["error"]
        return
    layout, found = laid_out(path, columns, sender)
    questions = asked(layout, found)
    if "questions" in expected:
        assert [text for text in expected["questions"] if text not in questions] == []
        return
    assert questions == ""
    if "read" in expected:
        assert str(layout.reading) == expected["read"]
    good, bad, orders = outcomes(layout, found)
    assert good == expected.get("orders", [])
    assert bad == expected.get("rejected", [])
    further = [each for each in orders if (part := PARCEL.search(each.reference)) and not part[0].startswith(" 1/")]
    assert found.orders == len(good) + len(bad) - len(further)
    for order in orders if "sender" in expected else ():
        sender = order.sender
        assert "|".join(x.reveal() for x in (sender.name, sender.phone, sender.address)) == expected["sender"]
