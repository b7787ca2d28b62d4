"""Writes `tests/vectors/FORMAT/CASE.json`: one case a file, the name is the case (FORMAT.md).

Those of the ledger, and of envelopes and certificates, come from the two files next to it. Everything but HPKE's own randomness comes from fixed seeds,
so a second run changes nothing; archive keys are kept as they are once they exist. Run from the repository's root: `python scripts/make_vectors.py`.
"""

from __future__ import annotations

import hashlib
import json
import runpy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from masking.crypto import archive, index, labelcode, rowmac
from masking.crypto.encoding import framed
from masking.crypto.keys import DayWrapper, FileKeySource
from masking.crypto.seal import seal_fields
from masking.values.plaintext import Plain

FOLDER = Path("tests/vectors")
TENANT, DAY = "carrier", "2026-11-24"
RECORD = bytes.fromhex("0193586a2c00") + bytes(range(10))
INTEGRITY = {"error": "IntegrityError"}
Case = tuple[str, dict[str, Any], Any]


def seed(name: str, size: int = 32) -> bytes:
    """Bytes that are the same on every run."""
    return hashlib.shake_256(b"waybill-masking vectors: " + name.encode()).digest(size)


def dice(name: str) -> Callable[[int], bytes]:
    """Entropy that falls as `name` says."""
    return lambda size: seed(name, size)


def flipped(blob: bytes, place: int) -> bytes:
    """The blob with one bit changed."""
    changed = bytearray(blob)
    changed[place] ^= 1
    return bytes(changed)


def sealed_field() -> Iterator[Case]:
    """Section 2."""
    key = seed("waybill key")

    def case(field: str, sealed: bytes, **changes: str) -> dict[str, str]:
        given = {"key": key.hex(), "tenant": TENANT, "record": RECORD.hex(), "field": field, "sealed": sealed.hex()}
        return given | changes

    def forged(padded: bytes) -> bytes:
        """What only a holder of the key could make: authentic, and still not the format."""
        nonce = seed("forged", 12)
        context = framed("waybill-masking/field/1", TENANT, RECORD) + b"goods"
        return b"\x01" + nonce + AESGCM(key).encrypt(nonce, padded, context)

    texts = {
        "a-name": ("recipient.name", "欧阳测试"),
        "a-phone": ("recipient.phone", "13800000001"),
        "an-address-of-three-blocks": ("recipient.address", "上海市浦东新区世纪大道100号3栋2单元501室"),
        "an-empty-remark": ("remark", ""),
        "a-text-that-fills-its-block": ("goods", "x" * 32),
        "a-text-one-byte-longer-than-a-block": ("goods", "x" * 33),
        "a-text-with-a-zero-byte-in-it": ("goods", "x\0x"),
        "characters-of-four-bytes": ("recipient.name", "𠮷𡈽"),
        "a-field-name-beyond-ascii": ("备注", "轻放"),
    }
    for name, (field, text) in texts.items():
        [sealed] = seal_fields(key, TENANT, RECORD, {field: Plain(text)}, dice(name)).values()
        yield name, case(field, sealed), text
    [sealed] = seal_fields(key, TENANT, RECORD, {"goods": Plain("书")}, dice("moved")).values()
    moved = bytearray(RECORD)
    moved[-1] += 1
    refused = {
        "opened-with-another-key": case("goods", sealed, key=seed("another key").hex()),
        "opened-in-another-row": case("goods", sealed, record=moved.hex()),
        "opened-as-another-field": case("remark", sealed),
        "opened-as-a-longer-field": case("goods2", sealed),
        "opened-for-another-tenant": case("goods", sealed, tenant="carrier2"),
        "a-later-version": case("goods", b"\x02" + sealed[1:]),
        "a-changed-nonce": case("goods", flipped(sealed, 1)),
        "a-changed-text": case("goods", flipped(sealed, 13)),
        "a-changed-tag": case("goods", flipped(sealed, -1)),
        "cut-by-one-byte": case("goods", sealed[:-1]),
        "longer-by-one-byte": case("goods", sealed + b"\0"),
        "only-a-version": case("goods", b"\x01"),
        "nothing": case("goods", b""),
        "no-utf-8": case("goods", forged(b"\xff".ljust(32, b"\0"))),
    }
    yield from ((name, given, INTEGRITY) for name, given in refused.items())


def root_wrap() -> Iterator[Case]:
    """Section 3, the root."""
    root, key = seed("root"), seed("online key")
    blob = FileKeySource(root).wrap("online/2026-11-24", key, dice("root wrap"))
    good = {"root": root.hex(), "name": "online/2026-11-24", "blob": blob.hex()}
    yield "a-day-key", good, key.hex()
    long = seed("label key", 64)
    blob64 = FileKeySource(root).wrap("label/1", long, dice("label wrap"))
    yield "a-label-key", good | {"name": "label/1", "blob": blob64.hex()}, long.hex()
    yield "under-another-name", good | {"name": "archive/2026-11-24"}, INTEGRITY
    yield "under-another-root", good | {"root": seed("another root").hex()}, INTEGRITY
    yield "a-later-version", good | {"blob": "02" + blob.hex()[2:]}, INTEGRITY
    yield "a-changed-key", good | {"blob": flipped(blob, 13).hex()}, INTEGRITY
    yield "cut-by-one-byte", good | {"blob": blob[:-1].hex()}, INTEGRITY
    yield "nothing", good | {"blob": ""}, INTEGRITY


def day_wrap() -> Iterator[Case]:
    """Section 3, the days."""
    day_key, key = seed("online key"), seed("waybill key")
    good = {"key": day_key.hex(), "kind": "online", "day": DAY, "tenant": TENANT, "record": RECORD.hex()}
    blob = DayWrapper("online", DAY, day_key).wrap(TENANT, RECORD, 1, key, dice("day wrap"))
    given: dict[str, Any] = good | {"generation": 1, "blob": blob.hex()}
    yield "an-online-wrap", given, key.hex()
    archived = DayWrapper("archive", DAY, day_key).wrap(TENANT, RECORD, 2, key, dice("archive wrap"))
    yield "an-archive-wrap", given | {"kind": "archive", "generation": 2, "blob": archived.hex()}, key.hex()
    yield "as-the-other-kind", given | {"kind": "archive"}, INTEGRITY
    yield "of-another-day", given | {"day": "2026-11-25"}, INTEGRITY
    yield "for-another-tenant", given | {"tenant": "carrier2"}, INTEGRITY
    yield "for-another-record", given | {"record": flipped(RECORD, 15).hex()}, INTEGRITY
    yield "of-another-generation", given | {"generation": 2}, INTEGRITY
    yield "under-another-day-key", given | {"key": seed("another day").hex()}, INTEGRITY
    yield "a-later-version", given | {"blob": "02" + blob.hex()[2:]}, INTEGRITY
    yield "cut-by-one-byte", given | {"blob": blob[:-1].hex()}, INTEGRITY


def label_code() -> Iterator[Case]:
    """Section 4. What is not a code is null, never an error."""
    key = seed("label key", 64)
    code = labelcode.encode(1, key, TENANT, RECORD, 1)
    good: dict[str, Any] = {"keys": {"1": key.hex()}, "tenant": TENANT, "code": code}
    yield "a-first-print", good, {"record": RECORD.hex(), "print_number": 1}
    last = labelcode.encode(255, key, TENANT, RECORD, 65535)
    yield (
        "the-last-print",
        good | {"keys": {"255": key.hex()}, "code": last},
        {"record": RECORD.hex(), "print_number": 65535},
    )
    zero = next(place for place in range(3, 59) if code[place] == "0")
    one = next(place for place in range(3, 59) if code[place] == "1")
    refused = {
        "small-letters": code.lower(),
        "the-alias-o-for-zero": code[:zero] + "O" + code[zero + 1 :],
        "the-alias-l-for-one": code[:one] + "L" + code[one + 1 :],
        "the-letter-u": code[:-1] + "U",
        "a-changed-character": code[:20] + ("0" if code[20] != "0" else "2") + code[21:],
        "another-key-id": code[:3] + "0G" + code[5:],
        "a-later-version": "WB2" + code[3:],
        "one-character-less": code[:-1],
        "one-character-more": code + "0",
        "a-line-break-behind-it": code + "\n",
        "a-line-break-in-it": code[:-1] + "\n",
        "an-underscore-in-it": code[:30] + "_" + code[31:],
        "a-full-width-digit": code[:zero] + "\uff10" + code[zero + 1 :],
        "a-waybill-number": "YT0000000000001",
        "nothing": "",
    }
    yield from ((name, good | {"code": text}, None) for name, text in refused.items())
    yield "of-another-tenant", good | {"tenant": "carrier2"}, None
    yield "by-a-key-that-died", good | {"keys": {}}, None


def waybill_id() -> Iterator[Case]:
    """Section 1. What is not a token is null."""
    text = str(index.waybill_id_of(RECORD))
    yield "a-waybill-id", {"waybill_id": text}, RECORD.hex()
    yield "of-all-ones", {"waybill_id": str(index.waybill_id_of(b"\xff" * 16))}, "ff" * 16
    refused = {
        "capitals": "wb1_" + text[4:].upper(),
        "a-capital-prefix": "WB1_" + text[4:],
        "unused-bits": text[:-1] + "1",
        "the-alias-o-for-zero": "wb1_o" + text[5:],
        "no-prefix": text[4:],
        "a-later-version": "wb2_" + text[4:],
        "one-character-less": text[:-1],
        "one-character-more": text + "0",
        "a-letter-that-folds-to-ascii": text[:-1] + "\u212a",  # the Kelvin sign, whose small letter is k
        "nothing": "",
    }
    yield from ((name, {"waybill_id": wrong}, None) for name, wrong in refused.items())


def person_index() -> Iterator[Case]:
    """Section 5."""
    for name, phone in {"a-mobile": "13800000001", "a-phone-with-extension": "02100000000-8123"}.items():
        given = {"key": seed("person key").hex(), "phone": phone}
        yield name, given, index.person_index(seed("person key"), phone).hex()


def merge_reference() -> Iterator[Case]:
    """Section 5."""
    key = seed("merge key")
    reference = index.merge_reference(key, "欧阳测试", "13800000001", "世纪大道100号3栋501室")
    given = {"key": key.hex(), "name": "欧阳测试", "phone": "13800000001", "address": "世纪大道100号3栋501室"}
    yield "a-buyer", given, reference
    wide = given | {"name": "欧阳 测试", "address": "世纪大道１００号　3栋501室"}
    yield "the-same-buyer-in-wide-digits-and-blanks", wide, reference
    other = index.merge_reference(key, "欧阳测试", "13800000001", "世纪大道100号3栋502室")
    yield "the-next-door", given | {"address": "世纪大道100号3栋502室"}, other


def content_mac() -> Iterator[Case]:
    """Section 5."""
    key = seed("waybill key")
    for name, fields, extra in (
        ("two-fields", {"goods": "书", "remark": ""}, [""]),
        ("in-another-order", {"remark": "", "goods": "书"}, [""]),
        ("with-an-extra", {"goods": "书", "remark": ""}, ["show-goods"]),
        ("an-extra-that-looks-like-a-field", {"goods": "书"}, ["remark", ""]),
        ("nothing", {}, []),
    ):
        mac = index.content_mac(key, {field: Plain(text) for field, text in fields.items()}, extra)
        yield name, {"key": key.hex(), "fields": fields, "extra": extra}, mac.hex()


def row_mac() -> Iterator[Case]:
    """Section 11. Values are texts, numbers, booleans, null, or bytes as {"hex": ...}."""
    key = seed("row key")
    duty: dict[str, rowmac.Value] = {
        "id": RECORD,
        "waybill": RECORD,
        "unit": "sh-01",
        "courier": "courier-7",
        "at": 1_764_000_000_000,
    }
    rows: tuple[tuple[str, str, dict[str, rowmac.Value]], ...] = (
        ("a-row", "assignment", duty),
        ("of-another-table", "person", duty),
        ("of-another-id", "assignment", duty | {"id": bytes(16)}),
        ("with-null-and-booleans", "person", {"id": "courier-7", "device": None, "active": True, "level": ""}),
        ("with-an-empty-text-for-null", "person", {"id": "courier-7", "device": "", "active": False, "level": None}),
        ("before-1970", "person", {"enrolled": -1}),
    )
    for name, table, row in rows:
        mac = rowmac.row_mac(key, rowmac.row_head(table, list(row)), row.values())
        values = {column: {"hex": value.hex()} if isinstance(value, bytes) else value for column, value in row.items()}
        yield name, {"key": key.hex(), "table": table, "row": values}, mac.hex()


def archived_key() -> Iterator[Case]:
    """Section 7. HPKE draws its own randomness, so the blob of an earlier run stays."""
    private, key = seed("offline key"), seed("archive key")
    public = X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
    earlier = FOLDER / "archived-key" / "a-day-key.json"
    if earlier.exists():
        blob = bytes.fromhex(json.loads(earlier.read_text("utf-8"))["given"]["blob"])
    else:
        blob = archive.seal_day_key(public, DAY, key)
    good = {"private": private.hex(), "day": DAY, "blob": blob.hex()}
    yield "a-day-key", good, key.hex()
    yield "of-another-day", good | {"day": "2026-11-25"}, INTEGRITY
    yield "sealed-to-another-key", good | {"private": seed("another offline key").hex()}, INTEGRITY
    yield "a-later-version", good | {"blob": "02" + blob.hex()[2:]}, INTEGRITY
    yield "a-changed-share", good | {"blob": flipped(blob, 1).hex()}, INTEGRITY
    yield "a-share-of-low-order", good | {"blob": (b"\x01" + bytes(32) + blob[33:]).hex()}, INTEGRITY
    yield "a-changed-text", good | {"blob": flipped(blob, -1).hex()}, INTEGRITY
    yield "cut-to-the-share", good | {"blob": blob[:33].hex()}, INTEGRITY
    yield "nothing", good | {"blob": ""}, INTEGRITY


FORMATS: dict[str, Callable[[], Iterator[Case]]] = {
    "sealed-field": sealed_field,
    "root-wrap": root_wrap,
    "day-wrap": day_wrap,
    "label-code": label_code,
    "waybill-id": waybill_id,
    "person-index": person_index,
    "merge-reference": merge_reference,
    "content-mac": content_mac,
    "row-mac": row_mac,
    "archived-key": archived_key,
    **runpy.run_path(str(Path(__file__).with_name("source_vectors.py")))["FORMATS"],
    **runpy.run_path(str(Path(__file__).with_name("ledger_vectors.py")))["FORMATS"],
}


def cases() -> dict[Path, str]:
    """The content of every file, by its path below the repository's root."""
    return {
        FOLDER / name / f"{case}.json": json.dumps({"given": given, "expect": expect}, ensure_ascii=True, indent=1)
        + "\n"
        for name, make in FORMATS.items()
        for case, given, expect in make()
    }


def main() -> None:
    """Write the files, and remove those of cases that are no more (in the folders of these formats only)."""
    wanted = cases()
    for name in FORMATS:
        for found in (FOLDER / name).glob("*.json"):
            if found not in wanted:
                found.unlink()
    for path, content in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
    print(f"{len(wanted)} cases in {len(FORMATS)} formats")


if __name__ == "__main__":
    main()
