"""The showers that a run recorded, for what needs them again after training (no TensorFlow)."""

from __future__ import annotations

from pathlib import Path

from calosim_tf.data.bundled import bundled_sample
from calosim_tf.data.source import ShowerSource, load_source
from calosim_tf.errors import ConfigError
from calosim_tf.geometry import get_detector
from calosim_tf.training.run_folder import RunFolder


def training_source(run: RunFolder) -> ShowerSource | None:
    """The showers a run was trained on, from the files it recorded or the bundled sample of that name.

    None if a file is gone or is not the one of the record.
    """
    recorded, settings = run.data()["files"], run.experiment().data
    paths = [_present(Path(item["path"])) for item in recorded]
    if not paths or None in paths:
        return None
    source = load_source(
        paths,
        get_detector(settings.layout, settings.keys),
        energy_min_mev=settings.energy_min_mev,
        energy_max_mev=settings.energy_max_mev,
        holdout_fraction=settings.holdout_fraction,
    )
    same = [item["sha256"] for item in source.files] == [item["sha256"] for item in recorded]
    return source if same else None


def _present(path: Path) -> Path | None:
    if path.is_file():
        return path
    try:
        return bundled_sample(path.stem)
    except ConfigError:
        return None
