"""A run folder around imported weights, for ``generate``, ``evaluate`` and ``bench``; it cannot be trained on."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import tensorflow as tf

from calosim_tf.config import Conv3dGanNetwork, Experiment
from calosim_tf.data.cell_transforms import CubeNormalisation
from calosim_tf.data.sampling_fraction import PUBLISHED_CONTRACT
from calosim_tf.errors import ConfigError, RunFolderError
from calosim_tf.files import sha256, write_json
from calosim_tf.training.build import build_generator
from calosim_tf.training.checkpoint import CheckpointStore
from calosim_tf.training.import_weights import import_weights
from calosim_tf.training.load import judged_part
from calosim_tf.training.run_folder import RunFolder, environment

# An imported generator has no iterations of ours
ITERATION = 0


def write_imported_run(path: Path, experiment: Experiment, out: Path, *, channels_first: bool = False) -> None:
    """Write a run folder whose only checkpoint is the generator of a public weights file.

    Its energies are those of the public data that such files were trained on (2 to 500 GeV).

    Parameters
    ----------
    path : Path
        See :func:`calosim_tf.training.import_weights.import_weights`.
    experiment : Experiment
        With the network of the file.
    out : Path
        New folder.
    channels_first : bool
        The file was trained with channels first.

    Raises
    ------
    ConfigError
        The experiment has another network.
    RunFolderError
        ``out`` exists or cannot be made.
    DataError
        The file cannot be read or does not fit.
    """
    if not isinstance(experiment.network, Conv3dGanNetwork):
        raise ConfigError(f"--experiment {experiment.name}: weights can be imported for conv3d only")
    if out.exists():
        raise RunFolderError(f"{out}: exists, expected a new folder: choose another --out")
    generator = build_generator(experiment)
    import_weights(path, generator, channels_first=channels_first)
    partial = out.with_name(f".{out.name}.partial-{os.getpid()}")
    try:
        partial.mkdir(parents=True)
        _fill(partial, path, experiment, generator, channels_first)
        partial.rename(out)
    except OSError as error:
        raise RunFolderError(f"{out}: cannot be written ({error.strerror}): choose another --out") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _fill(folder: Path, path: Path, experiment: Experiment, generator, channels_first: bool) -> None:
    run = RunFolder(folder)
    low_gev, high_gev = PUBLISHED_CONTRACT.fake_energy_gev
    normalisation = CubeNormalisation(
        0.0,
        1e3 * low_gev,
        1e3 * high_gev,
        cells=experiment.network.showers_shape,
        mask_mev=experiment.data.mask_mev,
        sampling_coefficients=PUBLISHED_CONTRACT.sampling.coefficients,
        fake_energy_gev=PUBLISHED_CONTRACT.fake_energy_gev,
        first_energy_gev=PUBLISHED_CONTRACT.first_energy_gev,
    )
    imported = {
        "name": path.name,
        "sha256": sha256(path),
        "bytes": path.stat().st_size,
        "channels_first": channels_first,
    }
    data = {"source": "unknown: imported weights", "files": [], "imported_weights": imported}
    write_json(folder / "data.json", {**data, "normalisation": normalisation.to_dict()})
    write_json(folder / "environment.json", environment())
    write_json(folder / "config.json", experiment.with_values({"run.out": ""}).to_dict())
    store = CheckpointStore(run.checkpoints, keep=1)
    store.save(tf.train.Checkpoint(**{judged_part(run): generator}), ITERATION, {"imported_weights": imported})
    store.mark_best(ITERATION)
    run.write_status(ITERATION, "finished", 0)
