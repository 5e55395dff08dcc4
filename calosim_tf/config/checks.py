"""Checks of single values; every message names the dotted key, what was found and what was expected."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from calosim_tf.errors import ConfigError


def choice(key: str, value: Any, allowed: Iterable[Any]) -> None:
    """Refuse a value that is not in ``allowed``."""
    allowed = tuple(allowed)
    if value not in allowed:
        raise ConfigError(f"{key}: found {value!r}, expected one of {', '.join(map(str, allowed))}")


def at_least(key: str, value: float, low: float) -> None:
    """Refuse a number below ``low``."""
    if not value >= low:
        raise ConfigError(f"{key}: found {value!r}, expected a number >= {low}")


def above(key: str, value: float, low: float) -> None:
    """Refuse a number that is not above ``low``."""
    if not value > low:
        raise ConfigError(f"{key}: found {value!r}, expected a number > {low}")


def in_half_open_unit(key: str, value: float) -> None:
    """Refuse a number outside of [0, 1)."""
    if not 0.0 <= value < 1.0:
        raise ConfigError(f"{key}: found {value!r}, expected a number in [0, 1)")
