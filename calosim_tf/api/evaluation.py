"""Showers, or those of a generator, judged against a reference: for Python programs and ``calosim evaluate``."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calosim_tf.api.generator import Generator
from calosim_tf.api.loading import load
from calosim_tf.api.showers import Showers
from calosim_tf.config import Experiment
from calosim_tf.errors import ConfigError
from calosim_tf.messages import in_a_program

if TYPE_CHECKING:
    from calosim_tf.data.schema import ShowerSet
    from calosim_tf.geometry import VoxelDetector
    from calosim_tf.training.run_folder import RunFolder

    Judged = Showers | Generator | str | os.PathLike[str]

NOT_ASKED_FOR = "Classifiers, FID and inception score train networks and were not asked for (--fast or --classifier)."


def evaluate(
    generated: Judged,
    reference: Showers | str | os.PathLike[str],
    *,
    metrics: Sequence[str] | None = None,
    fast: bool = False,
    out: str | os.PathLike[str] | None = None,
    detector: str | None = None,
    training: Showers | str | os.PathLike[str] | None = None,
    reweight: bool = False,
    seed: int = 0,
    progress: bool = False,
) -> dict[str, Any]:
    """Judge showers against a reference, with an error and a Monte-Carlo-against-Monte-Carlo value for each number.

    Parameters
    ----------
    generated : Showers, Generator, str or path
        Showers or a file of them; or a generator, run folder, bundle or ``pretrained:NAME``, which then makes a shower
        for each one of the reference.
    reference : Showers, str or path
        Showers or a file of them: the same detector, the same incident energies in the same proportions.
    metrics : sequence of str, optional
        Only these; an unknown name lists them all.
    fast : bool
        Also classifiers, FID and inception score, with one small network each (minutes).
    out : path, optional
        Folder for the report; without it nothing is written and nothing drawn.
    detector : str, optional
        Of the files (of the generator, else photon, unless given).
    training : Showers, str or path, optional
        Training data of the generator, for the memorisation test; of a run, its own unless given.
    reweight : bool
        Thin both sets to equal numbers at each incident energy.
    seed : int
        Of the latents, when a generator makes the showers.
    progress : bool
        Notes on stderr, and a line that shows how far it is where that is a terminal.

    Returns
    -------
    dict
        The content of ``metrics.json``, numbers that are not defined are None.

    Raises
    ------
    DataError
        Detectors or incident energies differ, or a file is damaged.
    ConfigError
        A metric or detector is unknown.
    RunFolderError
        There is no such run or bundle, or ``out`` holds other files.

    Examples
    --------
    >>> generator = load("pretrained:photon")
    >>> reference = generator.generate([1024.0, 65536.0], events=50, seed=1)
    >>> document = evaluate(generator, reference, metrics=["chi2_ndf_total_energy"], seed=2)
    >>> number = document["metrics"]["chi2_ndf_total_energy"]
    >>> number["n"], number["value"] > 0, number["error"] > 0, number["reference_vs_reference"] > 0
    (100, True, True, True)
    """
    from calosim_tf.geometry import get_detector
    from calosim_tf.physics.metrics.listed import chosen_metrics

    if isinstance(metrics, str):
        metrics = metrics.split(",")
    classifiers = "fast" if fast else None
    with in_a_program(progress):
        names, _ = without_density(metrics)
        chosen_metrics(names, classifiers)
        generator = generator_of(generated)
        known = get_detector(detector) if detector else None
        known = known or (generator.detector if generator else _detector_of(reference, generated))
        real = _as_set(reference, known)
        if generator is not None:
            made = generator.showers_like(real, seed)
        else:
            made = _as_set(generated, real.detector, physical=False)
        return judge(
            made,
            real,
            None if out is None else Path(out),
            generator=generator,
            metrics=metrics,
            classifiers=classifiers,
            training=None if training is None else _as_set(training, known),
            reweight=reweight,
        )


def judge(
    generated: ShowerSet,
    reference: ShowerSet,
    out: Path | None,
    *,
    generator: Generator | None,
    metrics: Sequence[str] | None,
    classifiers: str | None,
    training: ShowerSet | None,
    reweight: bool,
    timing: bool = False,
) -> dict[str, Any]:
    """Measure, and write the report where ``out`` is given.

    Parameters
    ----------
    generated, reference : ShowerSet
    out : Path or None
    generator : Generator or None
        That made ``generated``.
    metrics, classifiers, training, reweight, timing
        As for :func:`calosim_tf.report.evaluate.evaluate`; showers that a run was trained on are found by itself.

    Returns
    -------
    dict
        Content of ``metrics.json``.
    """
    from calosim_tf.report.evaluate import evaluate as measure

    run = run_of(generator)
    names, with_density = without_density(metrics)
    published: Any = generator.source.published if generator else ()
    found: dict[str, Any] = measure(
        generated,
        reference,
        control=None,
        out_dir=out,
        title=f"{generated.source} against {reference.source}",
        selection_csv=run.selection.path if run else None,
        history_csv=run.history.path if run else None,
        published=published,
        notes=() if metrics or classifiers else (NOT_ASKED_FOR,),
        metrics=names,
        classifiers=classifiers,
        training=training or _training_of(run),
        reweight=reweight,
        timing=timing,
        more=_densities(run, generator, asked_for=metrics is not None) if with_density else (),
    )
    return found


def generator_of(generated: Judged) -> Generator | None:
    """The generator that is to be judged; None where showers or a file of them are."""
    from calosim_tf.data.bundled import PRETRAINED_PREFIX

    if isinstance(generated, Generator):
        return generated
    if isinstance(generated, Showers):
        return None
    name = os.fspath(generated)
    return load(name) if name.startswith(PRETRAINED_PREFIX) or Path(name).is_dir() else None


def run_of(generator: Generator | None) -> RunFolder | None:
    """The run folder of a generator; None for a bundle, and without a generator."""
    return None if generator is None or generator.source.sidecar else generator.source.run_folder


def without_density(metrics: Iterable[str] | None) -> tuple[list[str] | None, bool]:
    """Names that every generator has, None for all, and whether its own density is wanted."""
    from calosim_tf.physics.metrics.likelihood import NLL

    if metrics is None:
        return None, True
    names = list(metrics)
    return [name for name in names if name != NLL], NLL in names


def _densities(run: RunFolder | None, generator: Generator | None, asked_for: bool) -> tuple[Any, ...]:
    """The metric ``nll`` where a run's generator has a density; :class:`ConfigError` if it was asked for in vain."""
    from calosim_tf.physics.metrics.likelihood import NLL, likelihood_metric

    loss = None
    experiment = None if run is None else run.experiment()
    if generator is not None and isinstance(experiment, Experiment):
        from calosim_tf.training.inspection.density import loss_of

        sampler: Any = generator.sampler
        loss = loss_of(sampler, experiment)
    if loss is None and asked_for:
        raise ConfigError(f"--metrics {NLL}: found a generator without a density, expected the run folder of a flow")
    return () if loss is None else (likelihood_metric(loss),)


def _training_of(run: RunFolder | None) -> ShowerSet | None:
    """The showers that a run was trained on, as far as they are recorded and still available."""
    if run is None or run.experiment().members:
        return None
    from calosim_tf.data.streamed import MEMORY_BYTES
    from calosim_tf.training.inspection.recorded_data import training_source

    source = training_source(run)
    return None if source is None else source.train_set(MEMORY_BYTES // (4 * source.detector.n_voxels))


def _detector_of(*subjects: object) -> VoxelDetector:
    """That of the first which are showers, else that of photons."""
    from calosim_tf.geometry import get_detector

    known = [item.detector for item in subjects if isinstance(item, Showers) and item.detector is not None]
    return known[0] if known else get_detector("photon")


def _as_set(showers: object, detector: VoxelDetector, physical: bool = True) -> ShowerSet:
    """Showers of an argument; a poor generator is no reason to refuse its file (``physical``)."""
    from calosim_tf.data.streamed import read_or_stream

    if isinstance(showers, Showers):
        return showers._as_set()
    if not isinstance(showers, str | os.PathLike):
        raise ConfigError(f"evaluate: found {type(showers).__name__}, expected Showers or the name of a file")
    return read_or_stream(Path(showers), detector, physical=physical)
