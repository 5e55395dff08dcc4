"""``sidecar.json``: everything but the network that a program needs to turn particles into showers (no TensorFlow).

Nothing in it is code: formulas are words for people, and numbers under ``normalisation`` for programs, the same record
as in the ``data.json`` of a run (:func:`calosim_tf.data.normalisations.normalisation_from_dict`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from calosim_tf.bundle.checks import checked_files, require_sound
from calosim_tf.bundle.formats import FORMATS
from calosim_tf.config import LatentLaw
from calosim_tf.data.normalisation import Normalisation
from calosim_tf.data.normalisations import normalisation_from_dict
from calosim_tf.data.trained_on import TrainedOn
from calosim_tf.errors import RunFolderError
from calosim_tf.files import read_json, write_json

SCHEMA = 1
SIDECAR = "sidecar.json"
# Key of the list that the sidecar of a fleet has instead of networks
SLICES = "slices"


@dataclass(frozen=True)
class ModelFile:
    """A network in one format.

    Attributes
    ----------
    path : str
        Plain name inside the bundle, of a file or (SavedModel) of a folder.
    sha256 : str
        Of the file; of a folder as :func:`calosim_tf.bundle.checks.sum_of` forms it.
    bytes : int
        Size of the file, or of all files of the folder.
    batch : int or None
        Showers per call; None for any number.
    inputs : tuple of str
        Names of the latent and of the condition in this file, in this order.
    output : str
        Name of the output.
    dtype : str
        Of the output: ``float32`` or ``int8``.
    signature : str
        Key of the signature in formats that have them, otherwise empty.
    """

    path: str
    sha256: str
    bytes: int
    batch: int | None = None
    inputs: tuple[str, str] = ("latent", "condition")
    output: str = "showers"
    dtype: str = "float32"
    signature: str = ""


@dataclass(frozen=True)
class Condition:
    """What conditions a network.

    Attributes
    ----------
    names : tuple of str
        One word for each number.
    formula : str
        How they follow from the incident particle, in words.
    low, high : tuple of float
        Range trained on, number by number; that of the public data set where the run did not record it
        (:attr:`NetworkRecord.trained_on` is None).
    """

    names: tuple[str, ...]
    formula: str
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class NetworkRecord:
    """One generator of a bundle.

    Attributes
    ----------
    name : str
        ``generator``, or the name of the member of a split.
    energy_range_mev : tuple of (float or None), or None
        Incident energies it makes, inclusive at both ends, None for an open end; on a shared edge the upper network
        has the shower.  None when there is one network for all energies.
    latent : LatentLaw
    normalisation : dict
        Record of a :class:`~calosim_tf.data.normalisation.Normalisation`.
    condition : Condition
    output_shape : tuple of int
        Of one shower, as the network gives it.
    output_scale, output_unit : str
        What the network's numbers are, in words, and their unit.
    iteration : int
        Of the checkpoint.
    parameters : int
    multiply_adds : int
        Of one shower, in matrix products and convolutions (:func:`calosim_tf.export.cost.multiply_adds`).
    files : dict
        Format -> :class:`ModelFile` of it, ascending in batch size.
    not_available : dict
        Requested format -> why it cannot hold this network.
    trained_on : TrainedOn or None
        Ranges of the training showers; None where the run did not record them.
    """

    name: str
    energy_range_mev: tuple[float | None, float | None] | None
    latent: LatentLaw
    normalisation: dict[str, Any]
    condition: Condition
    output_shape: tuple[int, ...]
    output_scale: str
    output_unit: str
    iteration: int
    parameters: int
    multiply_adds: int
    files: dict[str, tuple[ModelFile, ...]] = field(default_factory=dict)
    not_available: dict[str, str] = field(default_factory=dict)
    trained_on: TrainedOn | None = None

    def law(self) -> Normalisation:
        """Label and inverse of this network."""
        return normalisation_from_dict(self.normalisation)

    def file(self, kind: str, batch: int | None = None) -> ModelFile:
        """File of a format: that of any batch size, or the one made for ``batch``, or the one of the next size.

        Raises
        ------
        RunFolderError
            The bundle holds no such format.
        """
        found = self.files.get(kind, ())
        if not found:
            reason = self.not_available.get(kind, "it was not asked for in the export")
            known = ", ".join(self.files) or "none"
            raise RunFolderError(f"network {self.name}: found no format {kind} ({reason}), expected one of: {known}")
        if batch is None:
            return found[-1]
        fitting = [item for item in found if item.batch is None or item.batch >= batch]
        return fitting[0] if fitting else found[-1]


@dataclass(frozen=True)
class Sidecar:
    """All that is said of a bundle.

    Attributes
    ----------
    experiment, paper : str
    source : str
        What the generator was trained on, and the iterations, in words.
    detector : str
        Name in :mod:`calosim_tf.geometry`.
    particle : str
    incident_energy : str
        What a user feeds as energy, in words.
    attributes : tuple of str
        Further inputs of the user, with units; :attr:`central` where it is not given.
    central : tuple of (float or None)
        None for a value that equals the incident energy in GeV.
    n_cells : int
    cell_order : str
        How a vector of cells is ordered, in words.
    layers : tuple of dict
        Layer by layer: id, first cell, shape.
    threshold_mev : float
        Cells below count as empty in the community's evaluation; the bundle itself cuts nothing.
    output_unit : str
        Of the cells that ``showers`` gives and of what the normalisation's inverse gives.
    networks : tuple of NetworkRecord
    versions : dict
    metrics : dict
        Headline metrics of the run's report, and what they were judged against; empty without a report.
    routed : ModelFile or None
        SavedModel of a split with the signature ``showers`` alone: all networks as one.
    schema : int
    """

    experiment: str
    paper: str
    source: str
    detector: str
    particle: str
    incident_energy: str
    attributes: tuple[str, ...]
    central: tuple[float | None, ...]
    n_cells: int
    cell_order: str
    layers: tuple[dict[str, Any], ...]
    threshold_mev: float
    networks: tuple[NetworkRecord, ...]
    versions: dict[str, str]
    metrics: dict[str, Any] = field(default_factory=dict)
    routed: ModelFile | None = None
    output_unit: str = "MeV"
    schema: int = SCHEMA

    @property
    def all_files(self) -> tuple[ModelFile, ...]:
        """Every file that the sidecar names."""
        found = [file for network in self.networks for files in network.files.values() for file in files]
        return (*found, *([self.routed] if self.routed else []))

    @property
    def formats(self) -> tuple[str, ...]:
        """Formats in which every network is there."""
        return tuple(kind for kind in FORMATS if all(kind in network.files for network in self.networks))


def is_bundle(path: str | Path) -> bool:
    """Whether a folder is an exported bundle (and no run)."""
    return (Path(path) / SIDECAR).is_file()


def write_sidecar(folder: Path, sidecar: Sidecar) -> None:
    """Write ``sidecar.json`` into the folder of a bundle."""
    write_json(Path(folder) / SIDECAR, dataclasses.asdict(sidecar))


def read_sidecar(folder: str | Path) -> Sidecar:
    """Sidecar of a bundle, checked against itself and against the files it names.

    Sizes of the files are checked here; :func:`calosim_tf.bundle.checks.require_sound_file` forms the sum of the one
    that is about to be loaded.

    Raises
    ------
    RunFolderError
        The sidecar is missing, is not JSON, has another schema, is incomplete or contradicts itself.  Or a file is
        named by more than a plain name, is missing or has another size.
    """
    path = Path(folder) / SIDECAR
    stored = read_json(path, "the sidecar of an exported bundle")
    if SLICES in stored:
        raise RunFolderError(
            f"{folder}: found the bundle of a fleet, expected that of one generator: choose one with --particle and "
            "--eta where the command has them"
        )
    return sidecar_from(stored, Path(folder), str(path))


def sidecar_from(stored: Mapping[str, Any], folder: Path, where: str) -> Sidecar:
    """A sidecar from its JSON form; ``folder`` holds its files, ``where`` is its place for messages.

    Raises
    ------
    RunFolderError
        As :func:`read_sidecar`.
    """
    if stored.get("schema") != SCHEMA:
        raise RunFolderError(
            f"{where}: found schema {stored.get('schema')!r}, expected {SCHEMA}: export again with this version"
        )
    try:
        sidecar = _from_dict(stored)
        require_sound(sidecar, Path(where))
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise RunFolderError(f"{where}: found no usable sidecar ({type(error).__name__}: {error})") from error
    checked_files(sidecar, folder)
    return sidecar


def _from_dict(stored: Mapping[str, Any]) -> Sidecar:
    values = dict(stored)
    for key in ("attributes", "central", "layers"):
        values[key] = tuple(values[key])
    values["networks"] = tuple(_network(row) for row in values["networks"])
    values["routed"] = None if values["routed"] is None else _file(values["routed"])
    return Sidecar(**values)


def _network(stored: Mapping[str, Any]) -> NetworkRecord:
    values = dict(stored)
    values["latent"] = LatentLaw(**values["latent"])
    values["condition"] = Condition(
        **{key: tuple(item) if isinstance(item, list) else item for key, item in values["condition"].items()}
    )
    values["output_shape"] = tuple(values["output_shape"])
    if values["energy_range_mev"] is not None:
        low, high = values["energy_range_mev"]
        values["energy_range_mev"] = (low, high)
    values["files"] = {kind: tuple(_file(row) for row in rows) for kind, rows in values["files"].items()}
    trained_on = values.get("trained_on")  # bundles of earlier versions have none
    values["trained_on"] = None if trained_on is None else TrainedOn.from_dict(trained_on)
    return NetworkRecord(**values)


def _file(stored: Mapping[str, Any]) -> ModelFile:
    return ModelFile(**{**stored, "inputs": tuple(stored["inputs"])})
