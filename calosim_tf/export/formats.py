"""What a format cannot hold."""

from __future__ import annotations

# Of an error of a converter, in a one-line message
LONGEST_REASON = 160


class UnsupportedFormat(Exception):
    """A format cannot express what a network does; the message is the reason."""


def first_line(error: Exception) -> str:
    """First line of the message of a converter's error, cut to a length for one-line messages."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = f"{type(error).__name__}: {lines[0] if lines else 'no message'}"
    return text if len(text) <= LONGEST_REASON else f"{text[:LONGEST_REASON]}..."
