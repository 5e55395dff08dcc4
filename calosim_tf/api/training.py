"""Trainings begun or continued from a Python program, and what they share with ``calosim train``."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calosim_tf.api.generator import Generator
from calosim_tf.api.loading import load
from calosim_tf.api.tensorflow_start import start_tensorflow
from calosim_tf.config import AnyExperiment, Experiment
from calosim_tf.experiments import get_experiment
from calosim_tf.files import read_json
from calosim_tf.messages import in_a_program, note, warn

if TYPE_CHECKING:
    import pandas

    from calosim_tf.data.source import ShowerSource
    from calosim_tf.training.run_folder import RunFolder
    from calosim_tf.training.run_lock import RunLock


@dataclass(frozen=True)
class TrainedRun:
    """A finished training.

    Attributes
    ----------
    path : Path
        Run folder, which every command takes.
    experiment : str
    iterations : int
        Up to which it was trained.
    """

    path: Path
    experiment: str
    iterations: int

    @property
    def history(self) -> pandas.DataFrame:
        """Losses: a row per logged iteration, a column per term; for a split, ``member`` says whose row it is."""
        from calosim_tf.report.run_tables import HISTORY_COLUMNS

        return self._table("history", HISTORY_COLUMNS)

    @property
    def selection(self) -> pandas.DataFrame:
        """Verdicts on the checkpoints: ``iteration``, ``chi2``, ``ndf``, ``chosen`` (1 for the best)."""
        from calosim_tf.report.run_tables import SELECTION_COLUMNS

        return self._table("selection", SELECTION_COLUMNS)

    @property
    def metrics(self) -> dict[str, Any] | None:
        """Content of the report's ``metrics.json``; None where no report was made."""
        path = self.path / "report" / "metrics.json"
        return read_json(path, "the metrics of a report") if path.is_file() else None

    def load(self, *, backend: str | None = None, precision: str | None = None, threads: int = 0) -> Generator:
        """The generator of its best checkpoint, as :func:`calosim_tf.load` gives it."""
        return load(self.path, backend=backend, precision=precision, threads=threads)

    def _table(self, name: str, required: tuple[str, ...]) -> pandas.DataFrame:
        import pandas

        from calosim_tf.report.run_tables import read_table
        from calosim_tf.training.run_folder import RunFolder

        members = [member.name for member in RunFolder(self.path).experiment().members]
        tables = []
        for member in members or [""]:
            columns = read_table(self.path / member / f"{name}.csv", required)
            table = pandas.DataFrame(columns=list(required)) if columns is None else pandas.DataFrame(columns)
            tables.append(table.assign(member=member) if members else table)
        return pandas.concat(tables, ignore_index=True)


def train(
    experiment: str,
    *,
    out: str | os.PathLike[str] | None = None,
    data: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None = None,
    iterations: int | None = None,
    seed: int | None = None,
    settings: Mapping[str, Any] | None = None,
    resume: bool = False,
    overwrite: bool = False,
    report: bool = True,
    progress: bool = False,
) -> TrainedRun:
    """Train an experiment in its run folder, choose a checkpoint by physics and judge it.

    Parameters
    ----------
    experiment : str
        One of ``calosim list``.
    out : path, optional
        Run folder; ``runs/EXPERIMENT`` unless given.
    data : path or sequence of paths, optional
        Files to train on; the bundled sample, or parametrised showers, unless given.
    iterations : int, optional
        Generator updates of the whole run.
    seed : int, optional
    settings : mapping of str to value, optional
        Dotted keys as for ``calosim train --set``, for example ``{"training.batch_size": 256}``.
    resume : bool
        Continue the run in the folder, or start it.
    overwrite : bool
        Replace an existing run; with ``resume``, continue one that has other settings.
    report : bool
        Write the report at the end.
    progress : bool
        Notes and progress on stderr.

    Returns
    -------
    TrainedRun

    Raises
    ------
    ConfigError
        An unknown experiment, key or value.
    DataError
        The data cannot be trained on.
    RunFolderError
        The folder holds a run and neither ``resume`` nor ``overwrite`` is given, or it holds something else.
    StoppedBySignal
        Ctrl-C or another signal came; the state is saved, ``resume=True`` goes on.
    NonFiniteError
        A loss is no longer a number; the last checkpoint is intact.

    Examples
    --------
    >>> import tempfile
    >>> tiny = {"training.batch_size": 32, "training.critic_steps": 1, "training.checkpoint_every": 2}
    >>> run = train("photon_smoke", out=tempfile.mkdtemp(), iterations=2, settings=tiny, report=False)
    >>> run.iterations, run.selection["iteration"].tolist()
    (2, [2.0])
    >>> run.load().generate(1024.0).voxels_mev.shape
    (1, 368)
    """
    from calosim_tf.training.addons import refuse_missing_addons
    from calosim_tf.training.processor import refuse_missing_precision
    from calosim_tf.training.signals import signals_given_back

    values = dict(settings or {})
    values |= {
        key: value for key, value in {"training.iterations": iterations, "run.seed": seed}.items() if value is not None
    }
    if out is not None:
        values["run.out"] = os.fspath(out)
    paths = [data] if isinstance(data, str | os.PathLike) else data
    with in_a_program(progress), signals_given_back():
        chosen = configured(experiment, values)
        refuse_missing_addons(chosen)
        refuse_missing_precision(chosen)
        train_alone(
            chosen,
            [os.fspath(path) for path in paths] if paths is not None else None,
            resume=resume,
            force=overwrite,
            at_the_end=report_on if report else None,
        )
    path = Path(chosen.run.out)
    return TrainedRun(path, chosen.name, int(read_json(path / "status.json", "the status of a run")["iteration"]))


def configured(name: str, values: Mapping[str, Any]) -> AnyExperiment:
    """An experiment with settings by dotted key; ``run.out`` is ``runs/NAME`` unless it is set.

    Raises
    ------
    ConfigError
        An unknown experiment, key or value.
    """
    experiment = get_experiment(name)
    out = values.get("run.out") or f"runs/{experiment.name}"
    changed: AnyExperiment = experiment.with_values({**values, "run.out": out})
    if changed.data.normalisation is not None:
        # an open list, which the config does not know: asked here, before minutes go into reading the data
        from calosim_tf.data.normalisations import named_normalisation

        named_normalisation(changed.data.normalisation)
    return changed


def train_alone(
    experiment: AnyExperiment,
    paths: Sequence[str] | None,
    *,
    resume: bool,
    force: bool,
    at_the_end: Callable[[RunFolder, ShowerSource], None] | None,
) -> None:
    """Train in this process, on one device.

    Parameters
    ----------
    experiment : AnyExperiment
        As :func:`configured` gives it.
    paths : sequence of str, optional
        Data files; the default data unless given.
    resume, force : bool
        As ``calosim train --resume`` and ``--force``.
    at_the_end : callable or None
        What is to be done with the trained run while it is locked: the report.

    Raises
    ------
    CalosimError
        As :func:`calosim_tf.training.train.train`.
    """
    from calosim_tf.data_prep.default_data import source_of
    from calosim_tf.training.run_folder import RunFolder

    run = RunFolder(Path(experiment.run.out))
    run.refuse_early(resume=resume, force=force)
    source = source_of(experiment.data, paths)
    with contextlib.ExitStack() as stack:
        lock = begin(experiment, source, run, stack, resume=resume, force=force)

        start_tensorflow(experiment.run.threads)
        from calosim_tf.training.train import train as train_in_folder

        train_in_folder(experiment, source, run, lock.require_held)
        if at_the_end is not None:
            at_the_end(run, source)


def begin(
    experiment: AnyExperiment,
    source: ShowerSource,
    run: RunFolder,
    stack: contextlib.ExitStack,
    *,
    resume: bool,
    force: bool,
) -> RunLock:
    """Lock and prepare the run folder and say what is going to happen."""
    from calosim_tf.training.parts import prepare
    from calosim_tf.training.run_lock import RunLock

    lock = stack.enter_context(RunLock(run.path))
    prepare(experiment, source, run, resume=resume, force=force)
    for line in _plan(experiment, source, run):
        note(f"{line}")
    return lock


def report_on(
    run: RunFolder, source: ShowerSource, show: Callable[[RunFolder, dict[str, Any]], None] | None = None
) -> None:
    """Write the report of a trained run, and show it; a warning where the data allow none."""
    from calosim_tf.training.judging.verdict import reporting, write_report

    with reporting(run):
        metrics = write_report(run, source)
        if metrics is None:
            warn("no report: no training shower has the energy of a held-out one; give more showers")
        elif show is not None:
            show(run, metrics)


def _plan(experiment: AnyExperiment, source: ShowerSource, run: RunFolder) -> list[str]:
    lines = [
        f"{source.source_label}, {len(source.train_rows)} showers to train on, {len(source.holdout_rows)} held out; "
        f"run folder {run.path}"
    ]
    if isinstance(experiment, Experiment):
        return [f"{experiment.name}: {_schedule(experiment.training)}; {lines[0]}"]
    for member in experiment.members:
        lines.append(f"  {member.name}, {member.range_words}: {_schedule(member.training)}")
    return [f"{experiment.name}: {lines[0]}", *lines[1:]]


def _schedule(training: Any) -> str:
    return f"{training.iterations} iterations{training.updates_words}, batch {training.batch_size}"
