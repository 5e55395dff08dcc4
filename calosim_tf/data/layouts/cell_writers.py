"""Writers of the layouts with several datasets per shower: LHCb, CaloGAN, 3DGAN, ILD, jets (no TensorFlow)."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np

from calosim_tf.data.layouts import calogan_file, ecal_file, ilc_file, jet_image_file, lhcb_file
from calosim_tf.data.layouts.lhcb_arrays import DEPOSITS
from calosim_tf.data.writer import ShowerWriter
from calosim_tf.geometry import VoxelDetector
from calosim_tf.geometry.detectors import CLIC, CLIC_ANGLE, ILC

CHUNK_BYTES = 2**20
ELECTRON, POSITRON = 11, -11
ELECTRON_MASS_MEV = 0.511


class ArraysWriter(ShowerWriter):
    """Writer of a layout that is a set of arrays, one row per shower.

    Attributes
    ----------
    datasets : dict
        Name -> (shape of one row, type, unit).
    file_attributes : dict
        Attributes of every file of the layout.
    """

    datasets: ClassVar[dict[str, tuple[tuple[int, ...], type, str]]]
    file_attributes: ClassVar[dict[str, str]] = {}

    @abstractmethod
    def _arrays(
        self, incident_energy_mev: np.ndarray, showers_mev: np.ndarray, attributes: np.ndarray | None
    ) -> dict[str, np.ndarray]:
        """Rows of all datasets."""

    def _create_datasets(self) -> None:
        n_events = self._shape[0]
        for name, (shape, kind, unit) in self.datasets.items():
            rows = max(1, min(n_events, CHUNK_BYTES // (4 * int(np.prod(shape)))))
            dataset = self._file.create_dataset(
                name, (n_events, *shape), kind, chunks=(rows, *shape), **self._filters()
            )
            dataset.attrs["units"] = unit
        for name, value in self.file_attributes.items():
            self._file.attrs[name] = value

    def _append(self, incident_energy_mev: np.ndarray, showers_mev: np.ndarray, attributes: np.ndarray | None) -> None:
        rows = slice(self._n_showers, self._n_showers + len(showers_mev))
        for name, values in self._arrays(incident_energy_mev, showers_mev, attributes).items():
            self._file[name][rows] = values
        self._n_showers = rows.stop


class LhcbWriter(ArraysWriter):
    """LHCb-like layout in HDF5; rows of an image count y."""

    datasets: ClassVar = {
        DEPOSITS: ((*lhcb_file.CELLS, 1), np.float32, "MeV"),
        lhcb_file.MOMENTUM: ((3,), np.float32, "GeV"),
        lhcb_file.POINT: ((2,), np.float32, "cm"),
        lhcb_file.PDG: ((1,), np.int32, "PDG code"),
    }
    file_attributes: ClassVar = {"axes": "yx"}

    def _arrays(self, incident_energy_mev, showers_mev, attributes):
        n = len(showers_mev)
        return {
            DEPOSITS: showers_mev.reshape(n, *lhcb_file.CELLS, 1),
            lhcb_file.MOMENTUM: attributes[:, :3],
            lhcb_file.POINT: attributes[:, 3:5],
            lhcb_file.PDG: np.full((n, 1), ELECTRON),
        }


class CaloGanCentralWriter(ArraysWriter):
    """Original CaloGAN layout.  What leaves the image is not generated: ``overflow`` is 0."""

    datasets: ClassVar = {
        **{name: (shape, np.float32, "MeV") for name, shape in calogan_file.LAYERS.items()},
        calogan_file.OVERFLOW: ((3,), np.float32, "MeV"),
        calogan_file.ENERGY: ((1,), np.float32, "GeV"),
    }

    def _arrays(self, incident_energy_mev, showers_mev, attributes):
        n = len(showers_mev)
        sizes = [rows * columns for rows, columns in calogan_file.LAYERS.values()]
        parts = np.split(showers_mev, np.cumsum(sizes)[:-1], axis=1)
        layers = {
            name: part.reshape(n, *shape)
            for (name, shape), part in zip(calogan_file.LAYERS.items(), parts, strict=True)
        }
        energy = incident_energy_mev.reshape(n, 1) / 1e3
        return layers | {calogan_file.OVERFLOW: np.zeros((n, 3)), calogan_file.ENERGY: energy}


class CaloGanWriter(CaloGanCentralWriter):
    """CaloGAN layout with positions and momenta (inverse of the angles of the reader)."""

    datasets: ClassVar = {
        **CaloGanCentralWriter.datasets,
        **dict.fromkeys(calogan_file.POSITION, ((1,), np.float32, "mm")),
        **dict.fromkeys(calogan_file.MOMENTUM, ((1,), np.float32, "GeV")),
    }

    def _arrays(self, incident_energy_mev, showers_mev, attributes):
        theta, phi, x0, y0 = attributes.T
        kinetic = np.asarray(incident_energy_mev, dtype=np.float64)
        momentum = np.sqrt(kinetic * (kinetic + 2 * ELECTRON_MASS_MEV)) / 1e3
        across = momentum * np.sin(theta)
        particle = {
            "x0": x0,
            "y0": y0,
            "px": -across * np.sin(phi),
            "py": momentum * np.cos(theta),
            "pz": across * np.cos(phi),
        }
        central = super()._arrays(incident_energy_mev, showers_mev, attributes)
        return central | {name: values[:, None] for name, values in particle.items()}


class EcalWriter(ArraysWriter):
    """3DGAN layout of normal incidence."""

    datasets: ClassVar = {
        ecal_file.ECAL: (CLIC.cube, np.float32, "GeV"),
        ecal_file.TARGET: ((5,), np.float32, "PDG code, GeV, GeV, GeV, GeV"),
    }

    def _arrays(self, incident_energy_mev, showers_mev, attributes):
        energy = np.asarray(incident_energy_mev, dtype=np.float64) / 1e3
        target = np.zeros((len(energy), 5))
        target[:, 0], target[:, ecal_file.ENERGY_COLUMN], target[:, 4] = ELECTRON, energy, energy
        return {ecal_file.ECAL: cubes(showers_mev, CLIC), ecal_file.TARGET: target}


class EcalAngleWriter(ArraysWriter):
    """3DGAN layout of variable angle."""

    datasets: ClassVar = {
        ecal_file.ECAL: (CLIC_ANGLE.cube, np.float32, "GeV / 50"),
        ecal_file.ENERGY: ((1,), np.float32, "GeV"),
        "theta": ((1,), np.float32, "rad"),
    }

    def _arrays(self, incident_energy_mev, showers_mev, attributes):
        return {
            ecal_file.ECAL: cubes(showers_mev, CLIC_ANGLE),
            ecal_file.ENERGY: np.asarray(incident_energy_mev, dtype=np.float64)[:, None] / 1e3,
            "theta": attributes[:, :1],
        }


class JetImageWriter(ArraysWriter):
    """Jet images and their classes; observables of jets, which public files hold besides, follow from an image."""

    datasets: ClassVar = {
        jet_image_file.IMAGE: (jet_image_file.PIXELS, np.float32, "GeV"),
        jet_image_file.SIGNAL: ((), np.float32, "1: W boson, 0: QCD"),
    }
    file_attributes: ClassVar = {"axes": "rows: phi from +1.2 to -1.2; columns: eta from -1.2 to +1.2"}

    def _arrays(self, incident_energy_mev, showers_mev, attributes):
        images = showers_mev.reshape(-1, *jet_image_file.PIXELS) / np.float32(1e3)
        return {jet_image_file.IMAGE: images, jet_image_file.SIGNAL: attributes[:, 0]}


class IlcWriter(ArraysWriter):
    """Layout of "Getting High": layers first."""

    datasets: ClassVar = {
        ilc_file.LAYERS: ((len(ILC.layers), *ILC.layers[0].shape), np.float32, "MeV"),
        ilc_file.ENERGY: ((1,), np.float32, "GeV"),
    }

    def _arrays(self, incident_energy_mev, showers_mev, attributes):
        n = len(showers_mev)
        shape, _, _ = self.datasets[ilc_file.LAYERS]
        return {
            ilc_file.LAYERS: showers_mev.reshape(n, *shape),
            ilc_file.ENERGY: np.asarray(incident_energy_mev, dtype=np.float64).reshape(n, 1) / 1e3,
        }


def cubes(showers_mev: np.ndarray, detector: VoxelDetector) -> np.ndarray:
    """Showers, layer after layer in MeV, as the cubes of a file: shape (n, x, y, z), in the unit of its cells."""
    x, y, z = detector.cube
    return showers_mev.reshape(-1, z, x, y).transpose(0, 2, 3, 1) / np.float32(detector.cell_unit_mev)
