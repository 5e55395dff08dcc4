"""``training.precision`` and ``generate --precision`` from the command line."""

import h5py
import numpy as np
import pytest

from calosim_tf.errors import ConfigError
from calosim_tf.experiments import get_experiment
from calosim_tf.training import processor

ON_CPU = "this processor multiplies no {}"


def units(kind):
    flags = processor.cpu_flags()
    lacking = flags is not None and not flags.intersection(processor.CPU_FLAGS[kind])
    return pytest.mark.skipif(lacking, reason=ON_CPU.format(kind))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["training.precision=half"], "training.precision: found 'half', expected one of float32, mixed_bfloat16"),
        (
            ["training.precision=mixed_bfloat16", "training.optimizer_critic=radam_lookahead"],
            "training.optimizer_critic: found radam_lookahead of tensorflow-addons with training.precision",
        ),
    ],
)
def test_what_does_not_go_together_is_one_line(calosim, tmp_path, settings, message):
    """Breaks when a run begins that cannot be right, or something is left behind."""
    found = calosim("train", "photon_smoke", "--out", tmp_path / "run", "--set", *settings)
    assert found.returncode == 2
    assert found.stderr.count("\n") == 1
    assert message in found.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("kind", ["bfloat16", "float16"])
def test_a_processor_without_the_units_is_named(tmp_path, monkeypatch, kind):
    """Breaks when a training is ten times slower than float32 without a word."""
    record = tmp_path / "cpuinfo"
    monkeypatch.setattr(processor, "CPU_RECORD", record)
    processor.require_units(kind, "training.precision: found it")
    record.write_text("processor : 0\nflags\t\t: fpu sse avx2 avx512f\n")
    with pytest.raises(ConfigError, match=r"^training.precision: found it, which this processor does not multiply in"):
        processor.require_units(kind, "training.precision: found it")
    processor.refuse_missing_precision(get_experiment("photon"))
    split = get_experiment("photon_2gan").with_values({"training.precision": f"mixed_{kind}"})
    with pytest.raises(ConfigError, match=f"^training.precision: found mixed_{kind}, which this processor does not"):
        processor.refuse_missing_precision(split)
    record.write_text(f"processor : 0\nflags\t\t: fpu sse {processor.CPU_FLAGS[kind][0]}\n")
    processor.require_units(kind, "training.precision: found it")


@units("bfloat16")
def test_bfloat16_showers_are_those_of_float32_but_for_rounding(calosim, tmp_path):
    """Breaks when the network is not reduced, or energies are rounded too."""
    showers = {}
    for precision in ("float32", "bfloat16"):
        out = tmp_path / f"{precision}.hdf5"
        found = calosim(
            "generate", "pretrained:photon", "--energies", "65536", "--events", "200", "--out", out,
            "--precision", precision, "--seed", "3",
        )  # fmt: skip
        assert found.returncode == 0, found.stderr
        with h5py.File(out) as file:
            showers[precision] = file["showers"][:]
    totals = {precision: found.sum(axis=1) for precision, found in showers.items()}
    ratio = totals["bfloat16"] / totals["float32"]
    assert (showers["bfloat16"] != showers["float32"]).any()
    assert abs(np.mean(ratio) - 1.0) < 2e-3
    assert np.std(ratio) < 0.01


def test_a_bundle_is_in_the_precisions_that_it_was_exported_in(calosim, tmp_path):
    """Breaks when ``--precision bfloat16`` is taken for a bundle and does nothing."""
    bundle = tmp_path / "bundle"
    assert calosim("export", "pretrained:photon", "--format", "saved_model", "--out", bundle).returncode == 0
    found = calosim(
        "generate",
        bundle,
        "--energies",
        "65536",
        "--events",
        "2",
        "--out",
        tmp_path / "x.hdf5",
        "--precision",
        "bfloat16",
    )
    assert found.returncode == 2
    assert "--precision: found 'bfloat16' with back end tf, expected float32" in found.stderr


@units("bfloat16")
def test_a_training_in_bfloat16_to_its_report(calosim, tmp_path):
    """Breaks when a run in 16 bits cannot be selected, resumed or judged like any other."""
    arguments = ("train", "photon_smoke", "--out", tmp_path / "run", "--set", "training.precision=mixed_bfloat16")
    first = calosim(*arguments, "--iterations", "2", "--no-report")
    assert first.returncode == 0, first.stderr
    second = calosim(*arguments, "--iterations", "4", "--resume")
    assert second.returncode == 0, second.stderr
    assert "chi2/NDF" in second.stderr
    assert (tmp_path / "run" / "report" / "metrics.json").exists() or list((tmp_path / "run").rglob("metrics.json"))
