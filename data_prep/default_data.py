"""The data an experiment is trained on when the user names none (no TensorFlow)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from calosim_tf.data.bundled import bundled_sample
from calosim_tf.data.source import ShowerSource, default_memory_limit, load_source
from calosim_tf.data_prep import simulate
from calosim_tf.data_prep.sources import data_folder
from calosim_tf.errors import ConfigError
from calosim_tf.geometry import get_detector
from calosim_tf.messages import note

SEED = 1


def default_data(layout: str) -> Path:
    """The bundled Monte-Carlo sample, or parametrised showers where none is bundled.

    The latter are made on first use and kept in the data folder (``CALOSIM_DATA``, by default ``~/.cache/calosim``).

    Raises
    ------
    ConfigError
        The layout cannot be simulated, or the data folder cannot be made.
    """
    try:
        return bundled_sample(layout)
    except ConfigError:
        events = get_detector(layout).simulated_events
        path = data_folder() / f"parametrised_{layout}_{events}_seed{SEED}.hdf5"
    if not path.is_file():
        note(f"making {events} parametrised {layout} showers, once: {path}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                f"{path.parent}: cannot be made ({error.strerror}), expected a folder for data: set CALOSIM_DATA, or "
                "give data with --data"
            ) from error
        # another process may be making it: the file is the same
        simulate.simulate_to_file(layout, path, events, SEED, overwrite=True)
    return path


def source_of(data, paths: Sequence[str] | None = None, processes: int = 1) -> ShowerSource:
    """Checked showers of a data contract, from files or from :func:`default_data`.

    Parameters
    ----------
    data : calosim_tf.config.DataConfig
    paths : sequence of str, optional
        Files in the layout of ``data``.
    processes : int
        Processes of this machine that hold the showers: each takes its part of the memory where no limit is set.

    Raises
    ------
    DataError, ConfigError
        As :func:`calosim_tf.data.source.load_source` and :func:`default_data`.
    """
    return load_source(
        [Path(path) for path in paths] if paths else [default_data(data.layout)],
        get_detector(data.layout, data.keys),
        energy_min_mev=data.energy_min_mev,
        energy_max_mev=data.energy_max_mev,
        holdout_fraction=data.holdout_fraction,
        memory_limit_bytes=default_memory_limit(processes)
        if data.memory_limit_gib is None
        else int(data.memory_limit_gib * 2**30),
    )
