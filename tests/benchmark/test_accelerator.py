"""The accelerator script on the CPU, small."""

import json
import subprocess
import sys

import pytest

from calosim_tf.benchmark import accelerator


@pytest.mark.slow
def test_every_way_is_compared_with_the_cpu(tmp_path):
    """Breaks when a way is left out, is not run, or its losses are compared with themselves."""
    out = tmp_path / "accelerator.json"
    command = [sys.executable, "-m", "calosim_tf.benchmark.accelerator", "photon", "conv2d_g1"]
    found = subprocess.run(
        [*command, "--batch", "16", "--steps", "1", "--out", str(out)],
        capture_output=True, text=True, check=False, timeout=280,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr[-2000:]
    result = json.loads(out.read_text())
    ways = {(row["experiment"], row["precision"], row["xla"]) for row in result["rows"]}
    assert {(name, "float32", xla) for name in ("photon", "conv2d_g1") for xla in (False, True)} <= ways
    for row in result["rows"]:
        assert "failed" not in row, row
        error = row["relative_error"]["value"]
        assert error < (1e-4 if row["precision"] == "float32" else 0.1)
        # reduced precision shows
        assert (error > 1e-6) == (row["precision"] != "float32") or row["xla"]
        assert row["seconds_per_iteration"] > 0.0
        assert row["peak_memory_mib"] > 50
    assert all(row["showers_per_s"] > 0.0 for row in result["generation"])
    assert "conv2d_g1" in found.stdout


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
