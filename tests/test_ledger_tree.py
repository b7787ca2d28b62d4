"""The tree against a second, slow reading of RFC 6962, and against roots that were published with it."""

from __future__ import annotations

from hashlib import sha256
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masking.ledger import tree
from masking.ledger.tree import Span, Tree

# The eight leaves and the roots over the first one to eight of them that Certificate Transparency's tests made known.
PUBLISHED_LEAVES = [
    bytes.fromhex(each)
    for each in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
PUBLISHED_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
BODIES = [f"leaf {n}".encode() for n in range(70)]


def slow_root(bodies: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, word for word."""
    if not bodies:
        return sha256(b"").digest()
    if len(bodies) == 1:
        return sha256(b"\x00" + bodies[0]).digest()
    k = 1
    while k * 2 < len(bodies):
        k *= 2
    return sha256(b"\x01" + slow_root(bodies[:k]) + slow_root(bodies[k:])).digest()


def grown(bodies: list[bytes]) -> tuple[Tree, list[bytes]]:
    made = Tree()
    return made, made.append(bodies)


def reading(kept: list[bytes]):
    return lambda places: {each: kept[each] for each in places}


def test_published_roots_are_reproduced():
    assert [grown(PUBLISHED_LEAVES[: n + 1])[0].root().hex() for n in range(8)] == PUBLISHED_ROOTS


def test_empty_tree_has_the_hash_of_nothing():
    assert Tree().root() == tree.EMPTY_ROOT == slow_root([])


@pytest.mark.parametrize("size", range(70))
def test_every_kept_hash_is_its_subtrees_root_at_its_place(size):
    made, kept = grown(BODIES[:size])
    assert len(kept) == tree.stored(size)
    assert made.root() == slow_root(BODIES[:size])
    width, spans = 1, []
    while width <= size:
        spans += [Span(start, start + width) for start in range(0, size - width + 1, width)]
        width *= 2
    assert sorted(map(tree.node_index, spans)) == list(range(len(kept)))
    assert all(kept[tree.node_index(span)] == slow_root(BODIES[span.start : span.end]) for span in spans)


@given(st.lists(st.integers(0, 20), max_size=6))
def test_tree_grown_in_reloaded_pieces_is_the_same_tree(pieces):
    kept: list[bytes] = []
    size = 0
    for piece in pieces:
        loaded = Tree.load(size, reading(kept))
        kept += loaded.append([f"leaf {n}".encode() for n in range(size, size + piece)])
        size += piece
        assert (loaded.size, loaded.root()) == (size, slow_root([f"leaf {n}".encode() for n in range(size)]))
    assert len(kept) == tree.stored(size)


@pytest.mark.parametrize("size", range(1, 34))
def test_every_leaf_has_an_inclusion_proof_and_nothing_else_has(size):
    made, kept = grown(BODIES[:size])
    root = made.root()
    for index in range(size):
        path = tree.proof(tree.inclusion(index, size), reading(kept))
        leaf = tree.leaf_hash(BODIES[index])
        assert tree.verify_inclusion(leaf, index, size, path, root)
        assert not tree.verify_inclusion(tree.leaf_hash(b"another"), index, size, path, root)
        assert not tree.verify_inclusion(leaf, index, size, [*path, leaf], root)
        assert not any(tree.verify_inclusion(leaf, other, size, path, root) for other in range(size) if other != index)
        for at in range(len(path)):
            assert not tree.verify_inclusion(leaf, index, size, [*path[:at], leaf, *path[at + 1 :]], root)
            assert not tree.verify_inclusion(leaf, index, size, path[:at] + path[at + 1 :], root)


@pytest.mark.parametrize("later", range(34))
def test_every_earlier_tree_has_a_consistency_proof_and_no_other_has(later):
    made, kept = grown(BODIES[:later])
    new = made.root()
    for earlier in range(later + 1):
        old = slow_root(BODIES[:earlier])
        path = tree.proof(tree.consistency(earlier, later), reading(kept))
        assert tree.verify_consistency(earlier, later, old, new, path) == (earlier > 0 or later == 0)
        forked = slow_root([b"another", *BODIES[1:earlier]])
        assert not tree.verify_consistency(earlier, later, forked, new, path)
        assert not tree.verify_consistency(earlier, later, old, new, [*path, new])
        if 0 < earlier < later:
            assert not tree.verify_consistency(earlier, later, old, forked, path)
            assert not tree.verify_consistency(later, earlier, new, old, path)
        for at in range(len(path)):
            assert not tree.verify_consistency(earlier, later, old, new, path[:at] + path[at + 1 :])
            assert not tree.verify_consistency(earlier, later, old, new, [*path[:at], forked, *path[at + 1 :]])


@pytest.mark.parametrize(("index", "size"), [(0, 0), (-1, 3), (3, 3)])
def test_no_proof_is_made_for_a_missing_leaf(index, size):
    with pytest.raises(ValueError, match="no such leaf"):
        tree.inclusion(index, size)
    assert not tree.verify_inclusion(b"", index, size, [], b"")


def test_no_proof_is_made_from_a_larger_tree_to_a_smaller():
    with pytest.raises(ValueError, match="larger than the later"):
        tree.consistency(4, 3)


def test_span_splits_into_ever_smaller_perfect_subtrees():
    for start, end in ((0, 0), (0, 7), (8, 13), (32, 63)):
        parts = tree.perfect(Span(start, end))
        assert [at for part in parts for at in range(*part)] == list(range(start, end))
        assert all(left.end - left.start > right.end - right.start for left, right in pairwise(parts))
