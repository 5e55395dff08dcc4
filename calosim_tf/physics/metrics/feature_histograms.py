"""Histograms of the high-level features in the bins of their separation powers, for plots and comparisons.

Kept in ``metrics.json``, so that several generators can be overlaid long after their showers are gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from calosim_tf.physics.distances.histograms import response_edges
from calosim_tf.physics.metrics.comparison import Comparison
from calosim_tf.physics.metrics.layer_shapes import layer_edges, thresholded_response
from calosim_tf.physics.observables.sample import Sample

# Significant digits of an edge in metrics.json: bins are never narrower than 1e-4 of their place.
EDGE_DIGITS = 8
LABELS = {"energy_thresholded": "layer energy [MeV]", "sparsity": "share of voxels without energy"}


@dataclass(frozen=True, eq=False)
class FeatureHistogram:
    """Counts of one feature in the generated and the reference showers.

    Attributes
    ----------
    name : str
        Of the separation power in ``metrics.json``.
    label : str
        For the axis.
    edges : ndarray, shape (b + 1,)
    generated, reference : ndarray of int, shape (b,)
    n_generated, n_reference : int
        Showers, also those outside of the edges.
    """

    name: str
    label: str
    edges: np.ndarray
    generated: np.ndarray
    reference: np.ndarray
    n_generated: int
    n_reference: int

    def as_json(self) -> dict[str, Any]:
        """The entry of ``metrics.json``."""
        return {
            "label": self.label,
            "edges": [float(f"{edge:.{EDGE_DIGITS}g}") for edge in self.edges],
            "generated": self.generated.tolist(),
            "reference": self.reference.tolist(),
            "n_generated": self.n_generated,
            "n_reference": self.n_reference,
        }

    @classmethod
    def from_json(cls, name: str, entry: dict[str, Any]) -> FeatureHistogram:
        """Read an entry back."""
        arrays = {key: np.asarray(entry[key]) for key in ("edges", "generated", "reference")}
        return cls(name, entry["label"], **arrays, n_generated=entry["n_generated"], n_reference=entry["n_reference"])


def feature_histograms(comparison: Comparison) -> Iterator[FeatureHistogram]:
    """All features that have a separation power: E_tot/E_inc and, per layer, energies, centres, widths and sparsity."""
    detector = comparison.reference.showers.detector
    if comparison.reference.layers_with("energy_thresholded"):
        edges = response_edges(detector, comparison.energy_mev, thresholded_response(comparison.reference))
        yield _histogram("separation_e_tot_over_e_inc", "E_tot/E_inc", comparison, edges, thresholded_response)
    for quantity in comparison.reference.features.per_layer:
        if quantity != "energy":
            for layer_id in comparison.reference.layers_with(quantity):
                yield _layer_histogram(comparison, quantity, layer_id)


def _layer_histogram(comparison: Comparison, quantity: str, layer_id: int) -> FeatureHistogram:
    kind = {"energy_thresholded": "layer_energy"}.get(quantity, quantity)
    label = LABELS.get(quantity) or "{} in {} [mm]".format(*quantity.split("_"))
    return _histogram(
        f"separation_{kind}_layer_{layer_id}",
        f"layer {layer_id}: {label}",
        comparison,
        layer_edges(comparison, quantity, layer_id),
        lambda sample: sample.layer(quantity, layer_id),
    )


def _histogram(
    name: str, label: str, comparison: Comparison, edges: np.ndarray, values: Callable[[Sample], np.ndarray]
) -> FeatureHistogram:
    pair = (comparison.generated, comparison.reference)
    generated, reference = (np.histogram(values(sample), edges)[0] for sample in pair)
    return FeatureHistogram(name, label, edges, generated, reference, *map(len, pair))
