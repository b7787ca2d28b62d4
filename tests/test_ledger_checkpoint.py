"""Checkpoints: signed notes that other programs can read, and what follows what."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from masking.errors import IntegrityError
from masking.ledger import tree
from masking.ledger.checkpoint import Checkpoint, follows, read, sign
from masking.ledger.note import MOST_SIGNATURES, VerifierKey
from masking.ledger.tree import Tree

SEED = bytes(range(32))
ORIGIN = "waybill-masking/carrier"
KEY = VerifierKey.of_seed(ORIGIN, SEED)
AT = datetime(2026, 11, 24, 0, 30, tzinfo=UTC)
# A note and its key that the documentation of Go's package `note` made known.
PUBLISHED_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PUBLISHED_NOTE = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def point(bodies: list[bytes], **changes: object) -> Checkpoint:
    grown = Tree()
    grown.append(bodies)
    values = {"origin": ORIGIN, "size": grown.size, "root": grown.root(), "at": AT}
    return Checkpoint(**(values | changes))  # type: ignore[arg-type]


def resigned(text: str) -> str:
    """A note of any text, signed by the right key."""
    shell = sign(point([]), SEED)
    signature = Ed25519PrivateKey.from_private_bytes(SEED).sign(text.encode())
    import base64

    return f"{text}\n\u2014 {ORIGIN} {base64.b64encode(KEY.id + signature).decode()}\n" if shell else ""


def test_checkpoint_round_trips():
    signed = point([b"one", b"two"])
    note = sign(signed, SEED)
    assert read(note, KEY) == signed
    assert note.split("\n")[:2] == [ORIGIN, "2"]
    assert note.split("\n")[3:5] == ["time 2026-11-24T00:30:00.000Z", ""]


def test_published_note_verifies_under_its_published_key():
    key = VerifierKey.parse(PUBLISHED_KEY)
    with pytest.raises(IntegrityError, match="not a checkpoint of this ledger"):  # though signed by its key
        read(PUBLISHED_NOTE, key)
    with pytest.raises(IntegrityError, match="signature is wrong"):
        read(PUBLISHED_NOTE.replace("problem is", "answer is"), key)


def test_any_changed_character_of_a_note_is_refused():
    note = sign(point([b"one"]), SEED)
    for at, old in enumerate(note):
        for new in {"A", "1", "\n", " ", "="} - {old}:
            with pytest.raises(IntegrityError):
                read(note[:at] + new + note[at + 1 :], KEY)


@pytest.mark.parametrize(
    "text",
    [
        f"{ORIGIN}\n01\n{'A' * 43}=\ntime 2026-11-24T00:30:00.000Z\n",
        f"{ORIGIN}\n-1\n{'A' * 43}=\ntime 2026-11-24T00:30:00.000Z\n",
        f"{ORIGIN}\n1\n{'A' * 42}B=\ntime 2026-11-24T00:30:00.000Z\n",
        f"{ORIGIN}\n1\n{'A' * 43}=\n",
        f"{ORIGIN}\n1\n{'A' * 43}=\ntime 2026-13-24T00:30:00.000Z\n",
        f"another\n1\n{'A' * 43}=\ntime 2026-11-24T00:30:00.000Z\n",
    ],
)
def test_signed_text_that_is_not_a_checkpoint_is_refused(text):
    with pytest.raises(IntegrityError):
        read(resigned(text), KEY)


def test_signatures_of_others_are_ignored_and_do_not_suffice():
    note = sign(point([b"one"]), SEED)
    witness = "\u2014 witness.example AAAAAHdpdG5lc3M=\n"
    assert read(note + witness, KEY) == point([b"one"])
    with pytest.raises(IntegrityError):
        read(note, VerifierKey.of_seed(ORIGIN, bytes(32)))
    with pytest.raises(IntegrityError):
        read(note, VerifierKey.of_seed("waybill-masking/other", SEED))


@pytest.mark.parametrize(
    "change",
    [
        lambda note: note.replace("\n", "\r\n"),
        lambda note: note.removesuffix("\n"),
        lambda note: "\ufeff" + note,
        lambda note: note.replace("\n", "\r"),
    ],
)
def test_note_with_changed_line_ends_is_refused_as_such(change):
    with pytest.raises(IntegrityError, match="line ends"):
        read(change(sign(point([b"one"]), SEED)), KEY)


def test_note_with_two_signature_lines_of_one_key_is_refused():
    note = sign(point([b"one"]), SEED)
    own = note.splitlines(keepends=True)[-1]
    witness = "\u2014 witness.example AAAAAHdpdG5lc3M=\n"
    for twice in (own, witness * 2):
        with pytest.raises(IntegrityError, match="two signature lines"):
            read(note + twice, KEY)


def test_number_of_signature_lines_is_bounded():
    note = sign(point([b"one"]), SEED)
    others = [f"\u2014 witness-{n}.example AAAAAHdpdG5lc3M=\n" for n in range(MOST_SIGNATURES)]
    assert read(note + "".join(others[1:]), KEY) == point([b"one"])
    with pytest.raises(IntegrityError, match="more than 64"):
        read(note + "".join(others), KEY)


def test_every_ledger_continues_an_empty_one():
    assert follows(point([]), point([b"one"]), []) is None
    assert follows(point([]), point([]), []) is None
    assert follows(point([]), point([b"one"]), [bytes(32)]) == "unproven"


def test_key_reads_back_from_the_string_that_clients_pin():
    assert VerifierKey.parse(str(KEY)) == KEY
    for changed in (str(KEY)[:-1], str(KEY).replace("carrier", "carriez"), "", "a+b+c", "a+00000000+AAAA"):
        with pytest.raises(IntegrityError):
            VerifierKey.parse(changed)


def test_fork_shrink_and_foreign_ledger_are_distinguished():
    bodies = [f"leaf {n}".encode() for n in range(9)]
    grown = Tree()
    kept = grown.append(bodies)
    path = tree.proof(tree.consistency(5, 9), lambda places: {each: kept[each] for each in places})
    old, new = point(bodies[:5]), point(bodies)
    assert follows(old, new, path) is None
    assert follows(old, old, []) is None
    assert follows(new, old, []) == "shrunk"
    assert follows(old, point([b"another", *bodies[1:5]]), []) == "forked"
    assert follows(point([b"another", *bodies[1:5]]), new, path) == "unproven"
    assert follows(old, new, []) == "unproven"
    assert follows(old, point(bodies, origin="waybill-masking/other"), path) == "another-ledger"


@pytest.mark.parametrize(
    "text", ["", "a", "a+b+\u00e9", "a+b+AQ==", "\udcb3", f"a\udcb3+51bc89d9+AQ{'A' * 42}", f"+51bc89d9+AQ{'A' * 42}"]
)
def test_invalid_pinned_key_is_refused_by_name(text):
    with pytest.raises(IntegrityError, match="not a ledger's public key"):
        VerifierKey.parse(text)
