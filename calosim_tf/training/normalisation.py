"""The normalisation an experiment asks for, fitted to its training data (no TensorFlow)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from calosim_tf.config import Experiment
from calosim_tf.data.cell_transforms import CubeNormalisation, GevNormalisation, LogCellNormalisation
from calosim_tf.data.normalisation import Normalisation
from calosim_tf.data.sampling_fraction import contract_of
from calosim_tf.data.source import ShowerSource
from calosim_tf.data.transforms import KineticNormalisation, LayerNormalisation, mean_response
from calosim_tf.errors import ConfigError

CLIC_ANGLE_CELLS = (51, 51, 25)


def fit_normalisation(experiment: Experiment, source: ShowerSource) -> Normalisation:
    """How the showers of ``source`` turn into training tensors, and network outputs into MeV.

    Raises
    ------
    ConfigError
        The network's outputs do not fit the detector.
    DataError
        The selection holds a single incident energy.
    """
    return FITS[experiment.network.family](experiment, source)


def _fit_kinetic(experiment: Experiment, source: ShowerSource) -> Normalisation:
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
    (expected,) = normalisation.value_shape(detector.n_voxels)
    if network.n_outputs != expected:
        raise ConfigError(
            f"network.n_outputs: found {network.n_outputs}, expected {expected} for layout {detector.name}"
        )
    return normalisation


def _fit_log_cells(experiment: Experiment, source: ShowerSource) -> Normalisation:
    _require_layout(experiment, source, ("lhcb", "lhcb_xy", "lhcb_yx"))
    options = {}
    if experiment.data.standardize_conditions:
        conditions = source.attributes[source.train_rows]
        options = {
            "condition_mean": _numbers(conditions.mean(axis=0)),
            "condition_std": _numbers(conditions.std(axis=0)),
        }
    return LogCellNormalisation(*_energy_range(source), mask_mev=experiment.data.mask_mev, **options)


def _fit_gev(experiment: Experiment, source: ShowerSource) -> Normalisation:
    _require_layout(experiment, source, ("calogan", "calogan_central", "calogan_gamma", "calogan_piplus"))
    size = experiment.network.condition_size
    if size > 1 and not source.detector.attributes:
        raise ConfigError(
            f"data.layout: found {source.detector.name}, whose files hold no angles and positions, expected calogan "
            f"for network.condition_size = {size}"
        )
    return GevNormalisation(*_energy_range(source), condition_size=size, mask_mev=experiment.data.mask_mev)


def _fit_cube(experiment: Experiment, source: ShowerSource) -> Normalisation:
    cells = experiment.network.showers_shape
    _require_layout(experiment, source, ("clic_angle",) if cells == CLIC_ANGLE_CELLS else ("clic",))
    rows = source.train_rows
    contract = contract_of(source.incident_energy_mev[rows] / 1e3, source.total_energy_mev(rows) / 1e3)
    return CubeNormalisation(
        *_energy_range(source),
        cells=cells,
        with_angle=experiment.network.condition_size > 1,
        mask_mev=experiment.data.mask_mev,
        sampling_coefficients=contract.sampling.coefficients,
        fake_energy_gev=contract.fake_energy_gev,
        first_energy_gev=contract.first_energy_gev,
    )


def _require_layout(experiment: Experiment, source: ShowerSource, layouts: tuple[str, ...]) -> None:
    if source.detector.name not in layouts:
        raise ConfigError(
            f"data.layout: found {source.detector.name}, expected {' or '.join(layouts)} for a network of family "
            f"{experiment.network.family}"
        )


def _energy_range(source: ShowerSource) -> tuple[float, float, float]:
    mass = source.detector.mass_mev
    return mass, *Normalisation.energy_range_mev(source.incident_energy_mev, mass)


def _numbers(values: np.ndarray) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


# Network family -> how its data are normalised
FITS: dict[str, Callable[[Experiment, ShowerSource], Normalisation]] = {
    "calo_shower_gan": _fit_kinetic,
    "lhcb_gan": _fit_log_cells,
    "calogan": _fit_gev,
    "conv2d_3dgan": _fit_cube,
    "conv3d_3dgan": _fit_cube,
    "angle_3dgan": _fit_cube,
}
