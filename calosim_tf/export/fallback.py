"""Return layers to floating point, the worst first, until the physics of a quantised network holds.

The scheme of Rehm et al. (reduced precision of the Conv2D GAN): quantise everything; while a physics metric is outside
its tolerance, return the layer whose quantisation alone does most damage to floating point.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from calosim_tf.export.operations import count_operations
from calosim_tf.export.quantisation_physics import Check, holds
from calosim_tf.export.quantise import Int8Quantiser
from calosim_tf.export.tflite import tflite_file, tflite_runner
from calosim_tf.progress import progress


@dataclass(frozen=True)
class Search:
    """Outcome of a search.

    Attributes
    ----------
    layers : tuple of str
        Left in floating point, in the order in which they went back.
    trace : list of dict
        A row per step: layer, its damage alone, the metrics, integer and floating operations, bytes.
    holds : bool
        Whether every metric is inside of its tolerance at the end.
    """

    layers: tuple[str, ...] = ()
    trace: list[dict[str, Any]] = field(default_factory=list)
    holds: bool = True


def search(quantiser: Int8Quantiser, check: Check, ranking: Check, tolerances: dict[str, float]) -> Search:
    """Return layers to floating point until every metric of ``tolerances`` is inside.

    Parameters
    ----------
    quantiser : Int8Quantiser
    check, ranking : Check
        Showers that decide, and the (fewer) showers that rank the layers.
    tolerances : dict
        Name of a change (:meth:`~calosim_tf.export.quantisation_physics.Check.changes`) -> largest one allowed.
    """
    layers: list[str] = []
    trace = [_step(quantiser, check, tolerances, layers)]
    if not holds(trace[-1]["metrics"], tolerances):
        for layer, damage in damages(quantiser, ranking, tolerances).items():
            layers.append(layer)
            trace.append({**_step(quantiser, check, tolerances, layers), "layer": layer, "damage_alone": damage})
            if holds(trace[-1]["metrics"], tolerances):
                break
    return Search(tuple(layers), trace, holds(trace[-1]["metrics"], tolerances))


def damages(quantiser: Int8Quantiser, check: Check, tolerances: dict[str, float]) -> dict[str, float]:
    """Layer -> largest change over its tolerance when this layer alone is quantised; worst first."""
    found = {}
    for layer in progress(quantiser.layers, len(quantiser.layers), "damage layer by layer"):
        model = quantiser.model(other for other in quantiser.layers if other != layer)
        found[layer] = max(_share(*pair) for pair in _changes(quantiser, model, check, tolerances))
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def _changes(
    quantiser: Int8Quantiser, model: bytes, check: Check, tolerances: dict[str, float]
) -> list[tuple[float, float]]:
    """Change and tolerance, metric by metric."""
    after = check.after(tflite_runner(model, tflite_file(model, quantiser.batch)), "int8")
    return list(zip(check.changes(after, tolerances).values(), tolerances.values(), strict=True))


def _share(change: float, tolerance: float) -> float:
    if not math.isfinite(change):
        return math.inf
    return change / tolerance if tolerance else (math.inf if change else 0.0)


def _step(quantiser: Int8Quantiser, check: Check, tolerances: dict[str, float], layers: list[str]) -> dict[str, Any]:
    model = quantiser.model(layers)
    operations = count_operations(model)
    values = (change for change, _ in _changes(quantiser, model, check, tolerances))
    return {
        "step": len(layers),
        "layer": None,
        "damage_alone": None,
        "metrics": dict(zip(tolerances, values, strict=True)),
        "integer_operations": sum(operations.integer.values()),
        "floating_operations": sum(operations.floating.values()),
        "bytes": len(model),
    }
