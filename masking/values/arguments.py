"""Type checks for the arguments of a shop's methods, before anything is sent or stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from masking.values.plaintext import Order

PAGE = 100
"""The most waybills in one answer of `find`."""


def orders(given: Iterable[Order]) -> Iterator[Order]:
    """Yield the orders, each checked as it is consumed.

    Raises:
        TypeError: `given` is not an iterable of `masking.Order`.
    """
    for n, each in enumerate(_many(given, "orders"), 1):
        if not isinstance(each, Order):
            raise TypeError(f"orders: item {n} is of type {type(each).__name__}; give masking.Order objects")
        yield each


def corrected(given: Iterable[Any]) -> list[tuple[str, Order]]:
    """Check pairs of a waybill id and an order.

    Raises:
        TypeError: an item has another type.
    """
    return [(each[0], each[1]) for each in _tuples(given, "corrected", (str, Order), "(id, masking.Order)")]


def numbers(given: Iterable[Any]) -> list[tuple[str, str, str]]:
    """Check triples of a waybill id, a waybill number and a routing code.

    Raises:
        TypeError: an item has another type.
    """
    triples = _tuples(given, "numbers", (str, str, str), "(id, waybill number, routing code), all strings")
    return [(each[0], each[1], each[2]) for each in triples]


def ids(given: Iterable[Any]) -> list[Any]:
    """Check a list of waybill ids.

    Raises:
        TypeError: an item is not a string, or `given` is a single string.
    """
    found = list(_many(given, "ids"))
    for n, each in enumerate(found, 1):
        if not isinstance(each, str):
            raise TypeError(f"ids: item {n} is of type {type(each).__name__}; give the id of a waybill, a string")
    return found


def _many(given: Iterable[Any], name: str) -> Iterable[Any]:
    if isinstance(given, str | bytes | dict) or not isinstance(given, Iterable):
        raise TypeError(f"{name} is of type {type(given).__name__}; give a list, also for a single one")
    return given


def _tuples(given: Iterable[Any], name: str, kinds: tuple[type, ...], wanted: str) -> list[Any]:
    found = list(_many(given, name))
    for n, each in enumerate(found, 1):
        is_right = isinstance(each, tuple | list) and len(each) == len(kinds) and all(map(isinstance, each, kinds))
        if not is_right:
            raise TypeError(f"{name}: item {n} is not {wanted}")
    return found
