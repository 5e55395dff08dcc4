"""The normalisation of an experiment, fitted to its training data (no TensorFlow)."""

from __future__ import annotations

from calosim_tf.config import Experiment, Network
from calosim_tf.data.normalisation import Normalisation
from calosim_tf.data.normalisations import named_normalisation
from calosim_tf.data.source import ShowerSource
from calosim_tf.errors import ConfigError
from calosim_tf.geometry import DETECTORS, VoxelDetector


def fit_normalisation(experiment: Experiment, source: ShowerSource) -> Normalisation:
    """How the showers of ``source`` turn into training tensors, and network outputs into MeV.

    Raises
    ------
    ConfigError
        ``data.normalisation`` is unknown, or normalisation, network and detector do not fit together.
    DataError
        The selection holds a single incident energy.
    """
    network = experiment.network
    kind = named_normalisation(experiment.data.normalisation or network.normalisation)
    _require_layers(network, source.detector)
    normalisation = kind.of_training(source, experiment.data, network)
    _require_outputs(normalisation, network, source.detector)
    _require_condition(normalisation, network, source)
    return normalisation


def _require_layers(network: Network, detector: VoxelDetector) -> None:
    """Layers of the shapes that the network is built for."""

    def fits(found: VoxelDetector) -> bool:
        return network.layer_shapes in ((), tuple(layer.shape for layer in found.layers))

    if not fits(detector):
        expected = " or ".join(item.name for item in DETECTORS.values() if fits(item))
        raise ConfigError(
            f"data.layout: found {detector.name}, expected {expected} for a network of family {network.family}"
        )


def _require_outputs(normalisation: Normalisation, network: Network, detector: VoxelDetector) -> None:
    """Showers of the shape that the network makes."""
    expected = tuple(normalisation.value_shape(detector.n_voxels))
    if network.showers_shape == expected:
        return
    if len(expected) == len(network.showers_shape) == 1:
        raise ConfigError(
            f"network.n_outputs: found {network.n_outputs}, expected {expected[0]} for layout {detector.name}"
        )
    raise ConfigError(
        f"data.normalisation: found {normalisation.kind}, which makes tensors of shape {expected} of {detector.name}, "
        f"expected one of shape {network.showers_shape} for a network of family {network.family}"
    )


def _require_condition(normalisation: Normalisation, network: Network, source: ShowerSource) -> None:
    """As many numbers of a particle as the network takes."""
    detector, size = source.detector, network.condition_size
    energy = source.incident_energy_mev[:1]
    expected = normalisation.label(energy, detector.central_attributes(energy)).shape[1]
    if size > expected == 1 and not detector.attributes:
        raise ConfigError(
            f"data.layout: found {detector.name}, whose files hold no angles and positions, expected a detector with "
            f"attributes for network.condition_size = {size}"
        )
    if size != expected:
        raise ConfigError(
            f"network.condition_size: found {size}, expected {expected} for layout {detector.name} and "
            f"data.normalisation = {normalisation.kind}"
        )
