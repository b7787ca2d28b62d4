"""Calls that begin at the same moment, each in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import TypeVar

T = TypeVar("T")


def at_once(works: Sequence[Callable[[], T]]) -> list[T]:
    """Call all of these at the same moment. Returns their results in order; raises the first error, if there was one."""
    start = threading.Barrier(len(works))
    done: dict[int, T] = {}
    errors: list[BaseException] = []

    def run(number: int, work: Callable[[], T]) -> None:
        start.wait(30)
        try:
            done[number] = work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=each) for each in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return [done[number] for number in range(len(works))]


def flat(lists: Iterable[Iterable[T]]) -> list[T]:
    """The members of all these lists, in order."""
    return list(chain.from_iterable(lists))
