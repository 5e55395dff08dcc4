"""The accelerator script on the CPU, small."""

import json

import pytest
import tensorflow as tf

from calosim_tf.benchmark import accelerator
from calosim_tf.experiments import get_experiment


@pytest.fixture
def narrow(monkeypatch):
    """The photon experiment, narrow, with two updates: compiled in seconds."""
    settings = {
        "network.latent.size": 4, "network.generator_units": (8, 6, 8), "network.critic_units": (8, 6),
        "training.critic_steps": 1,
    }  # fmt: skip
    experiment = get_experiment("photon").with_values(settings)
    monkeypatch.setattr(accelerator, "get_experiment", lambda _: experiment)
    monkeypatch.setattr(accelerator, "PRECISIONS", ("float32", "mixed_bfloat16"))
    monkeypatch.setattr(accelerator, "require_units", lambda *_: None)


@pytest.mark.slow
def test_every_way_is_compared_with_the_cpu(narrow, tmp_path, capsys):
    """Breaks when a way is left out, is not run, or its losses are compared with themselves."""
    out = tmp_path / "accelerator.json"
    assert accelerator.main(["photon", "--batch", "16", "--steps", "1", "--out", str(out)]) == 0
    result = json.loads(out.read_text())
    ways = [(row["precision"], row["xla"]) for row in result["rows"]]
    assert ways == [(precision, xla) for precision in ("float32", "mixed_bfloat16") for xla in (False, True)]
    for row in result["rows"]:
        assert row.get("failed") is None
        exact, error = row["precision"] == "float32", row["relative_error"]["value"]
        assert error < 1e-4 if exact else 1e-6 < error < 0.1
        assert row["seconds_per_iteration"] > 0.0
        assert row["peak_memory_mib"] > 50
    assert len(result["generation"]) == len(ways) * len(accelerator.GENERATED)
    assert all(row["showers_per_s"] > 0.0 for row in result["generation"])
    printed = capsys.readouterr().out
    assert printed.count("mixed_bfloat16 XLA") == 1 + len(accelerator.GENERATED)


@pytest.mark.slow
def test_what_cannot_be_run_is_said(narrow, monkeypatch):
    """Breaks when one loss that XLA cannot compile costs the table of all others."""

    def refuse(*_):
        raise tf.errors.UnimplementedError(None, None, "no such kernel\nsecond line")

    monkeypatch.setattr(accelerator, "time_bare", refuse)
    monkeypatch.setattr(accelerator, "GENERATED", ())
    monkeypatch.setattr(accelerator, "PRECISIONS", ("float32",))
    result = accelerator.accelerator_table(["photon"], 16, 1)
    assert [row["failed"] for row in result["rows"]] == ["UnimplementedError: no such kernel"] * 2
    assert accelerator.table_text(result).count("failed: UnimplementedError: no such kernel") == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nonsense"], "found 'nonsense', expected experiments"),
        (["photon", "--steps", "0"], "--steps: found 0, expected a number >= 1"),
    ],
)
def test_wrong_arguments_are_one_line(capsys, arguments, message):
    """Breaks when minutes pass before a mistake is named."""
    assert accelerator.main(arguments) == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert printed.out == ""
