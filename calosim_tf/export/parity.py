"""Whether an exported network gives the numbers of the one it came from."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np

from calosim_tf.bundle.formats import FORMATS
from calosim_tf.bundle.sidecar import Sidecar
from calosim_tf.errors import ExportError
from calosim_tf.export.parts import Part
from calosim_tf.export.runners import Runner
from calosim_tf.latents import draw_latents
from calosim_tf.training.build import build_generator

# From the trained network to the folded one: rounding of float32 through up to a hundred layers
FOLDING_TOLERANCE = 2e-5
SHOWERS = 64
# Showers to compare rounding by: a few voxels next to the knots of a spline have most of it
ROUNDING_SHOWERS = 512
# How much further than the network a file may be from double precision, root mean square: files of trained CaloFlow
# students are at 0.6 to 1.3
ROUNDING_FACTOR = 5.0


def check_parity(folder: Path, parts: list[Part], sidecar: Sidecar, seed: int) -> dict[str, Any]:
    """Run every file of a bundle on the same latents and particles as the networks it came from.

    Returns
    -------
    dict
        For each network what folding changed, and for each of its files the deviation from the folded network: over
        the largest output, and in the total energy.  A file that was judged by double precision has ``rounding``
        beside them: root mean square distances from it, over the largest output, of the file and of the network.

    Raises
    ------
    ExportError
        Folding, or a file of full precision, is outside of its tolerance.  A network that can be computed in double
        precision may be outside, where its own float32 is not that exact either: see :data:`ROUNDING_FACTOR`.
    """
    rows = []
    for part, record in zip(parts, sidecar.networks, strict=True):
        energy, attributes = part.particles(SHOWERS, seed)
        latent, label = draw_latents(part.generator.latent, seed, 0, SHOWERS), part.label(energy, attributes)
        trained = part.generator.apply(latent, label).numpy()
        expected = part.outputs(latent, label)
        rounding = _Rounding(part, seed)
        rows.append(
            _row(part, "folded Keras network", "", trained, expected, energy, FOLDING_TOLERANCE, part.outputs, rounding)
        )
        for kind, files in record.files.items():
            for file in files:
                run = FORMATS[kind].function("runner")(folder, record, file)
                found, tolerance = run(latent, label), FORMATS[kind].tolerance
                rows.append(_row(part, kind, file.path, expected, found, energy, tolerance, run, rounding))
                rows[-1] |= {"batch": file.batch, "usual": FORMATS[kind].usual}
    return {"showers": SHOWERS, "seed": seed, "files": rows}


class _Rounding:
    """How far float32 takes the network, and a file of it, from the same weights in double precision."""

    def __init__(self, part: Part, seed: int):
        self.part, self.seed = part, seed

    def of(self, run: Runner) -> dict[str, float]:
        """Distances over the largest output, root mean square, of a file and of the network.

        Empty for a family that has no double precision.
        """
        if self._exact is None:
            return {}
        exact = self._exact
        found = np.reshape(run(self._latent, self._label), exact.shape)
        distances = {"file": found - exact, "network": self._own - exact}
        return {
            name: float(np.sqrt(np.mean(values**2, dtype=np.float64)) / np.abs(exact).max())
            for name, values in distances.items()
        }

    @cached_property
    def _latent(self) -> np.ndarray:
        return draw_latents(self.part.generator.latent, self.seed, 0, ROUNDING_SHOWERS)

    @cached_property
    def _label(self) -> np.ndarray:
        return self.part.label(*self.part.particles(ROUNDING_SHOWERS, self.seed))

    @cached_property
    def _own(self) -> np.ndarray:
        showers = self.part.generator.apply(self._latent, self._label)
        return np.reshape(showers, (ROUNDING_SHOWERS, -1))

    @cached_property
    def _exact(self) -> np.ndarray | None:
        if getattr(self.part.experiment.network, "precision", None) != "float32":
            return None
        network: keras.Model = build_generator(self.part.experiment.with_values({"network.precision": "float64"}))
        network.set_weights(self.part.generator.network.get_weights())
        inputs = {"latent": self._latent, "condition": self._label}
        return np.reshape(network(inputs, training=False), (ROUNDING_SHOWERS, -1))


def _row(
    part: Part,
    kind: str,
    name: str,
    expected: np.ndarray,
    found: np.ndarray,
    energy: np.ndarray,
    tolerance: float | None,
    run: Runner,
    rounding: _Rounding,
) -> dict[str, Any]:
    expected, found = expected.reshape(SHOWERS, -1), found.reshape(SHOWERS, -1)
    what = name or f"network {part.name}"
    if found.shape != expected.shape:
        raise ExportError(f"{what}: found outputs of {found.shape[1]} numbers, expected {expected.shape[1]}")
    largest = float(np.abs(expected).max())
    deviation = float(np.abs(found - expected).max() / largest) if largest else float(np.abs(found).max())
    sound = bool(np.isfinite(found).all())
    measured: dict[str, float] = {}
    if sound and tolerance is not None and not deviation <= tolerance:
        measured = rounding.of(run)
        sound = bool(measured) and measured["file"] <= ROUNDING_FACTOR * measured["network"]
    if not sound:
        expected_words = "finite numbers" if tolerance is None else f"at most {tolerance}"
        if measured:
            expected_words += (
                f", or at most {ROUNDING_FACTOR:g} times as far from double precision as the network "
                f"({measured['file']:.1e} and {measured['network']:.1e}, root mean square)"
            )
        raise ExportError(
            f"{what}: found outputs of {kind} that differ by {_above(deviation, tolerance)} of the largest one, "
            f"expected {expected_words}: this format changes the network, leave it out"
        )
    before, after = (part.showers(x, energy).sum(dtype=np.float64) for x in (expected, found))
    return {
        "network": part.name,
        "format": kind,
        "file": name,
        "batch": None,
        "largest_deviation_over_largest_output": deviation,
        "tolerance": tolerance,
        "relative_change_of_total_energy": float((after - before) / before) if before else 0.0,
        **({"rounding": measured} if measured else {}),
    }


def _above(value: float, limit: float | None) -> str:
    """A number with two digits, or as many as show that it is above the limit."""
    texts = (f"{value:.{digits}g}" for digits in range(2, 17))
    return next((text for text in texts if limit is None or float(text) > limit), repr(value))
