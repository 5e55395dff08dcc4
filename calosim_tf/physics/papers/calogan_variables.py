"""Shower-shape variables of CaloGAN (authors' analysis code; arXiv:1705.02355, section 4), numpy only.

Layers are numbered 0, 1, 2 along the beam; "depth" is that number, not a length.  Lateral positions are the middles of
the bins along axis 0 (x, vertical): 3, 12 and 12 bins over 480 mm.
"""

from __future__ import annotations

import numpy as np

LAYER_SHAPES = ((3, 96), (12, 12), (12, 6))
HALF_WIDTH_MM = 240.0


def calogan_variables(showers_mev: np.ndarray) -> dict[str, np.ndarray]:
    """Shape variables of each shower.

    Parameters
    ----------
    showers_mev : ndarray, shape (n, 504)
        Cells of layers 0 (3 x 96), 1 (12 x 12) and 2 (12 x 6), row-major, MeV.

    Returns
    -------
    dict of str to ndarray, shape (n,)
        Of each shower ``total_mev``; ``deepest_layer`` (0, 1 or 2: the last one with energy); ``lateral_depth_mev`` (E1
        + 2 E2); ``shower_depth`` (that over the total: mean layer number); ``depth_width`` (its spread).  For each
        layer i ``energy_<i>_mev``, ``fraction_<i>``, ``lateral_width_<i>_mm`` (energy-weighted standard deviation along
        axis 0), ``e_ratio_<i>`` (hottest minus second hottest cell over their sum) and ``occupancy_<i>`` (fraction of
        cells above 0, which the authors call sparsity).  Ratios of nothing are 0; the authors add 1e-9 to 1e-6 to the
        denominators instead.

    Raises
    ------
    ValueError
        Another number of cells.
    """
    n_cells = sum(rows * columns for rows, columns in LAYER_SHAPES)
    if showers_mev.ndim != 2 or showers_mev.shape[1] != n_cells:
        raise ValueError(f"showers of shape {showers_mev.shape}, expected (n, {n_cells})")
    variables, first, energies = {}, 0, []
    for index, (rows, columns) in enumerate(LAYER_SHAPES):
        cells = showers_mev[:, first : first + rows * columns].astype(np.float64)
        first += rows * columns
        energies.append(cells.sum(axis=1))
        per_layer = _layer_variables(cells.reshape(-1, rows, columns), energies[-1])
        variables |= {name.replace("#", str(index)): values for name, values in per_layer.items()}
    total = np.sum(energies, axis=0)
    variables |= {f"fraction_{index}": _ratio(energy, total) for index, energy in enumerate(energies)}
    return variables | _depth_variables(*energies, total)


def _depth_variables(e0, e1, e2, total) -> dict[str, np.ndarray]:
    """Variables of the three layer energies, each of shape (n,)."""
    mean = _ratio(e1 + 2.0 * e2, total)
    square = _ratio(e0 * mean**2 + e1 * (1.0 - mean) ** 2 + e2 * (2.0 - mean) ** 2, total)
    return {
        "total_mev": total,
        "deepest_layer": np.where(e2 != 0.0, 2, np.where(e1 != 0.0, 1, 0)),
        "lateral_depth_mev": e1 + 2.0 * e2,
        "shower_depth": mean,
        "depth_width": np.sqrt(square),
    }


def _layer_variables(cells, energy) -> dict[str, np.ndarray]:
    """Variables of one layer; ``cells`` (n, rows, columns) and its sum ``energy`` in MeV; # stands for the layer."""
    n, rows, _ = cells.shape
    edges_mm = np.linspace(-HALF_WIDTH_MM, HALF_WIDTH_MM, rows + 1)
    middle_mm = (edges_mm[1:] + edges_mm[:-1]) / 2.0
    per_row = cells.sum(axis=2)
    distance_mm = middle_mm - _ratio(per_row @ middle_mm, energy)[:, np.newaxis]
    flat = cells.reshape(n, -1)
    second, hottest = np.partition(flat, -2, axis=1)[:, -2:].T
    return {
        "energy_#_mev": energy,
        "lateral_width_#_mm": np.sqrt(_ratio((per_row * distance_mm**2).sum(axis=1), energy)),
        "e_ratio_#": _ratio(hottest - second, hottest + second),
        "occupancy_#": np.count_nonzero(flat > 0.0, axis=1) / flat.shape[1],
    }


def _ratio(part, whole):
    """``part / whole``, 0 where there is nothing."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0.0)
