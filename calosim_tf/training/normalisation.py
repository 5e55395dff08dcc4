"""The normalisation an experiment asks for, fitted to its training data (no TensorFlow)."""

from __future__ import annotations

from calosim_tf.config import Experiment
from calosim_tf.data.source import ShowerSource
from calosim_tf.data.transforms import KineticNormalisation, LayerNormalisation, mean_response
from calosim_tf.errors import ConfigError


def fit_normalisation(experiment: Experiment, source: ShowerSource) -> KineticNormalisation:
    """How the showers of ``source`` turn into training vectors, and network outputs into MeV.

    Raises
    ------
    ConfigError
        The network's outputs do not fit the detector.
    DataError
        The selection holds a single incident energy.
    """
    data, network, detector = experiment.data, experiment.network, source.detector
    options = {
        "energy_label": data.energy_label,
        "condition_size": network.condition_size,
        "mask_mev": data.mask_mev,
    }
    cls = KineticNormalisation
    if network.layer_sizes:
        sizes = tuple(layer.n_voxels for layer in detector.layers)
        if network.layer_sizes != sizes:
            raise ConfigError(
                f"network.layer_sizes: found {network.layer_sizes}, expected {sizes} for layout {detector.name}"
            )
        cls = LayerNormalisation
        options |= {"layer_sizes": sizes, "keep_zeros": network.layer_gate}
    if data.normalise_per_energy:
        rows = source.train_rows
        options["response"] = mean_response(
            source.incident_energy_mev[rows], source.total_energy_mev(rows), detector.mass_mev
        )
    normalisation = cls.fit(source.incident_energy_mev, detector.mass_mev, **options)
    expected = normalisation.n_values(detector.n_voxels)
    if network.n_outputs != expected:
        raise ConfigError(
            f"network.n_outputs: found {network.n_outputs}, expected {expected} for layout {detector.name}"
        )
    return normalisation
