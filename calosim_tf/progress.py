"""A progress line on stderr for long work, silent when stderr is not a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from calosim_tf.messages import is_watched

Item = TypeVar("Item")

SILENT_SECONDS = 5.0
REDRAW_SECONDS = 0.5
BAR_CHARACTERS = 30


def progress(
    iterable: Iterable[Item], total: int, label: str, size: Callable[[Item], int] | None = None
) -> Iterator[Item]:
    """Pass the items of ``iterable`` on, and draw a bar on stderr when it takes longer than five seconds.

    Parameters
    ----------
    iterable : iterable
    total : int
        Number of items, or sum of their sizes.
    label : str
        A few words in front of the bar.
    size : callable, optional
        Size of an item, where items count by size.

    Yields
    ------
    The items, unchanged.  Nothing is ever drawn when stderr is not a terminal, or with ``--quiet``.
    """
    if not is_watched():
        yield from iterable
        return
    start = time.monotonic()
    next_draw = start + SILENT_SECONDS
    drawn = False
    done = 0
    try:
        for item in iterable:
            if time.monotonic() >= next_draw:
                _draw(done, total, label, time.monotonic() - start)
                next_draw = time.monotonic() + REDRAW_SECONDS
                drawn = True
            yield item
            done += 1 if size is None else size(item)
    finally:
        if drawn:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def _draw(done: int, total: int, label: str, elapsed_s: float) -> None:
    fraction = min(1.0, done / total) if total else 1.0
    bar = "#" * round(BAR_CHARACTERS * fraction)
    left = f", {elapsed_s * (1 - fraction) / fraction:.0f} s left" if fraction > 0 else ""
    sys.stderr.write(f"\r{label} [{bar:<{BAR_CHARACTERS}}] {100 * fraction:3.0f} %{left}\x1b[K")
    sys.stderr.flush()
