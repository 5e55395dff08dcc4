"""Print how parametrised showers compare with a file of showers, as markdown tables.

    python -m calosim_tf.data_prep.compare_simulation [SAMPLE] [--layout NAME] [--seed S]

The sample's own incident particles are simulated.  Without SAMPLE: the bundled sample of the layout, photons unless
another is named.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from calosim_tf.data.bundled import bundled_sample
from calosim_tf.data.readers import open_shower_file, read_showers
from calosim_tf.data.schema import ShowerSet
from calosim_tf.data_prep.layouts import LAYOUTS, get_layout
from calosim_tf.data_prep.simulate import SOURCE, simulate_particles
from calosim_tf.errors import CalosimError, DataError
from calosim_tf.geometry import CellLayer, VoxelDetector, VoxelLayer
from calosim_tf.same_energy import listed_energies, same_energy

# A spectrum is taken in ranges, cut at 1, 2 and 5 times the powers of ten.
CUTS_MEV = np.outer(10.0 ** np.arange(9), [1, 2, 5]).ravel()
# More layers than this are taken five at a time.
MAX_LAYERS = 8
LAYERS_TOGETHER = 5


@dataclass(frozen=True)
class Section:
    """Layers that are compared together; those of several are alike.

    Attributes
    ----------
    name : str
    layers : tuple of VoxelLayer or CellLayer
    """

    name: str
    layers: tuple[VoxelLayer | CellLayer, ...]

    def cells_mev(self, showers: ShowerSet) -> np.ndarray:
        """Energies of its voxels, layers added up: shape (n, voxels of a layer)."""
        slices = [showers.detector.layer_slices[layer.layer_id] for layer in self.layers]
        return sum(showers.showers_mev[:, voxels].astype(np.float64) for voxels in slices)

    @property
    def width_axes(self) -> tuple[str, ...]:
        """Coordinates along which its showers have a width."""
        if isinstance(self.layers[0], CellLayer):
            return self.layers[0].row_axis, self.layers[0].column_axis
        return ("eta",) if self.layers[0].n_alpha > 1 else ()


def sections(detector: VoxelDetector) -> list[Section]:
    """Layers one by one, or groups of five where there are many."""
    together = 1 if len(detector.layers) <= MAX_LAYERS else LAYERS_TOGETHER
    groups = [detector.layers[first : first + together] for first in range(0, len(detector.layers), together)]
    return [
        Section(f"layer{'s' if len(group) > 1 else ''} {'-'.join(str(layer.layer_id) for layer in ends)}", group)
        for group in groups
        for ends in [group[:1] + group[1:][-1:]]
    ]


def energy_ranges(incident_mev: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """Name and rows of each incident energy, or of each range where there are many."""
    energies = listed_energies(incident_mev)
    if energies is not None:
        return [(f"{energy:g}", same_energy(incident_mev, energy)) for energy in energies]
    which = np.searchsorted(CUTS_MEV, incident_mev, side="right")
    return [(f"{CUTS_MEV[i - 1]:g} - {CUTS_MEV[i]:g}", which == i) for i in np.unique(which)]


def simulate_like(sample: ShowerSet, seed: int) -> ShowerSet:
    """Parametrised showers of the incident particles of ``sample``, in its order."""
    layout = sample.detector.name
    made = list(simulate_particles(layout, sample.incident_energy_mev, sample.attributes, seed))
    showers = np.concatenate([block.showers_mev for block in made])
    return ShowerSet(sample.incident_energy_mev, showers, sample.detector, SOURCE, sample.attributes)


def section_energies_mev(showers: ShowerSet) -> np.ndarray:
    """Energy of each section, no threshold: shape (n, n_sections), MeV, float64."""
    return np.stack([part.cells_mev(showers).sum(axis=1) for part in sections(showers.detector)], axis=1)


def mean_width_mm(cells_mev: np.ndarray, place_mm: np.ndarray) -> float:
    """Mean over the showers with energy of their rms extent along a coordinate, mm, no threshold; nan for none.

    Parameters
    ----------
    cells_mev : ndarray, shape (n, n_voxels)
    place_mm : ndarray, shape (n_voxels,)
    """
    energy = cells_mev.sum(axis=1, dtype=np.float64)
    if not energy.any():
        return math.nan
    cells, energy = cells_mev[energy > 0], energy[energy > 0]
    centre, square = (cells @ place_mm**power / energy for power in (1, 2))
    return float(np.sqrt(np.maximum(square - centre**2, 0.0)).mean())


def shower_table(sample: ShowerSet, simulated: ShowerSet) -> str:
    """Response, its spread, hit voxels and widths per incident energy; each cell is "sample / simulated"."""
    names = ["E_inc / MeV", "mean E_tot/E_inc", "std of E_tot/E_inc", "voxels above 0"]
    wide = [(part, axis) for part in sections(sample.detector) for axis in part.width_axes]
    names += [f"{axis} width, {part.name} / mm" for part, axis in wide]
    rows = []
    for energy, mask in energy_ranges(sample.incident_energy_mev):
        both = [showers.take(mask) for showers in (sample, simulated)]
        responses = [section_energies_mev(showers).sum(axis=1) / showers.incident_energy_mev for showers in both]
        cells = [
            [f"{r.mean():.4f} ± {r.std() / np.sqrt(len(r)):.4f}" for r in responses],
            [f"{r.std():.4f}" for r in responses],
            [f"{np.mean(showers.showers_mev > 0):.3f}" for showers in both],
        ]
        for part, axis in wide:
            place_mm = part.layers[0].coordinates_mm[axis]
            cells.append([f"{mean_width_mm(part.cells_mev(showers), place_mm):.1f}" for showers in both])
        rows.append([energy, *(" / ".join(cell) for cell in cells)])
    return markdown(names, rows)


def layer_table(sample: ShowerSet, simulated: ShowerSet) -> str:
    """Share of the deposited energy in each section per incident energy; each cell is "sample / simulated"."""
    rows = []
    for energy, mask in energy_ranges(sample.incident_energy_mev):
        shares = []
        for showers in (sample, simulated):
            mean_mev = section_energies_mev(showers.take(mask)).mean(axis=0)
            shares.append(mean_mev / mean_mev.sum())
        rows.append([energy, *(f"{a:.4f} / {b:.4f}" for a, b in zip(*shares, strict=True))])
    return markdown(["E_inc / MeV", *(part.name for part in sections(sample.detector))], rows)


def hits_table(sample: ShowerSet, simulated: ShowerSet) -> str:
    """Share of the voxels of each section that are above 0 per incident energy; each cell is "sample / simulated"."""
    rows = []
    for energy, mask in energy_ranges(sample.incident_energy_mev):
        both = [np.mean(showers.showers_mev[mask] > 0, axis=0) for showers in (sample, simulated)]
        slices = sample.detector.layer_slices
        hits = [
            [np.mean([voxels[slices[layer.layer_id]].mean() for layer in part.layers]) for voxels in both]
            for part in sections(sample.detector)
        ]
        rows.append([energy, *(f"{a:.3f} / {b:.3f}" for a, b in hits)])
    return markdown(["E_inc / MeV", *(part.name for part in sections(sample.detector))], rows)


def correlation_table(sample: ShowerSet, simulated: ShowerSet) -> str:
    """Pearson correlations of the section energies over all showers; each cell is "sample / simulated"."""
    # a layer that is always empty has no correlation: nan
    with np.errstate(invalid="ignore", divide="ignore"):
        matrices = [np.corrcoef(section_energies_mev(showers), rowvar=False) for showers in (sample, simulated)]
    names = [part.name for part in sections(sample.detector)]
    rows = [
        [name, *(f"{a:.3f} / {b:.3f}" for a, b in zip(first, second, strict=True))]
        for name, first, second in zip(names, *(np.atleast_2d(matrix) for matrix in matrices), strict=True)
    ]
    return markdown(["", *names], rows)


def markdown(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in markdown."""
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (names, ["---:"] * len(names), *rows))


def compare(path: Path, seed: int, layout: str | None = None) -> str:
    """All tables for the showers of a file.

    Parameters
    ----------
    path : Path
    seed : int
    layout : str, optional
        What is simulated; if not given, the first layout of as many voxels.

    Raises
    ------
    DataError
        The file is damaged, or its layout cannot be simulated.
    ConfigError
        ``layout`` is unknown.
    """
    if layout is None:
        with open_shower_file(path) as file:
            n_voxels = file.n_voxels
        fitting = [name for name, item in LAYOUTS.items() if item.detector.n_voxels == n_voxels]
        if not fitting:
            raise DataError(f"{path}: {n_voxels} voxels per shower, expected a layout of: {', '.join(LAYOUTS)}")
        layout = fitting[0]
    sample = read_showers(path, get_layout(layout).detector)
    simulated = simulate_like(sample, seed)
    heading = f"{len(sample)} showers, each cell: {sample.source} / {simulated.source} (seed {seed})"
    makers = [shower_table, layer_table, hits_table, correlation_table]
    if len(sections(sample.detector)) == 1:
        makers = [shower_table]
    return "\n\n".join([heading, *(maker(sample, simulated) for maker in makers)])


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line of the module; returns the exit code."""
    description = "Compare parametrised showers with a file of showers, as markdown tables."
    parser = argparse.ArgumentParser(prog="python -m calosim_tf.data_prep.compare_simulation", description=description)
    parser.add_argument("sample", type=Path, nargs="?", metavar="SAMPLE", help="default: the bundled EGSnrc sample")
    parser.add_argument("--layout", metavar="NAME", help=f"one of {', '.join(LAYOUTS)} (default: from the file)")
    parser.add_argument("--seed", type=int, default=0, metavar="S")
    options = parser.parse_args(arguments)
    try:
        path = options.sample or bundled_sample(options.layout or "photon")
        print(compare(path, options.seed, options.layout))
    except CalosimError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
