"""All normalisations by the word that stands for them in a run record (no TensorFlow)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from calosim_tf.data.cell_transforms import CubeNormalisation, GevNormalisation, LogCellNormalisation
from calosim_tf.data.normalisation import Normalisation
from calosim_tf.data.transforms import KineticNormalisation, LayerNormalisation

NORMALISATIONS: dict[str, type[Normalisation]] = {
    cls.kind: cls
    for cls in (KineticNormalisation, LayerNormalisation, LogCellNormalisation, GevNormalisation, CubeNormalisation)
}


def normalisation_from_dict(stored: Mapping[str, Any]) -> Normalisation:
    """Inverse of :meth:`Normalisation.to_dict`; without ``kind`` it is kinetic, missing options take their defaults.

    Raises
    ------
    KeyError, TypeError
        The mapping is no normalisation.
    """
    values = dict(stored)
    cls = NORMALISATIONS[values.pop("kind", KineticNormalisation.kind)]
    for item in fields(cls):
        if isinstance(values.get(item.name), list):
            values[item.name] = tuple(tuple(row) if isinstance(row, list) else row for row in values[item.name])
        found = values.get(item.name, 0.0)
        if item.type == "float" and (isinstance(found, bool) or not isinstance(found, int | float)):
            raise TypeError(f"{item.name} is {found!r}, expected a number")
    return cls(**values)
