"""The reproduction table: how a status is found, and that no cell is empty."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from calosim_tf.cli import main
from calosim_tf.errors import RunFolderError
from calosim_tf.experiments import EXPERIMENTS, get_experiment
from calosim_tf.reproduction.documents import DOCUMENTS
from calosim_tf.reproduction.measurements import Measurement, committed_measurements, measurements_of
from calosim_tf.reproduction.numbers import STATUSES, Context, Count, Document, FirstMeasured, PublishedNumber
from calosim_tf.reproduction.table import markdown, rows_of

ROOT = Path(__file__).parents[2]


class AnyCount(dict):
    """Description of networks that were not built: every count is 1."""

    def __missing__(self, key):
        return 1 if key.startswith("params") or key == "conv_layers" else AnyCount()

    def __contains__(self, key):
        return False


@pytest.fixture(scope="module")
def rows():
    context = Context(lambda name: AnyCount(), committed_measurements())
    return [row for document in DOCUMENTS.values() for row in rows_of(document, context)]


def measured(experiment, value, error, data="sample"):
    return Measurement(experiment, "score", value, error, "1", data, f"calosim train {experiment}")


def group_rows(*entries):
    """Status of a group of models: name, published value, ours, its error, data."""
    return compared(*((name, value, measured(name, *ours) if ours else None) for name, value, *ours in entries))


def compared(*entries):
    """Status of a group of models: name, published value, measurement or None."""
    numbers = tuple(
        PublishedNumber("score", str(value), "table 1", FirstMeasured((name,), "needs GPU", "none"), "g", value)
        for name, value, _ in entries
    )
    found = {name: ours for name, _, ours in entries if ours}
    return rows_of(Document("d", "d", numbers), Context(None, found))


def test_every_cell_of_the_table_has_words(rows):
    """Breaks when a number gets no place, no status of the list, or no reason why it is not measured."""
    assert len(rows) > 250
    assert [row for row in rows if not all(vars(row).values())] == []
    assert {row.status.split(" (")[0] for row in rows} <= set(STATUSES)


def test_a_count_is_equal_to_the_digits_that_are_printed():
    """Breaks when 753k or 752k for 752 980 is called wrong, or 2052k for 2 055 324 right."""

    def status(ours, published, step):
        networks = {"generator": {"params_total": ours}}
        count = Count("conv3d", "generator in all", published, step)
        return count.find(Context(lambda name: networks, {})).status

    assert status(752_980, 753_000, 1000) == status(752_980, 752_000, 1000) == "equal"
    assert status(2_055_324, 2_052_000, 1000) == "differs"
    assert status(367_381, 367_380, 1) == "differs"


def test_the_order_of_three_models():
    """Breaks when the sign of a pair or its error is wrong: 0.3 over hypot(0.03, 0.04) is 6 sigma."""
    agree = group_rows(("a", 1.0, 0.1, 0.03), ("b", 2.0, 0.4, 0.04), ("c", 3.0, 0.9, 0.01))
    assert {row.status for row in agree} == {"order agrees"}
    assert "a and b, 6.0 sigma" in agree[0].how
    against = group_rows(("a", 2.0, 0.1, 0.03), ("b", 1.0, 0.4, 0.04), ("c", 3.0, 0.9, 0.01))
    assert {row.status for row in against} == {"order disagrees (6.0 sigma)"}


def test_no_order_is_claimed_after_a_short_training():
    """Breaks when a short training claims an order, or the share forgets the batch.

    Published are 7820 iterations of 512 showers: 2000 of 128 are 6.4 % of that, 782 of 512 just enough.
    """
    short = Measurement("lhcb_wgan", "m", 0.9, 0.03, "1", "x", "c", iterations=2000, batch_size=128)
    assert short.share_of_training == pytest.approx(2000 * 128 / (7820 * 512))
    assert "2000 iterations, 6.4 % of the published training" in short.how
    other = replace(short, experiment="lhcb_sagan", value=0.2)
    rows = compared(("a", 1.0, short), ("b", 2.0, other))
    assert {row.status for row in rows} == {"too short to tell"}
    assert "so far order disagrees (16.5 sigma)" in rows[0].how
    long = [replace(one, iterations=782, batch_size=None) for one in (short, other)]
    rows = compared(("a", 1.0, long[0]), ("b", 2.0, long[1]))
    assert {row.status for row in rows} == {"order disagrees (16.5 sigma)"}


def test_smoke_sizes_are_measured_against_their_experiment():
    """Breaks when the share is that of the smoke size's own training."""
    row = Measurement("photon_2gan_smoke", "m", 1.0, 0.1, "1", "x", "c", iterations=600)
    assert row.share_of_training == pytest.approx(600 / 1_000_000)


def test_values_on_different_data_are_not_ordered():
    """Breaks when a value on Monte Carlo is compared with one on parametrised showers."""
    assert {row.status for row in group_rows(("a", 1.0, 9.0, 0.1, "x"), ("b", 2.0, 3.0, 0.1, "y"))} == {"other data"}


def test_a_model_that_was_not_measured_keeps_its_reason():
    """Breaks when a missing value takes part in the order."""
    first, second = group_rows(("a", 1.0, 0.1, 0.03), ("b", 2.0))
    assert (first.status, second.status, second.ours) == ("other data", "needs GPU", "not measured")


def test_every_measurement_of_the_record_is_shown_and_of_an_experiment(rows):
    """Breaks when a measurement is recorded under a name that no row uses."""
    record = committed_measurements()
    shown = {
        key
        for document in DOCUMENTS.values()
        for number in document.numbers
        for key in getattr(number.ours, "keys", ())
    }
    assert set(record) - shown == set()
    assert {row.experiment for row in record.values()} <= {*EXPERIMENTS, "camel_back"}  # the toy of the survey talk


def test_what_the_reasons_point_to_exists(rows):
    """Breaks when a test is renamed that a row leans on, or an experiment that a command names."""
    words = " ".join(row.how for row in rows)
    assert [path for path in re.findall(r"tests/[\w/]+\.py|docs/\w+\.md", words) if not (ROOT / path).is_file()] == []
    named = re.findall(r"calosim (?:info|train|bench train|bench generate) ([a-z]\w+)", words)
    assert set(named) <= set(EXPERIMENTS)


def test_a_run_goes_before_the_record(tmp_path):
    """Breaks when a run folder is read under another name, or its command leaves out what was set."""
    experiment = get_experiment("photon_2gan_smoke").with_values({"training.iterations": 7, "network.bn_mode": "batch"})
    run = tmp_path / "run"
    (run / "report").mkdir(parents=True)
    (run / "config.json").write_text(json.dumps(replace(experiment).to_dict()))
    metric = {"value": 5.25, "error": 0.31, "reference_vs_reference": 1.1, "n": 90, "unit": "1"}
    content = {"reference": {"source": "made up"}, "metrics": {"chi2_ndf_total_energy": metric}}
    (run / "report" / "metrics.json").write_text(json.dumps(content))
    found = measurements_of([run])["photon_2gan_smoke:chi2_ndf_total_energy"]
    assert (found.text, found.data, found.n, found.reference_vs_reference) == ("5.25 ± 0.31", "made up", 90, 1.1)
    assert (found.iterations, found.batch_size) == (7, 1024)
    assert "members.low.training.iterations=7" in found.command
    assert "members.high.network.bn_mode=batch" in found.command


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    """Breaks when a wrong path gives an empty table instead of one line."""
    with pytest.raises(RunFolderError, match=r"metrics\.json: cannot be read"):
        measurements_of([tmp_path])
    (tmp_path / "metrics.json").write_text("{}")
    with pytest.raises(RunFolderError, match="found no entry 'models'"):
        measurements_of([tmp_path])


def test_bars_in_cells_do_not_break_the_table(rows):
    """Breaks when |eta| opens a new column."""
    for line in markdown(rows).splitlines():
        assert len(re.findall(r"(?<!\\)\|", line)) == 7


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--check"], "--check: found no --docs"),
        (["--paper", "nothing"], "paper 'nothing' is unknown"),
        (["--docs", "x", "--paper", "survey"], "--paper: found with --docs"),
    ],
)
def test_wrong_options_are_one_line(arguments, message, capsys):
    """Breaks when a wrong word builds all networks first."""
    assert main(["reproduce", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
