"""Layers back to floating point, the worst first, until the physics of a quantised network holds.

The scheme of Rehm et al. (reduced precision of the Conv2D GAN): quantise everything, and as long as a physics metric
is outside of its tolerance give the layer whose quantisation hurts most its floating point back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from calosim_tf.export.operations import count_operations
from calosim_tf.export.quantisation_physics import Check, changes, exceeded
from calosim_tf.export.quantise import Int8Quantiser
from calosim_tf.export.runners import tflite_runner
from calosim_tf.export.tflite import tflite_file
from calosim_tf.progress import progress


@dataclass(frozen=True)
class Search:
    """Outcome of a search.

    Attributes
    ----------
    layers : tuple of str
        Left in floating point, in the order in which they went back.
    trace : list of dict
        A row per step: layer, its local error, the metrics, integer and floating operations, bytes.
    holds : bool
        Whether every metric is inside of its tolerance at the end.
    """

    layers: tuple[str, ...] = ()
    trace: list[dict[str, Any]] = field(default_factory=list)
    holds: bool = True


def search(quantiser: Int8Quantiser, check: Check, tolerances: dict[str, float]) -> Search:
    """Return layers to floating point until every metric of ``tolerances`` is inside.

    Parameters
    ----------
    quantiser : Int8Quantiser
    check : Check
    tolerances : dict
        Name of a change (:func:`calosim_tf.export.quantisation_physics.changes`) -> largest one allowed.
    """
    layers: list[str] = []
    row = _step(quantiser, check, tolerances, layers, None)
    trace = [row]
    if exceeded(row["metrics"], tolerances):
        ranked = list(quantiser.errors().items())
        for layer, error in progress(ranked, len(ranked), "layers back to floating point"):
            layers.append(layer)
            row = {**_step(quantiser, check, tolerances, layers, layer), "local_error": error}
            trace.append(row)
            if not exceeded(row["metrics"], tolerances):
                break
    return Search(tuple(layers), trace, not exceeded(row["metrics"], tolerances))


def _step(
    quantiser: Int8Quantiser, check: Check, tolerances: dict[str, float], layers: list[str], added: str | None
) -> dict[str, Any]:
    model = quantiser.model(layers)
    after = check.after(tflite_runner(model, tflite_file(model, quantiser.batch)), "int8")
    operations = count_operations(model)
    return {
        "step": len(layers),
        "layer": added,
        "local_error": None,
        "metrics": changes(check.before, after, tolerances),
        "integer_operations": sum(operations.integer.values()),
        "floating_operations": sum(operations.floating.values()),
        "bytes": len(model),
    }
