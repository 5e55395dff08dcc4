"""Samplers from an exported bundle for the back ends that do without TensorFlow."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from calosim_tf.bundle.formats import FORMATS
from calosim_tf.bundle.sidecar import NetworkRecord, Sidecar
from calosim_tf.config.energy_range import closed
from calosim_tf.geometry import get_detector
from calosim_tf.inference.backends import format_of
from calosim_tf.inference.engine import Engine
from calosim_tf.inference.engine_sampler import EngineSampler
from calosim_tf.inference.parallel import ParallelNetwork
from calosim_tf.inference.routing import RoutedShowerGenerator
from calosim_tf.inference.sampler import NetworkSampler, ShowerSampler


def engine_sampler(folder: Path, sidecar: Sidecar, backend: str, precision: str, threads: int = 0) -> ShowerSampler:
    """The generator of a bundle in a runtime other than TensorFlow.

    Parameters
    ----------
    folder : Path
    sidecar : Sidecar
        As :func:`calosim_tf.bundle.sidecar.read_sidecar` gives it.
    backend : str
        Of :data:`calosim_tf.inference.backends.PACKAGES`.
    precision : str
        Of :data:`calosim_tf.inference.backends.PRECISIONS`.
    threads : int
        0 for one per usable core.

    Raises
    ------
    ConfigError
        The back end has no such precision, or its extra is not installed.
    RunFolderError
        The bundle does not hold the format, or its file is damaged or of another network.
    """
    kind = format_of(backend, precision)
    detector = get_detector(sidecar.detector)
    count = threads or len(os.sched_getaffinity(0))

    def sampler(network: NetworkRecord) -> NetworkSampler:
        engine: Engine = FORMATS[kind].function("engine")(folder, network, kind)
        return EngineSampler(ParallelNetwork(engine, count, detector.n_voxels), network.latent, network.law(), detector)

    return joined(sidecar, sampler)


def joined(sidecar: Sidecar, sampler: Callable[[NetworkRecord], NetworkSampler]) -> ShowerSampler:
    """One sampler of all networks of a bundle, each made by ``sampler``."""
    if len(sidecar.networks) == 1 and sidecar.networks[0].energy_range_mev is None:
        return sampler(sidecar.networks[0])
    return RoutedShowerGenerator(
        [(*closed(network.energy_range_mev), sampler(network)) for network in sidecar.networks]
    )
