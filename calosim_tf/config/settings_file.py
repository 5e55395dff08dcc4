"""Settings as users write them: ``KEY=VALUE`` words, and tables in YAML or JSON files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from calosim_tf.errors import ConfigError


def setting_values(items: Sequence[str], option: str = "--set") -> dict[str, str]:
    """Dotted keys of words ``KEY=VALUE``; :class:`ConfigError` names the option."""
    values = {}
    for item in items:
        key, equals, value = item.partition("=")
        if not equals:
            raise ConfigError(f"{option}: found {item!r}, expected KEY=VALUE")
        values[key.strip()] = value.strip()
    return values


def read_text(path: Path, most: int, option: str, what: str = "a YAML or JSON file with settings") -> str:
    """Text of a small file.

    Parameters
    ----------
    path : Path
    most : int
        Characters.
    option : str
        What the user named it with.
    what : str
        What it should be.

    Raises
    ------
    ConfigError
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}), expected {what}") from error
    if len(text) > most:
        raise ConfigError(f"{path}: holds {len(text)} characters, expected {what}: check {option}")
    return text


def parse_content(path: Path, text: str) -> Any:
    """Content of a JSON file, or by any other ending of a YAML file; :class:`ConfigError` when it is none."""
    return _parse_json(path, text) if path.suffix == ".json" else _parse_yaml(path, text)


def flatten(nested: dict, prefix: str = "") -> dict[str, Any]:
    """Dotted keys of nested tables."""
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        flat |= flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def _parse_json(path: Path, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: is not JSON ({error})") from error


def _parse_yaml(path: Path, text: str) -> Any:
    import yaml

    class SettingsLoader(yaml.SafeLoader):
        """Plain values, each key once; no references, with which a few lines can expand to gigabytes."""

        def compose_node(self, parent, index):
            if self.check_event(yaml.AliasEvent):
                raise yaml.YAMLError("references (*name) are not used in settings")
            return super().compose_node(parent, index)

        def construct_mapping(self, node, deep=False):
            names = [key.value for key, _ in node.value]
            repeated = next((name for name in names if names.count(name) > 1), None)
            if repeated is not None:
                raise yaml.YAMLError(f"{repeated!r} is given twice")
            return super().construct_mapping(node, deep)

    try:
        return yaml.load(text, SettingsLoader)
    # invalid dates and numbers, empty values, impossible keys: not all of these raise a YAMLError
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, LookupError, RecursionError) as error:
        raise ConfigError(f"{path}: is not YAML ({error})") from error
