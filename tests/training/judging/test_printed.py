"""The verdict of a training on stdout."""

from calosim_tf.experiments import get_experiment
from calosim_tf.files import write_json
from calosim_tf.training.judging import verdict
from calosim_tf.training.run_folder import RunFolder


def entry(value, **more):
    return {"value": value, "error": 0.25, **more}


def test_every_energy_has_its_numbers_beside_those_of_monte_carlo(tmp_path, monkeypatch, capsys):
    """Breaks when a column shows another number, an empty energy ends in a traceback, or the best row is not named."""
    monkeypatch.setattr(verdict, "verdict_text", lambda rows: "VERDICT")
    monkeypatch.setattr(verdict, "verdict_rows", lambda metrics: [])
    run = RunFolder(tmp_path)
    write_json(tmp_path / "config.json", get_experiment("photon").to_dict())
    rows = [("10", 30.0, "0"), ("20", 12.5, "1"), ("30", 20.0, "0")]
    run.selection.replace([{"iteration": i, "chi2": chi2, "ndf": 10, "chosen": chosen} for i, chi2, chosen in rows])
    per_energy = {
        "chi2_ndf_total_energy": entry(1.5, reference_vs_reference=0.75),
        "response_mean": entry(0.9, reference_value=0.8125),
        "response_mean_ratio": entry(1.125),
        "response_sigma_ratio": entry(None),
    }
    metrics = {
        "metrics": {"chi2_ndf_total_energy": entry(1.375, reference_vs_reference=1.0625, n=40, n_reference=50)},
        "per_energy": {"256": per_energy, "512": {}},
        "reference": {"source": "simulated"},
        "notes": ["a note"],
    }
    verdict.print_verdict(run, metrics)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "VERDICT"
    assert "40 generated against 50 held-out showers (simulated)" in lines[1]
    assert lines[2].strip() == "first 3.00 (iteration 10), best 1.25 (iteration 20), last five 3.00, 1.25, 2.00"
    assert lines[3].endswith("same numbers: 1.06")
    assert lines[5].split() == ["256", "1.50", "0.75", "0.8125", "1.125", "+-", "0.250", "-", "+-", "0.250"]
    assert lines[6:] == ["  a note", f"report: {run.report / 'report.html'}"]


def test_a_generator_too_far_off_is_said_with_the_length_of_its_training(tmp_path, monkeypatch, capsys):
    """Breaks when a short run's showers are handed on without a word, or the full length is that of the short one."""
    monkeypatch.setattr(verdict, "verdict_text", lambda rows: "VERDICT")
    monkeypatch.setattr(verdict, "verdict_rows", lambda metrics: [])
    monkeypatch.setattr(verdict, "far_off_words", lambda metrics: "no energy")
    full = get_experiment("photon").with_values({"training.iterations": 500, "training.batch_size": 64})
    short = full.with_values({"training.iterations": 20})
    write_json(tmp_path / "config.json", short.to_dict())
    metrics = {
        "metrics": {"chi2_ndf_total_energy": entry(1.0, reference_vs_reference=1.0, n=1, n_reference=1)},
        "per_energy": {}, "reference": {"source": "simulated"}, "notes": [],
    }  # fmt: skip
    verdict.print_verdict(RunFolder(tmp_path), metrics, full)
    words = capsys.readouterr().out
    assert "Too far from Monte Carlo to be used: no energy. Trained for 20 iterations of 64 showers" in words
    assert f"`calosim train {full.name}` asks for 500 iterations of 64 showers." in words
