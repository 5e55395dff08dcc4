"""What a checkpoint is judged by: which Monte Carlo stands beside it, and what is counted."""

from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from calosim_tf.data.bundled import bundled_sample
from calosim_tf.data.source import ShowerSource, load_source
from calosim_tf.errors import ConfigError
from calosim_tf.experiments import get_experiment
from calosim_tf.files import write_json
from calosim_tf.geometry import get_detector
from calosim_tf.training import train
from calosim_tf.training.judging import control, likelihood, selection, verdict
from calosim_tf.training.judging.control import matching_control
from calosim_tf.training.judging.likelihood import likelihood_judge
from calosim_tf.training.judging.selection import chi2_judge, physics_judge
from calosim_tf.training.run_folder import RunFolder

PHOTON = get_detector("photon")


def source_of(training, held_out):
    """Showers of these energies whose first voxel is their number: training ones from 1, held-out ones from 1001."""
    energy = np.array([*training, *held_out], dtype="f8")
    showers = np.zeros((len(energy), PHOTON.n_voxels), dtype="f4")
    showers[:, 0] = [*range(1, len(training) + 1), *range(1001, len(held_out) + 1001)]
    return ShowerSource(PHOTON, energy, np.arange(len(energy)) >= len(training), showers, [], "numbered")


def test_the_control_is_of_training_showers_of_the_same_energies():
    """Breaks when held-out showers are compared with themselves, or the control has other energies or numbers."""
    source = source_of([256.0, 512.0, 2048.0, 256.0, 2048.0, 256.0], [512.0, 256.0, 1024.0, 512.0, 256.0, 1024.0])
    reference, beside = matching_control(source, source.holdout_set())
    # no training shower has 1024 MeV, and one alone 512
    assert reference.incident_energy_mev.tolist() == [512.0, 256.0, 512.0, 256.0]
    assert reference.showers_mev[:, 0].tolist() == [1001, 1002, 1004, 1005]
    assert beside.incident_energy_mev.tolist() == [256.0, 512.0, 256.0]
    assert beside.showers_mev[:, 0].tolist() == [1, 2, 4]


def test_the_control_of_a_spectrum_is_as_large_and_as_wide():
    """Breaks when a spectrum loses its held-out showers, or the control is one end of it."""
    source = source_of(np.arange(100.0, 140.0), np.arange(100.5, 140.0, 4.0))
    reference, beside = matching_control(source, source.holdout_set())
    assert (len(reference), len(beside)) == (10, 10)
    assert beside.showers_mev[:, 0].max() < 1000
    assert np.ptp(beside.incident_energy_mev) > 30.0


@pytest.fixture(scope="module")
def photons():
    return load_source(bundled_sample("photon"), PHOTON, energy_max_mev=512.0)


def test_chi2_compares_held_out_showers_with_as_many_generated_ones(photons):
    """Breaks when the seed of the run or the held-out conditions are lost, or a generator off by a tenth passes."""
    rows, asked = photons.holdout_rows, []
    energy, reference = photons.incident_energy_mev[rows], photons.total_energy_mev(rows) / 1e3
    experiment = get_experiment("photon").with_values({"run.seed": 17})

    def chi2_of(factor):
        def totals(energy, seed, attributes):
            asked.append((energy, seed, len(attributes)))
            return factor * reference

        judge = chi2_judge(experiment, photons, SimpleNamespace(total_energy_gev=totals), energy, reference)
        row = judge()
        assert int(row["ndf"]) > 20
        return float(row["chi2"]) / int(row["ndf"])

    assert chi2_of(1.0) == 0.0
    assert chi2_of(1.1) > 2.0
    for asked_energy, *others in asked:
        np.testing.assert_array_equal(asked_energy, energy)
        assert others == [17, len(rows)]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [("chi2", ("chi2", "whole")), ("physics", ("physics", "whole", ("chi2", "whole"))),
     ("likelihood", ("likelihood", ("chi2", "energies")))],
)  # fmt: skip
def test_a_run_is_judged_by_the_rule_of_its_experiment(monkeypatch, rule, expected):
    """Breaks when a run is selected by another rule than its settings say, or by other weights than the judged ones."""
    monkeypatch.setattr(train, "ShowerGenerator", lambda network, *others: network)
    monkeypatch.setattr(train, "chi2_judge", lambda experiment, source, network, *others: ("chi2", network))
    monkeypatch.setattr(train, "physics_judge", lambda experiment, source, network, chi2: ("physics", network, chi2))
    monkeypatch.setattr(train, "likelihood_judge", lambda source, law, model, chi2: ("likelihood", chi2))
    model = SimpleNamespace(judged_generator=lambda: "whole", energy_generator=lambda: "energies")
    experiment = get_experiment("photon").with_values({"training.selection": rule})
    run = SimpleNamespace(normalisation=lambda: None)
    assert train._judge(experiment, SimpleNamespace(detector=None), run, model, None, None) == expected


def judged(photons, showers_of):
    """Columns of a generator that makes these showers of the reference's energies."""
    asked = []

    def blocks(energy, seed, attributes):
        asked.append(seed)
        yield showers_of(energy)

    experiment = get_experiment("photon").with_values({"run.seed": 17})
    row = physics_judge(experiment, photons, SimpleNamespace(blocks=blocks), lambda: {"chi2": "7", "ndf": "3"})()
    assert asked == [17]
    assert (row["chi2"], row["ndf"]) == ("7", "3")
    return {name: float(value) for name, value in row.items()}


def test_the_verdict_tells_copies_of_training_showers_and_wrong_energies(photons, monkeypatch):
    """Breaks when the generated showers are taken for the reference, or the held-out ones for the training ones."""
    monkeypatch.setattr(selection, "JUDGED_SHOWERS", 150)
    monkeypatch.setattr(control, "REPORT_EVENTS", 400)
    training = photons.train_set(400)

    def copies(energy):
        rows = {value: iter(np.flatnonzero(training.incident_energy_mev == value)) for value in set(energy)}
        return training.showers_mev[[next(rows[value]) for value in energy]]

    good, bad = judged(photons, copies), judged(photons, lambda energy: 2.0 * copies(energy))
    assert good["nearest_training"] < 0.1 < bad["nearest_training"]
    for name in ("separation_mc", "recall_mc", "density_mc"):
        assert good[name] == bad[name]
    assert bad["separation"] > 1.4 * bad["separation_mc"]
    assert bad["density"] < 0.5 * bad["density_mc"]
    assert bad["score"] > 1.5 * good["score"]


def test_the_likelihood_is_the_mean_over_all_judged_showers(monkeypatch):
    """Breaks when a call weighs as much as a full one, or noise is drawn anew in each verdict or again in each call."""
    monkeypatch.setattr(likelihood, "JUDGED_SHOWERS", 4)
    monkeypatch.setattr(likelihood, "SHOWERS_PER_CALL", 3)
    source, noise = source_of([256.0], [256.0, 512.0, 256.0, 512.0, 1024.0, 256.0, 2048.0]), []

    def loss(showers, condition, uniform):
        tf.py_function(lambda values: noise.append(values.numpy()), [uniform], [])
        return showers[:, 0] + condition[:, 0]

    normalisation = SimpleNamespace(
        label=lambda energy, attributes: energy[:, np.newaxis].astype("f4"),
        to_network=lambda showers, energy: showers + 10.0 * energy[:, np.newaxis].astype("f4"),
    )
    model = SimpleNamespace(held_out_loss=loss, seed=5)
    judge = likelihood_judge(source, normalisation, model, lambda: {"chi2": "7", "ndf": "3"})
    # every second of the seven, in calls of three and one
    expected = np.mean([1001 + 11 * 256, 1003 + 11 * 256, 1005 + 11 * 1024, 1007 + 11 * 2048])
    row = judge()
    assert (float(row["held_out_loss"]), float(row["score"])) == pytest.approx((expected, expected))
    assert (row["chi2"], row["ndf"]) == ("7", "3")
    assert judge() == row
    assert [len(values) for values in noise] == [3, 1, 3, 1]
    np.testing.assert_array_equal(noise[0], noise[2])
    assert not np.array_equal(noise[0][:1], noise[1])
    assert (noise[0].min(), noise[0].max()) == pytest.approx((0.0, 1.0), abs=0.05)


def test_a_model_without_a_density_has_no_likelihood():
    model = SimpleNamespace(held_out_loss=None, training_config=SimpleNamespace(algorithm="hinge"))
    with pytest.raises(ConfigError, match=r"training\.selection: found likelihood for training\.algorithm = hinge"):
        likelihood_judge(None, None, model, None)


def test_a_report_is_on_held_out_showers_beside_training_ones(tmp_path, monkeypatch):
    """Breaks when the generator is judged on what it was trained on, or Monte Carlo is compared with itself."""
    given = {}

    def evaluated(made, reference, **options):
        given.update(options, made=made, reference=reference)
        return "metrics"

    monkeypatch.setattr(verdict, "evaluate", evaluated)
    monkeypatch.setattr(verdict, "showers_like", lambda *arguments: arguments)
    monkeypatch.setattr(verdict, "load_generator", lambda run: (run, (40,)))
    monkeypatch.setattr(verdict, "_notes", lambda source, reference: [])
    run = RunFolder(tmp_path)
    write_json(tmp_path / "config.json", get_experiment("photon").with_values({"run.seed": 17}).to_dict())
    assert verdict.write_report(run, source_of([256.0, 512.0, 256.0, 512.0, 256.0], [512.0, 256.0] * 2)) == "metrics"
    assert given["reference"].showers_mev[:, 0].tolist() == [1001, 1002, 1003, 1004]
    assert given["control"].showers_mev[:, 0].tolist() == [1, 2, 3, 4]
    generator, reference, seed, label = given["made"]
    assert generator is run
    assert reference is given["reference"]
    assert (seed, label) == (17, "photon, iteration 40")
    # nothing to compare where no training shower has an energy of the held-out ones
    assert verdict.write_report(run, source_of([256.0, 256.0], [512.0, 512.0])) is None
