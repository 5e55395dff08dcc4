"""Jet images of the two classes of LAGAN: observables, mean images, spectra of pixels (numpy only)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calosim_tf.data.schema import ShowerSet
from calosim_tf.physics.observables.jets import jet_observables

# Class -> value of the attribute ``signal``
CLASSES = {"qcd": 0.0, "w": 1.0}
# Authors' notebook: 50 bins from 0 to 300 GeV
INTENSITY_EDGES_GEV = np.linspace(0.0, 300.0, 51)


@dataclass(frozen=True, eq=False)
class ClassOfJets:
    """What is drawn of one class of a sample.

    Attributes
    ----------
    n : int
    mean_image_gev : ndarray, shape (25, 25)
        0 where there are no jets.
    intensities : ndarray, shape (50,)
        Pixels above 0 per jet, in the bins of ``INTENSITY_EDGES_GEV``.
    occupancy : float
        Mean share of pixels above 0.
    observables : dict of str to ndarray, shape (n,)
    """

    n: int
    mean_image_gev: np.ndarray
    intensities: np.ndarray
    occupancy: float
    observables: dict[str, np.ndarray]


def pixels_gev(showers: ShowerSet) -> np.ndarray:
    """Pixels in GeV, below the threshold of the detector 0: shape (n, 625), float64."""
    pixels = np.asarray(showers.showers_mev[np.arange(len(showers))], dtype=np.float64)
    return np.where(pixels < showers.detector.threshold_mev, 0.0, pixels) / 1e3


def rows_of(showers: ShowerSet, name: str) -> np.ndarray:
    """Rows of the jets of a class."""
    return np.flatnonzero(showers.attributes[:, 0] == CLASSES[name])


def observables_by_class(showers: ShowerSet) -> dict[str, dict[str, np.ndarray]]:
    """Class -> observable -> values of its jets."""
    return {name: jet_observables(pixels_gev(showers.take(rows_of(showers, name)))) for name in CLASSES}


def classes_of(showers: ShowerSet) -> dict[str, ClassOfJets]:
    """All that the figures show, by class."""
    found = {}
    for name in CLASSES:
        pixels = pixels_gev(showers.take(rows_of(showers, name)))
        n = len(pixels)
        filled = pixels > 0
        found[name] = ClassOfJets(
            n,
            pixels.sum(axis=0).reshape(showers.detector.layers[0].shape) / max(n, 1),
            np.histogram(pixels[filled], INTENSITY_EDGES_GEV)[0] / max(n, 1),
            float(filled.mean()) if n else float("nan"),
            jet_observables(pixels),
        )
    return found
