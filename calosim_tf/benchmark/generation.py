"""Back ends of one generator in turn, each against the roofline of the same round (no TensorFlow)."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from calosim_tf.benchmark.clocks import SETTLE_S, in_turn, ratio_spread, repeated, spread
from calosim_tf.benchmark.machine import copy_clock, matrix_flops
from calosim_tf.benchmark.roofline import NetworkCost, least_seconds
from calosim_tf.bundle.sidecar import Sidecar
from calosim_tf.inference.onnx import onnx_runtime
from calosim_tf.inference.sampler import ShowerSampler
from calosim_tf.latents import draw_latents

MATRIX, COPY = "matrix product", "copy"


class Way(NamedTuple):
    """A back end in a precision."""

    backend: str
    precision: str

    def __str__(self) -> str:
        return self.backend if self.precision == "float32" else f"{self.backend} {self.precision}"


# What ONNX Runtime gives without this package: one session with default settings, one call for the whole batch
REFERENCE = Way("onnxruntime-default", "float32")


@dataclass(frozen=True)
class TimedGenerator:
    """A generator with all its back ends loaded.

    Attributes
    ----------
    samplers : mapping of Way to ShowerSampler
    cost : NetworkCost
    reference : callable or None
        Batch -> call of ONNX Runtime with default settings.
    """

    samplers: Mapping[Way, ShowerSampler]
    cost: NetworkCost
    reference: Callable[[int], Callable[[], object]] | None = None

    def calls(self, batch: int) -> dict[Way, Callable[[], object]]:
        """A network call of each back end, inputs ready."""
        found: dict[Way, Callable[[], object]] = {way: one.ready_call(batch) for way, one in self.samplers.items()}
        if self.reference:
            found[REFERENCE] = self.reference(batch)
        return found


def bench_networks(
    subject: TimedGenerator, batch: int, readings: int, matrix_product: Callable[[], float], threads: int
) -> dict[str, Any]:
    """Network-only seconds per shower of all back ends, in turn with a matrix product and a copy.

    Parameters
    ----------
    subject : TimedGenerator
    batch : int
    readings : int
    matrix_product : callable
        Clock of :func:`calosim_tf.benchmark.machine.matrix_products`, the fastest of them.
    threads : int

    Returns
    -------
    dict
        ``batch``, ``copy_gb_per_s``, ``matrix_gflop_per_s``, ``rows`` and ``best``.  A row holds seconds per shower,
        GFLOP/s, share of the matrix-product rate and share of the roofline of a back end, each with its spread over
        rounds.  Also how many times longer ONNX Runtime with default settings takes than the best.
    """
    cost = subject.cost
    n_bytes = cost.call_bytes(batch)
    ways: dict[Any, Callable[[], float]] = {MATRIX: matrix_product, COPY: copy_clock(n_bytes, threads)}
    ways |= {way: repeated(call) for way, call in subject.calls(batch).items()}
    found = in_turn(ways, readings, SETTLE_S)
    flops_per_s = [matrix_flops() / seconds for seconds in found[MATRIX]]
    bytes_per_s = [n_bytes / seconds for seconds in found[COPY]]
    rows = []
    for way in (key for key in found if isinstance(key, Way)):
        seconds = found[way]
        least = [
            least_seconds(cost, batch, way.precision, *limits) for limits in zip(flops_per_s, bytes_per_s, strict=True)
        ]
        rate = [batch * cost.flops / value for value in seconds]
        rows.append(
            {
                "backend": way.backend,
                "precision": way.precision,
                "network_seconds_per_shower": spread([value / batch for value in seconds]),
                "gflop_per_s": spread([value / 1e9 for value in rate]),
                "matrix_share": ratio_spread(rate, flops_per_s),
                "roofline_share": ratio_spread(least, seconds),
            }
        )
    compute_s, move_s = cost.flops / statistics.median(flops_per_s), n_bytes / statistics.median(bytes_per_s) / batch
    result = {
        "batch": batch,
        "roofline_seconds_per_shower": max(compute_s, move_s),
        "limit": "matrix products" if compute_s > move_s else "bytes moved",
        "call_bytes": n_bytes,
        "matrix_gflop_per_s": spread([value / 1e9 for value in flops_per_s]),
        "copy_gb_per_s": spread([value / 1e9 for value in bytes_per_s]),
        "rows": rows,
    }
    result["best"] = {"any": best_of(found, subject.samplers), "float32": best_of(found, subject.samplers, "float32")}
    if REFERENCE in found:
        best = Way(*result["best"]["float32"])
        result["onnxruntime_default_over_best_float32"] = ratio_spread(found[REFERENCE], found[best])
    return result


def best_of(found: Mapping[Any, list[float]], samplers: Mapping[Way, Any], precision: str | None = None) -> Way | None:
    """The way of the smallest median, among all or those of one precision."""
    ways = [way for way in samplers if precision in (None, way.precision)]
    return min(ways, key=lambda way: statistics.median(found[way]), default=None)


def default_session(folder: Path, sidecar: Sidecar) -> Callable[[int], Callable[[], object]]:
    """ONNX Runtime with default settings, for the first network of a bundle: batch -> a call of the whole batch."""
    network = sidecar.networks[0]
    file = network.file("onnx")
    session = onnx_runtime().InferenceSession(str(folder / file.path), providers=["CPUExecutionProvider"])

    def call_on(batch: int) -> Callable[[], object]:
        condition = np.full((batch, len(network.condition.names)), 0.5, dtype=np.float32)
        fed = dict(zip(file.inputs, (draw_latents(network.latent, 0, 0, batch), condition), strict=True))
        return lambda: session.run(None, fed)

    return call_on
