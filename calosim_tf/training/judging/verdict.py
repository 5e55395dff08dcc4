"""Judge a finished run on its held-out part, in numbers and plots."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from calosim_tf.config import AnyExperiment
from calosim_tf.data.bundled import PRETRAINED_PREFIX, run_path
from calosim_tf.data.schema import ShowerSet
from calosim_tf.data.source import ShowerSource
from calosim_tf.errors import CalosimError, RunFolderError
from calosim_tf.inference.like import showers_like
from calosim_tf.physics.distances.chi2 import chi2_from_totals
from calosim_tf.report.evaluate import evaluate
from calosim_tf.report.far_off import far_off_words
from calosim_tf.report.verdict_rows import verdict_rows, verdict_text
from calosim_tf.training.judging.control import matching_control, report_events
from calosim_tf.training.judging.selection import chi2_words
from calosim_tf.training.load import in_words, load_generator
from calosim_tf.training.run_folder import RunFolder

PER_ENERGY = ("chi2_ndf_total_energy", "response_mean_ratio", "response_sigma_ratio")


@contextmanager
def reporting(run: RunFolder) -> Iterator[None]:
    """Block that makes the report of a complete training: ``status.json`` says finished when it is there, not before.

    A failure is passed on; with ``--resume`` the report alone is made again.
    """
    iteration = run.status().get("iteration", 0)
    run.write_status(iteration, "running")
    try:
        yield
    except BaseException as error:
        run.note_end(iteration, error if isinstance(error, CalosimError) else CalosimError("the report failed"))
        raise
    run.write_status(iteration, "finished", 0)


def write_report(run: RunFolder, source: ShowerSource) -> dict[str, Any] | None:
    """Report of the best checkpoint against the held-out part, with training showers as the Monte-Carlo control.

    Returns
    -------
    dict or None
        Content of ``metrics.json``; None where no training shower has the energy of a held-out one.
    """
    experiment = run.experiment()
    reference, control = matching_control(source, source.holdout_set(report_events(source)))
    if not len(reference):
        return None
    generator, iterations = load_generator(run)
    return evaluate(
        showers_like(generator, reference, experiment.run.seed, f"{experiment.name}, {in_words(iterations)}"),
        reference,
        control=control,
        out_dir=run.report,
        title=f"{experiment.name}: {in_words(iterations)} against held-out {source.source_label}",
        selection_csv=run.selection.path,
        history_csv=run.history.path,
        notes=_notes(source, reference),
        published=experiment.published,
        # at the end of each training, however short: seconds, not a minute
        pairs=False,
    )


def _notes(source: ShowerSource, reference: ShowerSet) -> list[str]:
    notes = [
        "The reference was never trained on; it also chose the checkpoint, so the best value is slightly too good."
    ]
    try:
        pretrained = RunFolder(run_path(f"{PRETRAINED_PREFIX}{source.detector.name}"))
    except RunFolderError:
        return notes
    energy = reference.incident_energy_mev
    generator, iterations = load_generator(pretrained)
    if len(generator.outside_trained_range(energy)):
        return notes
    table = chi2_from_totals(
        energy,
        reference.showers_mev.sum(axis=1, dtype=np.float64) / 1e3,
        energy,
        generator.total_energy_gev(energy, pretrained.experiment().run.seed, attributes=reference.attributes),
    )
    if not table.ndf:
        return notes
    notes.append(
        f"For comparison, pretrained:{source.detector.name} ({in_words(iterations)}) has chi2/NDF {table.value:.2f} "
        "on the same reference, with the same number of showers."
    )
    return notes


def print_verdict(run: RunFolder, metrics: dict[str, Any], full: AnyExperiment | None = None) -> None:
    """The result on stdout: the verdict, chi2 against iteration, response per energy, where the report is.

    ``full`` is the experiment that a short one was cut from, named where the result is too far from Monte Carlo.
    """
    print(verdict_text(verdict_rows(metrics)))
    if words := far_off_words(metrics):
        print(f"  Too far from Monte Carlo to be used: {words}. {_training_words(run.experiment(), full)}")
    overall = metrics["metrics"]["chi2_ndf_total_energy"]
    print(
        f"chi2/NDF of the total energy, {overall['n']} generated against {overall['n_reference']} held-out showers "
        f"({metrics['reference']['source']}):"
    )
    members = run.experiment().members
    for member in members:
        print(f"  {member.name}: {_selection_line(run.member(member.name))}")
    print(f"  all as one model: {_rounded(overall['value'], 2)}" if members else f"  {_selection_line(run)}")
    print(f"  Monte Carlo against Monte Carlo, same numbers: {_rounded(overall['reference_vs_reference'], 2)}")
    print("  energy / MeV   chi2/NDF  (MC-MC)   mean response: MC  generated / MC     sigma: generated / MC")
    for energy, values in metrics["per_energy"].items():
        if not values:  # no shower in this range of a continuous spectrum
            continue
        chi2, mean, sigma = (values[name] for name in PER_ENERGY)
        print(
            f"  {energy:>12} {_rounded(chi2['value'], 2):>10} {_rounded(chi2['reference_vs_reference'], 2):>8} "
            f"{_rounded(values['response_mean']['reference_value'], 4):>19} {_with_error(mean):>15} "
            f"{_with_error(sigma):>25}"
        )
    for note in metrics["notes"]:
        print(f"  {note}")
    print(f"report: {run.report / 'report.html'}")


def _training_words(experiment: AnyExperiment, full: AnyExperiment | None) -> str:
    """How long it was trained, and how long the experiment is that it was cut from."""
    words = f"Trained for {_length_words(experiment)}"
    if full is None:
        return f"{words}."
    return f"{words}, to see every part work; `calosim train {full.name}` asks for {_length_words(full)}."


def _length_words(experiment: AnyExperiment) -> str:
    first = (experiment.members or (experiment,))[0].training
    return f"{first.iterations} iterations of {first.batch_size} showers"


def _selection_line(run: RunFolder) -> str:
    rows = run.selection.rows()
    best = next((row for row in rows if row["chosen"] == "1"), None)
    if best is None:
        return "no checkpoint was judged: the run ended before its last stage, give more --iterations"
    last = ", ".join(map(chi2_words, rows[-5:]))
    return (
        f"first {chi2_words(rows[0])} (iteration {rows[0]['iteration']}), best {chi2_words(best)} "
        f"(iteration {best['iteration']}), last five {last}"
    )


def _with_error(measured: dict[str, Any]) -> str:
    return f"{_rounded(measured['value'], 3)} +- {_rounded(measured['error'], 3)}"


def _rounded(value: float | None, decimals: int) -> str:
    """A number, or a dash where a few showers define none."""
    return "-" if value is None else f"{value:.{decimals}f}"
