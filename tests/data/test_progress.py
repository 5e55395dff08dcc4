"""The progress line: only for people, only for long work."""

from __future__ import annotations

import io

import pytest

from calosim_tf import progress as progress_module
from calosim_tf.progress import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch):
    """Time that stands still until it is set: ``clock[0] = seconds``."""
    now = [100.0]
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: now[0])
    return now


def run(clock, monkeypatch, stream, seconds_per_item: float) -> str:
    monkeypatch.setattr("sys.stderr", stream)
    for item, expected in zip(progress(iter(range(20)), 20, "reading"), range(20), strict=True):
        assert item == expected
        clock[0] += seconds_per_item
    return stream.getvalue()


def test_silent_when_not_a_terminal(clock, monkeypatch):
    """Breaks if log files of batch jobs fill with bars."""
    assert run(clock, monkeypatch, io.StringIO(), 10.0) == ""


def test_silent_when_quick(clock, monkeypatch):
    """Breaks if every command flashes a bar: 20 items of 0.2 s stay below five seconds."""
    assert run(clock, monkeypatch, Terminal(), 0.2) == ""


def test_bar_and_time_left(clock, monkeypatch):
    """Breaks if the bar shows a wrong share or time (10 of 20 items in 10 s leave 10 s), or stays when all is done."""
    text = run(clock, monkeypatch, Terminal(), 1.0)
    assert "reading [###############               ]  50 %, 10 s left" in text
    assert text.endswith("\r\x1b[K")


def test_line_is_cleared_on_failure(clock, monkeypatch):
    """Breaks if an error message is printed behind a half-drawn bar."""
    stream = Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    steps = progress(iter(range(20)), 20, "reading")
    for _ in range(8):
        next(steps)
        clock[0] += 1.0
    steps.close()
    assert stream.getvalue().endswith("\r\x1b[K")


def test_items_may_count_by_their_size(clock, monkeypatch):
    """Breaks if blocks of different length count alike: after 30 of 60 showers in 6 s, 6 s are left."""
    stream = Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    for block in progress(iter(["." * 10, "." * 20, "." * 30]), 60, "generating", size=len):
        clock[0] += len(block) / 5
    assert "generating [###############               ]  50 %, 6 s left" in stream.getvalue()
