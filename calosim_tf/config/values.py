"""From words and JSON values to typed fields, and the dotted keys of a section."""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any

from calosim_tf.errors import ConfigError


def build(cls: type, values: Mapping[str, Any], prefix: str) -> Any:
    """``cls`` from a table of its fields; missing ones take their defaults, unknown ones are :class:`ConfigError`."""
    return cls(**typed(cls, values, prefix))


def typed(cls: type, values: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Values of some fields of ``cls``, each as the type of its field."""
    hints = typing.get_type_hints(cls)
    names = {item.name for item in dataclasses.fields(cls)}
    for name in values:
        if name not in names:
            known = [f"{prefix}.{item}" for item in sorted(names)]
            raise ConfigError(
                f"configuration key {prefix + '.' + name!r} is unknown{nearest(prefix + '.' + name, known)}"
            )
    return {name: _convert(value, hints[name], f"{prefix}.{name}") for name, value in values.items()}


def keys(section: Any, prefix: str) -> list[str]:
    """Dotted keys of a section, nested tables included."""
    found = []
    for item in dataclasses.fields(section):
        value, key = getattr(section, item.name), f"{prefix}.{item.name}"
        found += keys(value, key) if dataclasses.is_dataclass(value) else [key]
    return found


def nearest(key: str, known: Iterable[str]) -> str:
    """End of an error message that proposes the nearest known key."""
    close = difflib.get_close_matches(key, list(known), n=1, cutoff=0.5)
    return f": did you mean {close[0]!r}?" if close else ": see `calosim info EXPERIMENT` for the keys"


def _convert(value: Any, hint: Any, key: str) -> Any:
    """``value`` (from JSON, YAML or a command line) as the type of its field."""
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, Mapping):
            raise ConfigError(f"{key}: found {value!r}, expected a table of keys")
        return build(hint, value, key)
    options = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if type(None) in options and (value is None or value == "none"):
        return None
    target = next(option for option in options if option is not type(None))
    if typing.get_origin(target) is tuple:
        return _convert_tuple(value, typing.get_args(target)[0], key)
    return _convert_scalar(value, target, key)


def _convert_tuple(value: Any, item: Any, key: str) -> tuple:
    parts = [part for part in value.strip("()[] ").split(",") if part.strip()] if isinstance(value, str) else value
    if not isinstance(parts, list | tuple):
        raise ConfigError(f"{key}: found {value!r}, expected numbers separated by commas")
    return tuple(_convert(part, item, key) for part in parts)


def _convert_scalar(value: Any, target: type, key: str) -> Any:
    if target is bool:
        words = {"true": True, "false": False}
        found = value if isinstance(value, bool) else words.get(str(value).lower())
        if found is None:
            raise ConfigError(f"{key}: found {value!r}, expected true or false")
        return found
    if target is str:
        if not isinstance(value, str):
            raise ConfigError(f"{key}: found {value!r}, expected a word")
        return value
    if isinstance(value, bool):
        raise ConfigError(f"{key}: found {value!r}, expected a number")
    try:
        number = float(value)
        converted = target(number) if target is float or number.is_integer() else None
    except (TypeError, ValueError, OverflowError):
        converted = None
    if converted is None or converted != converted or converted in (float("inf"), float("-inf")):
        kind = "an integer" if target is int else "a finite number"
        raise ConfigError(f"{key}: found {value!r}, expected {kind}")
    return converted
