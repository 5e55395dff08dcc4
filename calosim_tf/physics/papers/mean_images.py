"""Mean image of each layer, generated against real: Fig. 1 of Conditional CaloGAN in numbers (numpy only)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calosim_tf.data.schema import ShowerSet, holdout_rows
from calosim_tf.physics.observables.features import mean_shower_mev


@dataclass(frozen=True, eq=False)
class LayerImages:
    """Mean images of one layer.

    Attributes
    ----------
    layer_id : int
    reference_mev, generated_mev : ndarray, shape (rows, columns)
    energy_ratio : float
        Generated over real energy of the layer.
    difference : float
        Sum over cells of |generated - real|, over the energy of the real image.
    reference_vs_reference : float
        The same between two halves of the real showers: what chance gives with half as many showers on each side.
    """

    layer_id: int
    reference_mev: np.ndarray
    generated_mev: np.ndarray
    energy_ratio: float
    difference: float
    reference_vs_reference: float


def mean_images(generated: ShowerSet, reference: ShowerSet) -> list[LayerImages]:
    """Mean images of all layers, no threshold, all energies together."""
    detector = reference.detector
    first = holdout_rows(reference.incident_energy_mev, 0.5)
    halves = [mean_shower_mev(reference.showers_mev, np.flatnonzero(half)) for half in (first, ~first)]
    means = [mean_shower_mev(showers.showers_mev) for showers in (reference, generated)]
    images = []
    for layer in detector.layers:
        real, made = (detector.layer_image(mean[None], layer.layer_id)[0] for mean in means)
        pair = [detector.layer_image(mean[None], layer.layer_id)[0] for mean in halves]
        images.append(
            LayerImages(
                layer.layer_id, real, made, _over(made.sum(), real.sum()), _difference(made, real), _difference(*pair)
            )
        )
    return images


def _difference(image: np.ndarray, reference: np.ndarray) -> float:
    return _over(np.abs(image - reference).sum(), reference.sum())


def _over(value: float, reference: float) -> float:
    return float(value / reference) if reference > 0 else float("nan")
