"""``evaluate``: the numbers of ``calosim evaluate``, from files, arrays and generators."""

from __future__ import annotations

import json

import pytest

import calosim_tf
from calosim_tf.cli import main
from calosim_tf.errors import ConfigError, DataError, RunFolderError

pytestmark = pytest.mark.slow
METRICS = ["chi2_ndf_total_energy", "separation_e_tot_over_e_inc"]


@pytest.fixture(scope="module")
def two(run_folder, tmp_path_factory):
    """Two files of showers of the same generator, and the generator."""
    folder, generator = tmp_path_factory.mktemp("evaluate"), calosim_tf.load(run_folder)
    for seed in (1, 2):
        generator.generate([1024.0, 16384.0], events=60, seed=seed).save(folder / f"{seed}.hdf5")
    return folder / "1.hdf5", folder / "2.hdf5", generator


def test_numbers_are_those_of_the_command(two, tmp_path, capsys):
    """Breaks when the program measures, titles or notes anything else than the command."""
    generated, reference, _ = two
    command = ["evaluate", str(generated), "--reference", str(reference), "--metrics", ",".join(METRICS), "-q"]
    assert main([*command, "--out", str(tmp_path / "command")]) == 0
    capsys.readouterr()
    expected = json.loads((tmp_path / "command" / "metrics.json").read_text())
    assert calosim_tf.evaluate(generated, reference, metrics=METRICS) == expected
    opened = [calosim_tf.open_showers(path) for path in (generated, reference)]
    assert calosim_tf.evaluate(*opened, metrics=METRICS) == expected
    assert capsys.readouterr().out == ""


def test_a_generator_is_judged_by_showers_of_the_particles_of_the_reference(two, run_folder):
    """Breaks when a generator makes other particles or seeds, or is judged without its negative voxels."""
    _, reference, generator = two
    made = generator.generate(like=calosim_tf.open_showers(reference), seed=9, negative="keep")
    expected = calosim_tf.evaluate(made, reference, metrics=METRICS)
    for subject in (generator, run_folder):
        document = calosim_tf.evaluate(subject, reference, metrics=METRICS, seed=9)
        assert document["metrics"] == expected["metrics"]
        assert document["generated"]["source"] == "photon, iteration 0"


def test_what_cannot_be_compared_is_one_line(two, cells, store, tmp_path):
    """Breaks when showers of two detectors, a wrong name or a wrong type end in a traceback of something else."""
    generated, reference, _ = two
    other = calosim_tf.open_showers(store(tmp_path / "f.npz", cells("lhcb", 40)))
    with pytest.raises(DataError, match=r"showers of detector lhcb .* but the reference is of photon"):
        calosim_tf.evaluate(other, calosim_tf.open_showers(reference), metrics=METRICS)
    with pytest.raises(ConfigError, match="metrics nice: unknown, use one of chi2_ndf_total_energy"):
        calosim_tf.evaluate(generated, reference, metrics=["nice"])
    with pytest.raises(RunFolderError, match="holds files that are not of a report"):
        calosim_tf.evaluate(generated, reference, metrics=METRICS, out=generated.parent)
    with pytest.raises(ConfigError, match="evaluate: found ndarray, expected Showers or the name of a file"):
        calosim_tf.evaluate(generated, calosim_tf.open_showers(reference).voxels_mev, metrics=METRICS)
