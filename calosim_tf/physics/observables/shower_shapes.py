"""Observables of a whole shower, from the geometry alone: depth, shower maximum, lateral size, hits, profiles.

Layers count from 0 in the order of the file, so depths are in layers; lengths are in mm.  All after the voxel
threshold.  What follows from the features per layer needs no further pass over the voxels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calosim_tf.data.schema import ShowerSet
from calosim_tf.geometry import CellLayer, VoxelDetector
from calosim_tf.physics.observables.features import blocks
from calosim_tf.physics.observables.sample import Sample

# In units of the detector's voxel threshold
SPARSITY_THRESHOLDS = (1.0, 10.0, 100.0, 1000.0)
# Our choice: equal rings up to the radius that holds the inner 95 % of the reference's energy, and one beyond
LATERAL_RINGS = 20
LATERAL_SHARE = 0.95


def layer_energies(sample: Sample) -> np.ndarray:
    """Energy per layer after the threshold, shape (n, layers), MeV."""
    return np.stack([sample.layer("energy_thresholded", i) for i in sample.layers_with("energy_thresholded")], axis=1)


def longitudinal_profiles(sample: Sample) -> np.ndarray:
    """Share of each layer in the shower's energy, shape (n, layers); 0 for an empty shower."""
    return _over(layer_energies(sample), layer_energies(sample).sum(axis=1, keepdims=True))


def shower_shapes(sample: Sample) -> dict[str, np.ndarray]:
    """Observables per shower.

    Returns
    -------
    dict of str to ndarray, shape (n,)
        ``e_tot_over_e_inc``; ``hits`` (voxels above the threshold); ``hottest_voxel_share`` (of the total energy);
        ``lateral_centre_<axis>`` and ``lateral_width`` (of all layers together, mm).  With more than one layer also
        ``shower_depth``, ``shower_depth_width`` and ``shower_depth_skewness`` (mean, standard deviation and skewness of
        the depth, in layers, weighted with the energy) and ``shower_maximum`` (layer of the largest energy).
    """
    energies = layer_energies(sample)
    total = energies.sum(axis=1)
    detector = sample.showers.detector
    voxels = {layer.layer_id: layer.n_voxels for layer in detector.layers}
    hits = sum((1.0 - sample.layer("sparsity", layer_id)) * count for layer_id, count in voxels.items())
    shapes = {
        "e_tot_over_e_inc": total / sample.incident_mev,
        "hits": np.rint(hits),
        "hottest_voxel_share": _over(sample.features.max_voxel_mev[sample.rows], total),
    }
    if energies.shape[1] > 1:
        shapes |= _longitudinal_moments(_over(energies, total[:, None]))
        shapes["shower_maximum"] = energies.argmax(axis=1).astype(np.float64)
    return shapes | _lateral_moments(sample, total)


def _longitudinal_moments(shares: np.ndarray) -> dict[str, np.ndarray]:
    place = np.arange(shares.shape[1])
    mean = shares @ place
    apart = place - mean[:, None]
    variance = np.sum(shares * apart**2, axis=1)
    third = np.sum(shares * apart**3, axis=1)
    return {
        "shower_depth": mean,
        "shower_depth_width": np.sqrt(variance),
        "shower_depth_skewness": _over(third, variance**1.5),
    }


def _lateral_moments(sample: Sample, total: np.ndarray) -> dict[str, np.ndarray]:
    """Centre and width over all layers, combined from those of the layers."""
    centres = {}
    variance = np.zeros(len(sample))
    axes = [axis for axis in ("eta", "phi", "x", "y") if sample.layers_with(f"centre_{axis}")]
    for axis in axes or ["r"]:
        weight = first = second = 0.0
        for layer_id in sample.layers_with(f"centre_{axis}"):
            energy = sample.layer("energy_thresholded", layer_id)
            centre, width = (sample.layer(f"{kind}_{axis}", layer_id) for kind in ("centre", "width"))
            weight, first = weight + energy, first + energy * centre
            second = second + energy * (width**2 + centre**2)
        centres[f"lateral_centre_{axis}"] = _over(first, weight)
        variance += np.maximum(_over(second, weight) - centres[f"lateral_centre_{axis}"] ** 2, 0.0)
    return centres | {"lateral_width": np.sqrt(variance)}


def _over(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    shape = np.broadcast_shapes(np.shape(numerator), np.shape(denominator))
    return np.divide(numerator, denominator, out=np.zeros(shape), where=denominator > 0)


def voxel_radius_mm(detector: VoxelDetector) -> np.ndarray:
    """Distance of each voxel's middle from the detector's axis, shape (n_voxels,), mm."""
    parts = []
    for layer in detector.layers:
        place = layer.coordinates_mm
        parts.append(np.hypot(*place.values()) if isinstance(layer, CellLayer) else place["r"])
    return np.concatenate(parts)


@dataclass(frozen=True, eq=False)
class VoxelPass:
    """What one pass over the voxels of a sample gives.

    Attributes
    ----------
    lateral : ndarray, shape (n, rings)
        Share of the shower's energy in rings around the detector's axis.
    occupancy : ndarray, shape (n, thresholds)
        Share of the voxels at or above each threshold.
    """

    lateral: np.ndarray
    occupancy: np.ndarray


@dataclass(frozen=True, eq=False)
class RadialSums:
    """Sums over the voxels of each shower of a set, from which every sample of it takes its rings.

    Attributes
    ----------
    radius_mm : ndarray, shape (k,)
        The different distances of voxels from the axis, increasing.
    energy_mev, kept_mev : ndarray, shape (n, k)
        Energy at each distance without the threshold and after it.
    occupancy : ndarray, shape (n, thresholds)
    """

    radius_mm: np.ndarray
    energy_mev: np.ndarray
    kept_mev: np.ndarray
    occupancy: np.ndarray


def radial_sums(showers: ShowerSet) -> RadialSums:
    """Radial energies and occupancies of all showers of a set, in one pass in blocks."""
    detector = showers.detector
    radius, which = np.unique(voxel_radius_mm(detector), return_inverse=True)
    # layers that are cut alike are summed first: a matrix product for one of them instead of 45
    alike: dict[bytes, tuple[np.ndarray, list[slice]]] = {}
    for voxels in detector.layer_slices.values():
        alike.setdefault(which[voxels].tobytes(), (np.eye(len(radius))[which[voxels]], []))[1].append(voxels)
    thresholds_mev = np.multiply(SPARSITY_THRESHOLDS, detector.threshold_mev)
    energy, kept = np.zeros((2, len(showers), len(radius)))
    occupancy = np.empty((len(showers), len(thresholds_mev)))
    for place, block in blocks(showers.showers_mev):
        for column, threshold in enumerate(thresholds_mev):
            occupancy[place, column] = np.count_nonzero(block >= threshold, axis=1) / detector.n_voxels
        above = np.where(block < detector.threshold_mev, 0.0, block)
        for at_radius, layers in alike.values():
            for sums, voxels_mev in ((energy, block), (kept, above)):
                sums[place] += sum(voxels_mev[:, voxels] for voxels in layers) @ at_radius
    return RadialSums(radius, energy, kept, occupancy)


def _radial_sums(sample: Sample) -> RadialSums:
    """Those of all showers of the sample's set, computed once."""
    if "radial_sums" not in sample.whole:
        sample.whole["radial_sums"] = radial_sums(sample.showers)
    return sample.whole["radial_sums"]


def lateral_edges_mm(reference: Sample) -> np.ndarray:
    """Inner edges of the rings, shape (20,), mm, from the reference's mean shower."""
    sums = _radial_sums(reference)
    energy = np.cumsum(np.maximum(sums.energy_mev[reference.rows].mean(axis=0), 0.0))
    inside = int(np.searchsorted(energy, LATERAL_SHARE * energy[-1]))
    largest = float(sums.radius_mm[min(inside, len(energy) - 1)]) or float(sums.radius_mm[-1])
    return np.linspace(0.0, largest, LATERAL_RINGS + 1)[1:]


def voxel_pass(sample: Sample, edges_mm: np.ndarray) -> VoxelPass:
    """Lateral profile and sparsity at several thresholds, from one pass over the whole set in blocks.

    Parameters
    ----------
    sample : Sample
    edges_mm : ndarray, shape (r,)
        Increasing; rings are below the first, between two, and above the last.
    """
    sums = _radial_sums(sample)
    in_ring = np.eye(len(edges_mm) + 1)[np.searchsorted(edges_mm, sums.radius_mm)]
    kept = sums.kept_mev[sample.rows]
    return VoxelPass(_over(kept @ in_ring, kept.sum(axis=1, keepdims=True)), sums.occupancy[sample.rows])
