"""The Merkle tree of RFC 6962 and RFC 9162 section 2.1 over the sequenced leaves (FORMAT.md section 9).

Only the hashes of perfect subtrees are stored. They are numbered (`node_index`) in the order in which appending completes
them, so a store only ever appends. Every other hash (roots, proofs) is computed from those.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple, Self

EMPTY_ROOT = sha256(b"").digest()


class Span(NamedTuple):
    """A range of leaves that one hash covers: from `start`, up to but not including `end`."""

    start: int
    end: int


def leaf_hash(body: bytes) -> bytes:
    """The 32-byte hash of an encoded leaf."""
    return sha256(b"\0" + body).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The 32-byte hash of a node with two children. Its prefix byte keeps it distinct from every leaf's hash."""
    return sha256(b"\1" + left + right).digest()


def stored(size: int) -> int:
    """The number of hashes stored for a tree of that size, which is also the place of the next leaf's hash."""
    return 2 * size - size.bit_count()


def node_index(span: Span) -> int:
    """The index of a perfect subtree's hash in the store.

    Before it come the hashes that were complete before its last leaf, then those that this leaf completes below it.
    """
    return stored(span.end - 1) + (span.end - span.start).bit_length() - 1


def perfect(span: Span) -> list[Span]:
    """Split a span of leaves into perfect subtrees, left to right, each smaller than the one before."""
    start, end = span
    parts = []
    while start < end:
        width = 1 << ((end - start).bit_length() - 1)
        parts.append(Span(start, start + width))
        start += width
    return parts


def fold(hashes: Sequence[bytes]) -> bytes:
    """The root hash over perfect subtrees of falling size; without any, the root of the empty tree."""
    if not hashes:
        return EMPTY_ROOT
    *rest, above = hashes
    for left in reversed(rest):
        above = node_hash(left, above)
    return above


class Tree:
    """The state needed to append: the hashes of the perfect subtrees, falling in size. About 1 KB at any tree size."""

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        self.size = size
        self.peaks = list(peaks)

    @classmethod
    def load(cls, size: int, read: Callable[[list[int]], Mapping[int, bytes]]) -> Self:
        """Load the tree of that size. `read` returns stored hashes by their places."""
        places = [node_index(part) for part in perfect(Span(0, size))]
        found = read(places)
        return cls(size, [found[each] for each in places])

    def append(self, bodies: Sequence[bytes]) -> list[bytes]:
        """Append encoded leaves and return the hashes to store, in the order of their places from `stored(size)`.

        Leaves that fill a subtree of four are hashed together, which takes an eighth less time than one by one.
        """
        made: list[bytes] = []
        first = min(-self.size % 4, len(bodies))
        last = len(bodies) - (len(bodies) - first) % 4
        for body in bodies[:first]:
            self._grow(leaf_hash(body), 0, made)
        fours = iter(bodies[first:last])
        hashed = sha256
        for a, b, c, d in zip(fours, fours, fours, fours, strict=True):
            one, two = hashed(b"\0" + a).digest(), hashed(b"\0" + b).digest()
            three, four = hashed(b"\0" + c).digest(), hashed(b"\0" + d).digest()
            left, right = hashed(b"\1" + one + two).digest(), hashed(b"\1" + three + four).digest()
            made += (one, two, left, three, four, right)
            self._grow(hashed(b"\1" + left + right).digest(), 2, made)
        for body in bodies[last:]:
            self._grow(leaf_hash(body), 0, made)
        return made

    def _grow(self, top: bytes, level: int, made: list[bytes]) -> None:
        """Add a perfect subtree of 2^level leaves with root `top`, and append each hash that it completes to `made`."""
        made.append(top)
        peaks, full = self.peaks, self.size >> level
        while full & 1:
            top = sha256(b"\1" + peaks.pop() + top).digest()
            made.append(top)
            full >>= 1
        peaks.append(top)
        self.size += 1 << level

    def root(self) -> bytes:
        """The root hash of all leaves so far."""
        return fold(self.peaks)


def inclusion(index: int, size: int) -> list[Span]:
    """The spans whose hashes prove that leaf `index` is in the tree of that size, from the leaf to the root."""
    if not 0 <= index < size:
        raise ValueError("no such leaf in a tree of that size")
    start, end = 0, size
    spans = []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            spans.append(Span(middle, end))
            end = middle
        else:
            spans.append(Span(start, middle))
            start = middle
    return spans[::-1]


def consistency(earlier: int, later: int) -> list[Span]:
    """The spans whose hashes prove that the tree of size `earlier` is a prefix of the tree of size `later`."""
    if not 0 <= earlier <= later:
        raise ValueError("the earlier tree is larger than the later one")
    if earlier in {0, later}:
        return []
    start, end = 0, later
    spans = []
    while end != earlier:
        middle = start + _split(end - start)
        if earlier <= middle:
            spans.append(Span(middle, end))
            end = middle
        else:
            spans.append(Span(start, middle))
            start = middle
    if start:  # else this hash is the earlier root, which the verifier already has
        spans.append(Span(start, end))
    return spans[::-1]


def proof(spans: Sequence[Span], read: Callable[[list[int]], Mapping[int, bytes]]) -> list[bytes]:
    """The hashes of spans, computed from stored ones. `read` is called once, with all places."""
    parts = [[node_index(part) for part in perfect(span)] for span in spans]
    found = read([each for places in parts for each in places])
    return [fold([found[each] for each in places]) for places in parts]


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether `path` proves that the leaf with hash `leaf` is at `index` under this root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    node, last, above = index, size - 1, leaf
    for sibling in path:
        if not last:
            return False
        if node & 1 or node == last:
            above = node_hash(sibling, above)
            node, last = _past_left_edge(node, last)
        else:
            above = node_hash(above, sibling)
        node, last = node >> 1, last >> 1
    return not last and above == root


def verify_consistency(earlier: int, later: int, earlier_root: bytes, later_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether `path` proves that the later tree begins with the earlier one (RFC 9162, 2.1.4.2).

    False if only the earlier tree is empty. Every tree begins with an empty one, so a caller handles that case itself.
    """
    if not 0 < earlier < later:
        return earlier == later and earlier_root == later_root and not path
    hashes = list(path)
    if not earlier & (earlier - 1):
        hashes.insert(0, earlier_root)
    if not hashes:
        return False
    node, last = earlier - 1, later - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old = new = hashes[0]
    for each in hashes[1:]:
        if not last:
            return False
        if node & 1 or node == last:
            old, new = node_hash(each, old), node_hash(each, new)
            node, last = _past_left_edge(node, last)
        else:
            new = node_hash(new, each)
        node, last = node >> 1, last >> 1
    return not last and old == earlier_root and new == later_root


def _past_left_edge(node: int, last: int) -> tuple[int, int]:
    """Move both nodes up to the first level at which `node` is a right child or the root."""
    while node and not node & 1:
        node, last = node >> 1, last >> 1
    return node, last


def _split(width: int) -> int:
    """The largest power of two below `width`, which is at least 2."""
    return 1 << ((width - 1).bit_length() - 1)
