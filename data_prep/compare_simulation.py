"""Print how parametrised showers compare with a file of showers, as markdown tables.

    python -m calosim_tf.data_prep.compare_simulation [SAMPLE] [--seed S]

The sample's own incident energies are simulated, as many showers as it has.  Without SAMPLE: the bundled photons.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from calosim_tf.data.bundled import bundled_sample
from calosim_tf.data.readers import open_shower_file, read_showers
from calosim_tf.data.schema import ShowerSet
from calosim_tf.data_prep.layouts import LAYOUTS
from calosim_tf.data_prep.simulate import SOURCE, simulate
from calosim_tf.errors import CalosimError, DataError
from calosim_tf.geometry import VoxelLayer

MAX_ENERGIES = 64


def simulate_like(sample: ShowerSet, seed: int) -> ShowerSet:
    """As many parametrised showers at each incident energy as ``sample`` has.

    Raises
    ------
    DataError
        The incident energies are not a few discrete ones.
    """
    energies, counts = np.unique(sample.incident_energy_mev, return_counts=True)
    if len(energies) > MAX_ENERGIES:
        raise DataError(f"{sample.source}: {len(energies)} incident energies, expected at most {MAX_ENERGIES}")
    events = dict(zip(energies.tolist(), counts.tolist(), strict=True))
    blocks = list(simulate(sample.detector.name, events, seed))
    incident, showers = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    return ShowerSet(incident, showers, sample.detector, SOURCE)


def layer_energies_mev(showers: ShowerSet) -> np.ndarray:
    """Energy of each layer, no threshold: shape (n, n_layers), MeV, float64."""
    return np.add.reduceat(showers.showers_mev, showers.detector.offsets[:-1], axis=1, dtype=np.float64)


def mean_eta_width_mm(image_mev: np.ndarray, layer: VoxelLayer) -> float:
    """Mean over the showers with energy of their rms extent along eta = r cos(alpha), mm, no threshold; nan for none.

    Parameters
    ----------
    image_mev : ndarray, shape (n, n_alpha, n_r)
    layer : VoxelLayer
    """
    eta = np.cos(layer.alpha_mid)[:, None] * layer.r_mid_mm
    energy = image_mev.sum(axis=(1, 2), dtype=np.float64)
    if not energy.any():
        return math.nan
    image, energy = image_mev[energy > 0], energy[energy > 0]
    centre, square = (np.einsum("nar,ar->n", image, eta**power) / energy for power in (1, 2))
    return float(np.sqrt(np.maximum(square - centre**2, 0.0)).mean())


def shower_table(sample: ShowerSet, simulated: ShowerSet) -> str:
    """Response, its width, hit voxels and eta widths per incident energy; each cell is "sample / simulated"."""
    names = ["E_inc / MeV", "mean E_tot/E_inc", "std of E_tot/E_inc", "voxels above 0"]
    wide = [layer for layer in sample.detector.layers if layer.n_alpha > 1]
    names += [f"eta width, layer {layer.layer_id} / mm" for layer in wide]
    rows = []
    for energy in np.unique(sample.incident_energy_mev):
        both = [showers.take(showers.incident_energy_mev == energy) for showers in (sample, simulated)]
        responses = [layer_energies_mev(showers).sum(axis=1) / energy for showers in both]
        cells = [
            [f"{r.mean():.4f} ± {r.std() / np.sqrt(len(r)):.4f}" for r in responses],
            [f"{r.std():.4f}" for r in responses],
            [f"{np.mean(showers.showers_mev > 0):.3f}" for showers in both],
        ]
        for layer in wide:
            images = (showers.detector.layer_image(showers.showers_mev, layer.layer_id) for showers in both)
            cells.append([f"{mean_eta_width_mm(image, layer):.1f}" for image in images])
        rows.append([f"{energy:g}", *(" / ".join(cell) for cell in cells)])
    return markdown(names, rows)


def layer_table(sample: ShowerSet, simulated: ShowerSet) -> str:
    """Share of the deposited energy in each layer per incident energy; each cell is "sample / simulated"."""
    rows = []
    for energy in np.unique(sample.incident_energy_mev):
        shares = []
        for showers in (sample, simulated):
            mean_mev = layer_energies_mev(showers.take(showers.incident_energy_mev == energy)).mean(axis=0)
            shares.append(mean_mev / mean_mev.sum())
        rows.append([f"{energy:g}", *(f"{a:.4f} / {b:.4f}" for a, b in zip(*shares, strict=True))])
    return markdown(["E_inc / MeV", *(f"layer {layer_id}" for layer_id in sample.detector.layer_ids)], rows)


def correlation_table(sample: ShowerSet, simulated: ShowerSet) -> str:
    """Pearson correlations of the layer energies over all showers; each cell is "sample / simulated"."""
    # a layer that is always empty has no correlation: nan
    with np.errstate(invalid="ignore", divide="ignore"):
        matrices = [np.corrcoef(layer_energies_mev(showers), rowvar=False) for showers in (sample, simulated)]
    layer_ids = sample.detector.layer_ids
    rows = [
        [f"layer {layer_id}", *(f"{a:.3f} / {b:.3f}" for a, b in zip(first, second, strict=True))]
        for layer_id, first, second in zip(layer_ids, *matrices, strict=True)
    ]
    return markdown(["", *(f"layer {layer_id}" for layer_id in layer_ids)], rows)


def markdown(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in markdown."""
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (names, ["---:"] * len(names), *rows))


def compare(path: Path, seed: int) -> str:
    """All tables for the showers of a file.

    Raises
    ------
    DataError
        The file is damaged, or its layout or energies cannot be simulated.
    """
    with open_shower_file(path) as file:
        n_voxels = file.n_voxels
    detectors = [layout.detector for layout in LAYOUTS.values() if layout.detector.n_voxels == n_voxels]
    if not detectors:
        raise DataError(f"{path}: {n_voxels} voxels per shower, expected a layout of: {', '.join(LAYOUTS)}")
    sample = read_showers(path, detectors[0])
    simulated = simulate_like(sample, seed)
    heading = f"{len(sample)} showers, each cell: {sample.source} / {simulated.source} (seed {seed})"
    tables = [table(sample, simulated) for table in (shower_table, layer_table, correlation_table)]
    return "\n\n".join([heading, *tables])


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line of the module; returns the exit code."""
    description = "Compare parametrised showers with a file of showers, as markdown tables."
    parser = argparse.ArgumentParser(prog="python -m calosim_tf.data_prep.compare_simulation", description=description)
    parser.add_argument("sample", type=Path, nargs="?", metavar="SAMPLE", help="default: the bundled EGSnrc photons")
    parser.add_argument("--seed", type=int, default=0, metavar="S")
    options = parser.parse_args(arguments)
    try:
        print(compare(options.sample or bundled_sample("photon"), options.seed))
    except CalosimError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
