"""All normalisations by their name in a run record (no TensorFlow)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from calosim_tf.data import (
    cell_transforms,  # noqa: F401 - importing it registers its kinds
    layer_energies,  # noqa: F401 - the same
    transforms,
)
from calosim_tf.data.normalisation import NORMALISATIONS, Normalisation
from calosim_tf.errors import ConfigError


def named_normalisation(kind: str) -> type[Normalisation]:
    """Class of that kind; :class:`ConfigError` names the known ones."""
    if kind not in NORMALISATIONS:
        raise ConfigError(f"data.normalisation: found {kind!r}, expected one of {', '.join(NORMALISATIONS)}")
    return NORMALISATIONS[kind]


def normalisation_from_dict(stored: Mapping[str, Any]) -> Normalisation:
    """Inverse of :meth:`Normalisation.to_dict`; without ``kind`` it is kinetic, missing options take their defaults.

    Raises
    ------
    KeyError, TypeError
        The mapping is not a normalisation, or is of a kind that this version does not know.
    """
    values = dict(stored)
    kind = values.pop("kind", transforms.KineticNormalisation.kind)
    if kind not in NORMALISATIONS:
        raise TypeError(f"normalisation kind {kind!r} is unknown, expected one of {', '.join(NORMALISATIONS)}")
    cls = NORMALISATIONS[kind]
    for item in fields(cls):
        if isinstance(values.get(item.name), list):
            values[item.name] = tuple(tuple(row) if isinstance(row, list) else row for row in values[item.name])
        found = values.get(item.name, 0.0)
        if item.type == "float" and (isinstance(found, bool) or not isinstance(found, int | float)):
            raise TypeError(f"{item.name} is {found!r}, expected a number")
    return cls(**values)
