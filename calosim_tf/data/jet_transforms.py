"""Normalisation of jet images: pixels in 100 GeV, the class of the jet as condition (no TensorFlow)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from calosim_tf.data.cell_transforms import MEV_PER_100_GEV, MevCellNormalisation
from calosim_tf.data.source import ShowerSource
from calosim_tf.errors import ConfigError


@dataclass(frozen=True)
class JetPixelNormalisation(MevCellNormalisation):
    """Pixels of a jet image in 100 GeV (LAGAN, authors' code); its class, 0 or 1, as condition.

    ``kin_min_mev`` and ``kin_max_mev`` are the number that stands in for an incident energy, which a jet does not have.
    """

    kind: ClassVar[str] = "jet_pixels"
    # a locally connected layer of LAGAN holds 1.25 MB per image
    largest_batch: ClassVar[int] = 512

    @classmethod
    def of_training(cls, source: ShowerSource, data, network) -> JetPixelNormalisation:
        """As :meth:`Normalisation.of_training`; the detector makes images of classes of jets."""
        detector = source.detector
        if not detector.nominal_energy_mev or detector.attributes != detector.classes:
            raise ConfigError(
                f"data.layout: found {detector.name}, whose particles have an incident energy, expected images of jets "
                f"(jet_image) for data.normalisation = {cls.kind}"
            )
        if data.standardize_conditions:
            raise ConfigError(
                f"data.standardize_conditions: found true, expected false for data.normalisation = {cls.kind}, whose "
                "condition is a class"
            )
        energy = detector.nominal_energy_mev
        return cls(detector.mass_mev, energy, energy, cells=detector.layers[0].shape, mask_mev=data.mask_mev)

    def to_network(self, showers_mev: np.ndarray, incident_energy_mev: np.ndarray) -> np.ndarray:
        """As :meth:`Normalisation.to_network`."""
        return super().to_network(showers_mev, incident_energy_mev) / MEV_PER_100_GEV

    def to_mev(self, outputs: np.ndarray, incident_energy_mev: np.ndarray) -> np.ndarray:
        """As :meth:`Normalisation.to_mev`."""
        return super().to_mev(outputs, incident_energy_mev) * MEV_PER_100_GEV

    def output_words(self) -> tuple[str, str]:
        """As :meth:`Normalisation.output_words`."""
        return "transverse momenta of pixels, one channel; a pixel in MeV is 100000 times its number", "100 GeV"
