"""Numbers of ``calosim bench``: those of its options, and those that it prints."""

from __future__ import annotations

import math

from calosim_tf.errors import ConfigError


def seconds_text(value: dict[str, float], scale: float, unit: str) -> str:
    """Median (minimum - maximum) in a unit."""
    return f"{value['median'] * scale:8.3f} {unit} ({value['min'] * scale:.3f} - {value['max'] * scale:.3f})"


def positive_integer(option: str, text: str) -> int:
    """A number from an option that may hold several; :class:`ConfigError` unless it is at least 1."""
    if not text.strip().isdigit() or int(text) < 1:
        raise ConfigError(f"{option}: found {text!r}, expected whole numbers >= 1 separated by commas")
    return int(text)


def require_positive(option: str, value: int) -> None:
    """:class:`ConfigError` unless ``value`` is at least 1."""
    if value < 1:
        raise ConfigError(f"{option}: found {value}, expected a number >= 1")


def require_number(option: str, value: float, least: float = 0.0) -> None:
    """:class:`ConfigError` unless ``value`` is a finite number and at least ``least``."""
    if not (math.isfinite(value) and value >= least):
        raise ConfigError(f"{option}: found {value:g}, expected a finite number >= {least:g}")
