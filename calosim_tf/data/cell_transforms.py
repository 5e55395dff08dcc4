"""Normalisations of energies as they are, or their logarithms: LHCb, CaloGAN, 3DGAN, CaloFlow, ILD (no TensorFlow)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from calosim_tf.data.normalisation import Normalisation, masked, training_range
from calosim_tf.data.sampling_fraction import contract_of
from calosim_tf.data.schema import kinetic_energy_mev
from calosim_tf.data.source import ShowerSource
from calosim_tf.errors import ConfigError

MEV_PER_GEV = np.float32(1e3)
# CaloFlow, authors' code: their unit, and the voxel below which a generated one is empty
MEV_PER_100_GEV, LEAST_VOXEL_MEV = np.float32(1e5), np.float32(0.01)


@dataclass(frozen=True)
class LogCellNormalisation(Normalisation):
    """ln(1 + E / MeV) of the cells of one layer (Ratnikov and Rogachev 2021); momentum and point as condition.

    Attributes
    ----------
    cells : tuple of int
        Rows, columns.
    condition_mean, condition_std : tuple of float
        Subtracted from, and divided out of, the condition (px, py, pz in GeV, x, y in cm); empty for none.  A number
        that is the same for all training showers has the standard deviation 1: it becomes 0.
    mask_mev : float
        Training cells below this are set to 0.
    """

    kind: ClassVar[str] = "log_cells"

    cells: tuple[int, int] = (30, 30)
    condition_mean: tuple[float, ...] = ()
    condition_std: tuple[float, ...] = ()
    mask_mev: float = 0.0

    @classmethod
    def of_training(cls, source: ShowerSource, data, network) -> LogCellNormalisation:
        """As :meth:`Normalisation.of_training`; the detector has one layer, its particles attributes."""
        detector = source.detector
        if len(detector.layers) > 1 or not detector.attributes:
            raise ConfigError(
                f"data.layout: found {detector.name} with {len(detector.layers)} layers and "
                f"{len(detector.attributes)} attributes, expected one layer and some attributes for "
                f"data.normalisation = {cls.kind}"
            )
        options = {"cells": detector.layers[0].shape, "mask_mev": data.mask_mev}
        if data.standardize_conditions:
            conditions = source.attributes[source.train_rows]
            options["condition_mean"] = tuple(conditions.mean(axis=0).tolist())
            options["condition_std"] = tuple(np.where(_varies(conditions), conditions.std(axis=0), 1.0).tolist())
        return cls(*training_range(source), **options)

    def label(self, incident_energy_mev: np.ndarray, attributes: np.ndarray | None = None) -> np.ndarray:
        """As :meth:`Normalisation.label`: the attributes, standardised if requested."""
        if not self.condition_mean:
            return attributes.astype(np.float32)
        return ((attributes - self.condition_mean) / self.condition_std).astype(np.float32)

    def value_shape(self, n_voxels: int) -> tuple[int, ...]:
        """As :meth:`Normalisation.value_shape`: an image with one channel."""
        return (*self.cells, 1)

    def to_network(self, showers_mev: np.ndarray, incident_energy_mev: np.ndarray) -> np.ndarray:
        """As :meth:`Normalisation.to_network`."""
        logs = np.log1p(masked(showers_mev, self.mask_mev), dtype=np.float32)
        return logs.reshape(-1, *self.cells, 1)

    def to_mev(self, outputs: np.ndarray, incident_energy_mev: np.ndarray) -> np.ndarray:
        """As :meth:`Normalisation.to_mev`."""
        return np.expm1(outputs.reshape(len(outputs), -1))

    def condition_words(self, attributes: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
        """As :meth:`Normalisation.condition_words`."""
        if not self.condition_mean:
            return attributes, f"{', '.join(attributes)} as they are"
        numbers = zip(attributes, self.condition_mean, self.condition_std, strict=True)
        return attributes, ", ".join(f"({name} - {mean:.9g}) / {std:.9g}" for name, mean, std in numbers)

    def output_words(self) -> tuple[str, str]:
        """As :meth:`Normalisation.output_words`."""
        return "ln(1 + cell / MeV), one channel; a cell in MeV is exp(number) - 1", "1"


@dataclass(frozen=True)
class MevCellNormalisation(LogCellNormalisation):
    """Cells of one layer in MeV as they are; momentum and point as condition."""

    kind: ClassVar[str] = "mev_cells"

    def to_network(self, showers_mev: np.ndarray, incident_energy_mev: np.ndarray) -> np.ndarray:
        """As :meth:`Normalisation.to_network`."""
        return masked(showers_mev, self.mask_mev).astype(np.float32, copy=False).reshape(-1, *self.cells, 1)

    def to_mev(self, outputs: np.ndarray, incident_energy_mev: np.ndarray) -> np.ndarray:
        """As :meth:`Normalisation.to_mev`."""
        return outputs.reshape(len(outputs), -1)

    def output_words(self) -> tuple[str, str]:
        """As :meth:`Normalisation.output_words`."""
        return "cells in MeV, one channel", "MeV"


def _varies(conditions: np.ndarray) -> np.ndarray:
    """Which columns are not the same number in all rows but for rounding, shape (columns,)."""
    return np.ptp(conditions, axis=0) > 1e-6 * np.abs(conditions).max(axis=0)


@dataclass(frozen=True)
class GevNormalisation(Normalisation):
    """Cells in GeV and the particle unscaled (CaloGAN: all other scales are inside the networks).

    Attributes
    ----------
    condition_size : int
        1: kinetic energy in GeV; more: that and the attributes (CaloGAN: theta, phi in rad, x0, y0 in mm).
    mask_mev : float
        Training cells below this are set to 0.
    """

    kind: ClassVar[str] = "gev"

    condition_size: int = 5
    mask_mev: float = 0.0

    @classmethod
    def of_training(cls, source: ShowerSource, data, network) -> GevNormalisation:
        """As :meth:`Normalisation.of_training`."""
        return cls(*training_range(source), condition_size=network.condition_size, mask_mev=data.mask_mev)

    def label(self, incident_energy_mev: np.ndarray, attributes: np.ndarray | None = None) -> np.ndarray:
        """As :meth:`Normalisation.label`."""
        energy_gev = kinetic_energy_mev(incident_energy_mev, self.mass_mev)[:, None] / 1e3
        columns = [energy_gev] if self.condition_size == 1 else [energy_gev, attributes]
        return np.concatenate(columns, axis=1).astype(np.float32)

    def value_shape(self, n_voxels: int) -> tuple[int, ...]:
        """As :meth:`Normalisation.value_shape`: a vector."""
        return (n_voxels,)

    def to_network(self, showers_mev: np.ndarray, incident_energy_mev: np.ndarray) -> np.ndarray:
        """As :meth:`Normalisation.to_network`."""
        return masked(showers_mev, self.mask_mev) / MEV_PER_GEV

    def to_mev(self, outputs: np.ndarray, incident_energy_mev: np.ndarray) -> np.ndarray:
        """As :meth:`Normalisation.to_mev`."""
        return outputs * MEV_PER_GEV

    def condition_words(self, attributes: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
        """As :meth:`Normalisation.condition_words`."""
        more = attributes if self.condition_size > 1 else ()
        return ("kinetic_energy_gev", *more), ", ".join(("kin / GeV", *more))

    def output_words(self) -> tuple[str, str]:
        """As :meth:`Normalisation.output_words`."""
        return "cells; a cell in MeV is 1000 times its number", "GeV"


@dataclass(frozen=True)
class HundredGevNormalisation(GevNormalisation):
    """Cells and the incident energy of the file in 100 GeV (CaloFlow: all other scales are inside the networks)."""

    kind: ClassVar[str] = "hundred_gev"

    def label(self, incident_energy_mev: np.ndarray, attributes: np.ndarray | None = None) -> np.ndarray:
        """As :meth:`Normalisation.label`."""
        return (incident_energy_mev[:, None] / 1e5).astype(np.float32)

    def to_network(self, showers_mev: np.ndarray, incident_energy_mev: np.ndarray) -> np.ndarray:
        """As :meth:`Normalisation.to_network`."""
        return masked(showers_mev, self.mask_mev) / MEV_PER_100_GEV

    def to_mev(self, outputs: np.ndarray, incident_energy_mev: np.ndarray) -> np.ndarray:
        """As :meth:`Normalisation.to_mev`: below 0.01 MeV is 0."""
        cells = outputs * MEV_PER_100_GEV
        return np.where(cells < LEAST_VOXEL_MEV, np.float32(0.0), cells)

    def condition_words(self, attributes: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
        """As :meth:`Normalisation.condition_words`."""
        return ("incident_energy_100_gev",), "incident_energy / 100 GeV"

    def output_words(self) -> tuple[str, str]:
        """As :meth:`Normalisation.output_words`."""
        return "cells; a cell in MeV is 100000 times its number, and 0 below 0.01 MeV", "100 GeV"


@dataclass(frozen=True)
class CubeNormalisation(Normalisation):
    """Cells in GeV as a cube with axes x, y, z, energy over 100 GeV as label (3DGAN).

    Attributes
    ----------
    cells : tuple of int
        Along x, y, z.
    with_angle : bool
        The polar angle (rad) is the second number of the label.
    mask_mev : float
        Training cells below this are set to 0.
    sampling_coefficients, fake_energy_gev, first_energy_gev : tuple of float
        See :class:`calosim_tf.data.sampling_fraction.EnergyContract`.
    """

    kind: ClassVar[str] = "cube"

    cells: tuple[int, int, int] = (25, 25, 25)
    with_angle: bool = False
    mask_mev: float = 1e-3
    sampling_coefficients: tuple[float, ...] = ()
    fake_energy_gev: tuple[float, ...] = ()
    first_energy_gev: tuple[float, ...] = ()

    @classmethod
    def of_training(cls, source: ShowerSource, data, network) -> CubeNormalisation:
        """As :meth:`Normalisation.of_training`; all layers of the detector are cut alike."""
        cells, rows = _require_cube(source, cls.kind), source.train_rows
        contract = contract_of(source.incident_energy_mev[rows] / 1e3, source.total_energy_mev(rows) / 1e3)
        return cls(
            *training_range(source),
            cells=cells,
            with_angle=network.condition_size > 1,
            mask_mev=data.mask_mev,
            sampling_coefficients=contract.sampling.coefficients,
            fake_energy_gev=contract.fake_energy_gev,
            first_energy_gev=contract.first_energy_gev,
        )

    def label(self, incident_energy_mev: np.ndarray, attributes: np.ndarray | None = None) -> np.ndarray:
        """As :meth:`Normalisation.label`."""
        energy = kinetic_energy_mev(incident_energy_mev, self.mass_mev)[:, None] / 1e5
        return np.concatenate([energy, attributes] if self.with_angle else [energy], axis=1).astype(np.float32)

    def value_shape(self, n_voxels: int) -> tuple[int, ...]:
        """As :meth:`Normalisation.value_shape`: x, y, z."""
        return self.cells

    def to_network(self, showers_mev: np.ndarray, incident_energy_mev: np.ndarray) -> np.ndarray:
        """As :meth:`Normalisation.to_network`."""
        x, y, z = self.cells
        cubes = masked(showers_mev, self.mask_mev).reshape(-1, z, x, y).transpose(0, 2, 3, 1)
        return np.ascontiguousarray(cubes, dtype=np.float32) / MEV_PER_GEV

    def to_mev(self, outputs: np.ndarray, incident_energy_mev: np.ndarray) -> np.ndarray:
        """As :meth:`Normalisation.to_mev`."""
        layers = outputs.reshape(-1, *self.cells).transpose(0, 3, 1, 2).reshape(len(outputs), -1)
        return layers * MEV_PER_GEV

    def condition_words(self, attributes: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
        """As :meth:`Normalisation.condition_words`."""
        more = attributes if self.with_angle else ()
        return ("kinetic_energy_100_gev", *more), ", ".join(("kin / 100 GeV", *more))

    def output_words(self) -> tuple[str, str]:
        """As :meth:`Normalisation.output_words`."""
        return "cells as a cube with axes x, y, z; a cell in MeV is 1000 times its number, z moved to the front", "GeV"


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


@dataclass(frozen=True)
class MevCubeNormalisation(GevNormalisation):
    """Cells in MeV as they are, with axes layer, row, column, and one channel; energy in GeV (Buhmann et al. 2021).

    Attributes
    ----------
    cells : tuple of int
        Layers, rows, columns.
    least_mev : float
        Generated cells below this are empty (authors' code: half a minimum-ionising particle).
    """

    kind: ClassVar[str] = "mev_cube"

    condition_size: int = 1
    cells: tuple[int, int, int] = (30, 30, 30)
    least_mev: float = 0.1

    @classmethod
    def of_training(cls, source: ShowerSource, data, network) -> MevCubeNormalisation:
        """As :meth:`Normalisation.of_training`; all layers of the detector are cut alike."""
        rows, columns, layers = _require_cube(source, cls.kind)
        options = {"condition_size": network.condition_size, "mask_mev": data.mask_mev}
        return cls(*training_range(source), cells=(layers, rows, columns), **options)

    def value_shape(self, n_voxels: int) -> tuple[int, ...]:
        """As :meth:`Normalisation.value_shape`: layers, rows, columns, one channel."""
        return (*self.cells, 1)

    def to_network(self, showers_mev: np.ndarray, incident_energy_mev: np.ndarray) -> np.ndarray:
        """As :meth:`Normalisation.to_network`."""
        return masked(showers_mev, self.mask_mev).astype(np.float32, copy=False).reshape(-1, *self.cells, 1)

    def to_mev(self, outputs: np.ndarray, incident_energy_mev: np.ndarray) -> np.ndarray:
        """As :meth:`Normalisation.to_mev`: below ``least_mev`` is 0."""
        return masked(outputs.reshape(len(outputs), -1), self.least_mev)

    def output_words(self) -> tuple[str, str]:
        """As :meth:`Normalisation.output_words`."""
        return f"cells in MeV with axes layer, row, column; 0 below {self.least_mev:g} MeV", "MeV"


def _require_cube(source: ShowerSource, kind: str) -> tuple[int, int, int]:
    """Rows, columns and layers; :class:`ConfigError` where layers are cut differently."""
    cells = source.detector.cube
    if cells is None:
        raise ConfigError(
            f"data.layout: found {source.detector.name} with layers of different shapes, expected layers that are "
            f"cut alike for data.normalisation = {kind}"
        )
    return cells
