"""A run folder around imported weights, for ``generate``, ``evaluate`` and ``bench``; it cannot be trained on."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from calosim_tf.config import Experiment, LhcbGanNetwork
from calosim_tf.data.cell_transforms import CubeNormalisation, LogCellNormalisation
from calosim_tf.data.normalisation import Normalisation
from calosim_tf.data.sampling_fraction import PUBLISHED_CONTRACT
from calosim_tf.errors import RunFolderError
from calosim_tf.files import sha256, write_json
from calosim_tf.geometry import get_detector
from calosim_tf.geometry.beams import LHCB_DECADES, LHCB_MIN_MEV
from calosim_tf.keras_compat import checkpoint_of
from calosim_tf.training.build import build_generator
from calosim_tf.training.checkpoint import CheckpointStore
from calosim_tf.training.load import judged_part
from calosim_tf.training.public_weights.conv3d import import_weights
from calosim_tf.training.public_weights.lhcb import import_lhcb_weights
from calosim_tf.training.run_folder import RunFolder, environment

# An imported generator has no iterations of ours
ITERATION = 0


def write_imported_run(path: Path, experiment: Experiment, out: Path, *, channels_first: bool = False) -> None:
    """Write a run folder whose only checkpoint is the generator of a public weights file.

    Its energies are those of the public data that such files were trained on: 2 to 500 GeV (conv3d) and 1 to 100 GeV
    (LHCb).

    Parameters
    ----------
    path : Path
        See :func:`calosim_tf.training.public_weights.conv3d.import_weights` and
        :func:`calosim_tf.training.public_weights.lhcb.import_lhcb_weights`.
    experiment : Experiment
        With the network of the file, see :func:`calosim_tf.training.public_weights.weights_file.require_importable`.
    out : Path
        New folder.
    channels_first : bool
        The file was trained with channels first.

    Raises
    ------
    RunFolderError
        ``out`` exists or cannot be made.
    DataError
        The file cannot be read or does not fit.
    """
    if out.exists():
        raise RunFolderError(f"{out}: exists, expected a new folder: choose another --out")
    generator = build_generator(experiment)
    if isinstance(experiment.network, LhcbGanNetwork):
        experiment = experiment.with_values({"data.standardize_conditions": False})
        import_lhcb_weights(path, generator, len(experiment.network.generator_filters))
    else:
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
    normalisation = _normalisation(experiment)
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
    store.save(checkpoint_of(**{judged_part(run): generator}), ITERATION, {"imported_weights": imported})
    store.mark_best(ITERATION)
    run.write_status(ITERATION, "finished", 0)


def _normalisation(experiment: Experiment) -> Normalisation:
    """What the public weights were trained with."""
    cells, mask_mev = experiment.network.showers_shape, experiment.data.mask_mev
    if isinstance(experiment.network, LhcbGanNetwork):
        # conditions in GeV and cm as they are, see docs/papers/lhcb_sagan.md
        mass_mev, highest_mev = get_detector(experiment.data.layout).mass_mev, LHCB_MIN_MEV * 10**LHCB_DECADES
        return LogCellNormalisation(mass_mev, LHCB_MIN_MEV, highest_mev, cells=cells[:2], mask_mev=mask_mev)
    low_gev, high_gev = PUBLISHED_CONTRACT.fake_energy_gev
    return CubeNormalisation(
        0.0,
        1e3 * low_gev,
        1e3 * high_gev,
        cells=cells,
        mask_mev=mask_mev,
        sampling_coefficients=PUBLISHED_CONTRACT.sampling.coefficients,
        fake_energy_gev=PUBLISHED_CONTRACT.fake_energy_gev,
        first_energy_gev=PUBLISHED_CONTRACT.first_energy_gev,
    )
