"""Experiments for the voxels of a binning file (no TensorFlow)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from calosim_tf.errors import ConfigError
from calosim_tf.experiments import get_experiment
from calosim_tf.geometry import get_detector
from calosim_tf.geometry.binning import layout_of


def binning_values(name: str, path: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    """Settings that fit an experiment to the voxels of a binning file.

    Parameters
    ----------
    name : str
        Of the experiment.
    path : Path
        Binning file of the CaloChallenge.
    given : mapping of str to value
        Settings of the user, which are left as they are.

    Raises
    ------
    ConfigError
        An unknown experiment, or one whose networks are built for their own detector.
    DataError
        The file is no binning file.
    """
    experiment = get_experiment(name)
    detector = get_detector(layout := layout_of(path))
    network = (experiment.members or (experiment,))[0].network
    sizes = [layer.n_voxels for layer in detector.layers]
    values: dict[str, Any] = {"data.layout": layout}
    keys = experiment.setting_keys()
    if "network.detector" in keys:
        values["network.detector"] = layout
    elif "network.n_outputs" not in keys:
        raise ConfigError(
            f"--binning: found the experiment {name}, whose networks are built for their own detector, expected one "
            "with network.n_outputs or network.detector, such as photon or photon_factorised"
        )
    elif getattr(network, "layer_sizes", ()):
        values |= {"network.layer_sizes": sizes, "network.n_outputs": sum(sizes) + len(sizes) + 1}
    else:
        values["network.n_outputs"] = sum(sizes)
    return {key: value for key, value in values.items() if key not in given}
