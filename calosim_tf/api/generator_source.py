"""What a generator comes from: a run folder, ``pretrained:NAME`` or an exported bundle."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from calosim_tf.errors import ConfigError, RunFolderError
from calosim_tf.files import require_text

if TYPE_CHECKING:
    from calosim_tf.bundle.sidecar import Sidecar
    from calosim_tf.config import Published
    from calosim_tf.data.trained_on import TrainedOn
    from calosim_tf.geometry import VoxelDetector
    from calosim_tf.inference.sampler import ShowerSampler
    from calosim_tf.training.run_folder import RunFolder


@dataclass(frozen=True)
class GeneratorSource:
    """A trained generator that can be loaded, in a run folder or a bundle.

    Attributes
    ----------
    name : str
        As the user gave it.
    path : Path
    particle : str or None
    eta : float or None
        Which generator of a fleet; None for a single one.
    """

    name: str
    path: Path
    particle: str | None = None
    eta: float | None = None

    @classmethod
    def named(cls, name: str, particle: str | None = None, eta: float | None = None) -> GeneratorSource:
        """From a path or ``pretrained:NAME``.

        Raises
        ------
        RunFolderError
            It is neither a run nor a bundle.
        ConfigError, DataError
            Particle and eta are not those of a generator of a fleet
            (:func:`calosim_tf.bundle.fleet_sidecar.chosen_sidecar`).
        """
        from calosim_tf.data.bundled import run_path

        found = cls(name, run_path(name), particle, eta)
        require_text(found.path)
        _ = found.detector
        return found

    @cached_property
    def sidecar(self) -> Sidecar | None:
        """Sidecar of a bundle, None for a run."""
        from calosim_tf.bundle.fleet_sidecar import chosen_sidecar, require_single
        from calosim_tf.bundle.sidecar import is_bundle

        if is_bundle(self.path):
            return chosen_sidecar(self.path, self.particle, self.eta)
        require_single(self.name, self.particle, self.eta)
        return None

    @cached_property
    def run_folder(self) -> RunFolder:
        """The run, where it is one."""
        from calosim_tf.training.run_folder import RunFolder

        return RunFolder(self.path)

    @property
    def experiment(self) -> str:
        """Name of the experiment."""
        return self.sidecar.experiment if self.sidecar else self.run_folder.experiment().name

    @cached_property
    def detector(self) -> VoxelDetector:
        """Detector whose showers it makes."""
        from calosim_tf.geometry import get_detector

        if self.sidecar:
            return get_detector(self.sidecar.detector)
        data = self.run_folder.experiment().data
        return get_detector(data.layout, data.keys)

    @property
    def published(self) -> tuple[Published, ...]:
        """Published numbers of the experiment; none of an experiment that is not this package's."""
        from calosim_tf.experiments import EXPERIMENTS

        if self.sidecar is None:
            return self.run_folder.experiment().published
        return EXPERIMENTS[self.experiment].published if self.experiment in EXPERIMENTS else ()

    def first_way(self) -> tuple[str, str]:
        """Default back end and precision: TensorFlow, or the first that a bundle has a file for.

        Raises
        ------
        RunFolderError
            No back end runs what the bundle holds.
        """
        from calosim_tf.inference.backends import FORMAT_OF

        held = ("saved_model",) if self.sidecar is None else self.sidecar.formats
        for way, kind in FORMAT_OF.items():
            if kind in held:
                return way
        raise RunFolderError(
            f"{self.name}: found {', '.join(held) or 'no format'}, expected one that a back end runs: export with "
            "--format saved_model"
        )

    def lightest_way(self, precision: str | None = None) -> tuple[str, str]:
        """As :meth:`first_way`, but those that do without TensorFlow and are installed first.

        Parameters
        ----------
        precision : str, optional
            The one wanted; any, single precision first, unless given.
        """
        from importlib.util import find_spec

        from calosim_tf.bundle.formats import FORMATS
        from calosim_tf.inference.backends import FORMAT_OF, LAST_RESORT, WITH_TENSORFLOW

        if self.sidecar is None:
            return "tf", precision or "float32"
        held = {way: FORMATS[kind] for way, kind in FORMAT_OF.items() if kind in self.sidecar.formats}
        usable = [way for way, item in held.items() if find_spec(item.package or "tensorflow") is not None]
        wanted = [way for way in usable if way[1] == (precision or way[1])]
        ordered = sorted(
            wanted, key=lambda way: (way[1] != "float32", way[0] == LAST_RESORT, way[0] in WITH_TENSORFLOW)
        )
        if ordered:
            return ordered[0]
        backend, first = self.first_way()
        return backend, precision or first

    @property
    def trained_on(self) -> list[TrainedOn]:
        """Ranges of the showers that each network was trained on; empty where one of them did not record it."""
        if self.sidecar:
            found = [network.trained_on for network in self.sidecar.networks]
        else:
            members = self.run_folder.experiment().members
            runs = [self.run_folder.member(member.name) for member in members] or [self.run_folder]
            found = [run.trained_on() for run in runs]
        known = [ranges for ranges in found if ranges is not None]
        return known if len(known) == len(found) else []

    def require(self, backend: str, precision: str) -> None:
        """:class:`ConfigError` or :class:`RunFolderError` unless it can be run this way; loads nothing."""
        from calosim_tf.inference.backends import RUN_PRECISIONS, WITH_TENSORFLOW, format_of

        if self.sidecar is None and backend in WITH_TENSORFLOW and precision in RUN_PRECISIONS:
            if precision != "float32":
                from calosim_tf.training.processor import require_units

                require_units(precision, f"--precision: found {precision}")
            return
        kind = format_of(backend, precision)
        if self.sidecar:
            for network in self.sidecar.networks:
                network.file(kind)
        else:
            raise ConfigError(
                f"--backend {backend}: found the run folder {self.name}, expected an exported bundle: "
                f"calosim export {self.name} --format {kind} --out DIR, then give DIR"
            )

    def load(self, backend: str, precision: str, threads: int = 0) -> tuple[ShowerSampler, tuple[int, ...]]:
        """The generator, and the iterations of its networks."""
        from calosim_tf.bundle.formats import FORMATS
        from calosim_tf.inference.backends import format_of

        self.require(backend, precision)
        if self.sidecar:
            loader = FORMATS[format_of(backend, precision)].function("loader")
            iterations = tuple(network.iteration for network in self.sidecar.networks)
            return loader(self.path, self.sidecar, backend, precision, threads), iterations
        from calosim_tf.training.load import load_generator

        return load_generator(self.run_folder, backend == "xla", precision)
