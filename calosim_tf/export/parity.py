"""Whether an exported network gives the numbers of the one it came from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from calosim_tf.bundle.formats import FORMATS
from calosim_tf.bundle.sidecar import Sidecar
from calosim_tf.errors import ExportError
from calosim_tf.export.parts import Part
from calosim_tf.latents import draw_latents

# From the trained network to the folded one: rounding of float32 through up to a hundred layers
FOLDING_TOLERANCE = 2e-5
SHOWERS = 64


def check_parity(folder: Path, parts: list[Part], sidecar: Sidecar, seed: int) -> dict[str, Any]:
    """Run every file of a bundle on the same latents and particles as the networks it came from.

    Returns
    -------
    dict
        For each network what folding changed, and for each of its files the deviation from the folded network: over
        the largest output, and in the total energy.

    Raises
    ------
    ExportError
        Folding, or a file of full precision, is outside of its tolerance.
    """
    rows = []
    for part, record in zip(parts, sidecar.networks, strict=True):
        energy, attributes = part.particles(SHOWERS, seed)
        latent, label = draw_latents(part.generator.latent, seed, 0, SHOWERS), part.label(energy, attributes)
        trained = part.generator.apply(latent, label).numpy()
        expected = part.outputs(latent, label)
        rows.append(_row(part, "folded Keras network", "", trained, expected, energy, FOLDING_TOLERANCE))
        for kind, files in record.files.items():
            for file in files:
                found = FORMATS[kind].function("runner")(folder, record, file)(latent, label)
                rows.append(_row(part, kind, file.path, expected, found, energy, FORMATS[kind].tolerance))
                rows[-1] |= {"batch": file.batch, "usual": FORMATS[kind].usual}
    return {"showers": SHOWERS, "seed": seed, "files": rows}


def _row(
    part: Part,
    kind: str,
    name: str,
    expected: np.ndarray,
    found: np.ndarray,
    energy: np.ndarray,
    tolerance: float | None,
) -> dict[str, Any]:
    expected, found = expected.reshape(SHOWERS, -1), found.reshape(SHOWERS, -1)
    what = name or f"network {part.name}"
    if found.shape != expected.shape:
        raise ExportError(f"{what}: found outputs of {found.shape[1]} numbers, expected {expected.shape[1]}")
    largest = float(np.abs(expected).max())
    deviation = float(np.abs(found - expected).max() / largest) if largest else float(np.abs(found).max())
    if not np.isfinite(found).all() or (tolerance is not None and not deviation <= tolerance):
        expected_words = "finite numbers" if tolerance is None else f"at most {tolerance}"
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
    }


def _above(value: float, limit: float | None) -> str:
    """A number with two digits, or as many as show that it is above the limit."""
    texts = (f"{value:.{digits}g}" for digits in range(2, 17))
    return next((text for text in texts if limit is None or float(text) > limit), repr(value))
