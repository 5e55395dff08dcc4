"""Which checkpoint is the best: by chi2 alone, or by the geometric mean of four ratios to Monte Carlo."""

import math

import numpy as np
import pytest

from calosim_tf.physics.metrics.metric import Results
from calosim_tf.training.judging import selection
from calosim_tf.training.judging.selection import (
    badness,
    badness_words,
    best_row,
    chi2_words,
    verdict_words,
    warn_of_modes,
    why_nothing_is_selected,
)
from calosim_tf.training.judging.verdict import _selection_line
from calosim_tf.training.run_folder import RunFolder


def found(chi2=(1.0, 1.0), separation=(0.01, 0.01), recall=(0.7, 0.7), density=(1.0, 1.0), nearest=1.0) -> Results:
    names = ("chi2_ndf_total_energy", "separation_mean", "recall", "density")
    pairs = dict(zip(names, (chi2, separation, recall, density), strict=True)) | {
        "nearest_training_ratio": (nearest, 1.0)
    }
    entries = {name: {"value": value, "reference_vs_reference": floor} for name, (value, floor) in pairs.items()}
    return Results(entries, {}, ())


def score(**values) -> float:
    return float(selection._columns(found(**values))["score"])


def test_a_perfect_generator_scores_one():
    assert score() == pytest.approx(1.0)


@pytest.mark.parametrize(
    "values",
    [
        {"chi2": (2.0, 1.0)},
        {"separation": (0.02, 0.01)},
        {"recall": (0.35, 0.7)},
        {"density": (2.0, 1.0)},
        {"density": (0.5, 1.0)},
    ],
)
def test_a_factor_of_two_weighs_the_same_wherever_it_is(values):
    """Breaks if recall is not inverted, density counts in one direction alone, or a ratio has another weight."""
    assert score(**values) == pytest.approx(2**0.25, rel=1e-5)


def test_a_chi2_is_said_with_two_decimals_or_a_dash():
    """Breaks when a row without a number is said as nan, or one with a number as a dash."""
    assert [chi2_words({"chi2": "12.566", "ndf": ndf}) for ndf in ("4", "0")] == ["3.14", "-"]


def test_what_a_row_is_judged_by_is_said_with_two_decimals_or_a_dash():
    """Breaks when the log of a training shows another number than the one that decides."""
    assert [badness_words(row(1, chi2)) for chi2 in (12.5, "nan")] == ["1.25", "-"]
    assert badness_words(row(1, 12.5, 3.0)) == "3.00"


def test_showers_that_select_nothing_are_counted():
    """Breaks when full showers are called empty."""
    words = why_nothing_is_selected(np.array([256.0, 256.0, 512.0]), np.array([0.0, 0.4, 0.2]))
    assert "(number 3, 1 of them empty, at 2 different energies)" in words


def test_a_number_that_is_missing_is_never_the_best():
    """Breaks if a checkpoint without a number passes for a good one."""
    assert score(recall=(None, 0.7)) > 5.0
    assert math.isfinite(score(recall=(None, 0.7)))


def row(iteration, chi2, score=None):
    columns = {"iteration": str(iteration), "chi2": str(chi2), "ndf": "10"}
    return columns if score is None else columns | {"score": str(score)}


def test_the_score_decides_where_there_is_one():
    """Breaks if a run with scores is still chosen by chi2, or a paper's run by anything else."""
    assert best_row([row(1, 10, 3.0), row(2, 90, 1.5)])["iteration"] == "2"
    assert best_row([row(1, 10), row(2, 90)])["iteration"] == "1"
    assert badness(row(1, 10)) == 1.0


def test_a_score_that_is_no_number_is_never_the_best():
    """Breaks when NaN, which is neither above nor below anything, hides the rows behind it: the newest was taken."""
    rows = [row(1, 10, float("nan")), row(2, 20, 3.0), row(3, 30, 1.0), row(4, 40, 2.0)]
    assert best_row(rows)["iteration"] == "3"
    assert best_row([row(1, 10, float("nan")), row(2, 20, float("nan"))])["iteration"] == "2"


def test_warnings_name_dropped_modes_and_copies(capsys):
    """Breaks if a generator with a tenth of the recall, or one of copies, passes without a word."""
    good = {"iteration": "1", "chi2": "1", "ndf": "1", **selection._columns(found())}
    warn_of_modes(good)
    assert capsys.readouterr().err == ""
    warn_of_modes(good | selection._columns(found(recall=(0.07, 0.7), nearest=0.5)))
    printed = capsys.readouterr().err
    assert "drops modes" in printed
    assert "memorises" in printed
    assert "recall 0.70 (0.70)" in verdict_words(good)


def test_a_run_that_ended_before_its_last_stage_says_so(tmp_path):
    """Breaks when ``make train-photon ITERATIONS=20``, which ends in the first stage, ends in a traceback."""
    assert "give more --iterations" in _selection_line(RunFolder(tmp_path))
