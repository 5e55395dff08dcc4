"""Two replicas learn what one learns: real devices and processes."""

import os
import subprocess
import sys

import pytest

# several traced trainings each; twice as long on cores that others use
pytestmark = pytest.mark.timeout(900)


def test_two_devices_of_one_process_equal_one(several, shared_out, alone, cells_folder):
    """Breaks when a gradient is summed instead of averaged, a draw or a row is taken twice, statistics are local."""
    command = [sys.executable, several.script, "mirrored", cells_folder, shared_out, *several.runs]
    process = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "CALOSIM_VIRTUAL_DEVICES": "2"}, check=False
    )
    assert process.returncode == 0, process.stderr[-3000:]
    several.require_all_equal(shared_out, alone, cells_folder)


def test_losses_of_a_whole_batch_are_those_of_the_global_batch(several, tmp_path, cells_folder):
    """Breaks when means, pairs or roots are those of one replica, or a stage begins from another average."""
    command = [sys.executable, several.script, "mirrored", cells_folder, tmp_path]
    cases = ("factorised", "framed", "cvae_cgan", "lagan", "bib_ae")
    process = subprocess.run(
        [*command, *(f"{case}:{case}_several:{several.iterations}" for case in cases)],
        capture_output=True,
        text=True,
        env={**os.environ, "CALOSIM_VIRTUAL_DEVICES": "2"},
        check=False,
    )
    assert process.returncode == 0, process.stderr[-3000:]
    several.alone(cells_folder, tmp_path, [f"{case}:{case}_one:{several.iterations}" for case in cases])
    for case in cases:
        both = tmp_path / f"{case}_several", tmp_path / f"{case}_one"
        several.require_equal(*both, several.iterations)
        several.require_equal_losses(*both)


def test_two_processes_equal_one(several, start_workers, shared_out, alone, cells_folder):
    """Also breaks when processes start from different states or read each other's rows."""
    workers = start_workers([several.script, "multiworker", cells_folder, shared_out, *several.runs])
    errors = [worker.communicate(timeout=280)[1] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], "\n".join(error[-3000:] for error in errors)
    # the chief alone speaks and writes
    assert "chi2/NDF" in errors[0]
    assert "chi2/NDF" not in errors[1]
    several.require_all_equal(shared_out, alone, cells_folder)
