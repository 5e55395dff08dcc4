"""Plans: read, checked, and refused in one line."""

import pytest

from calosim_tf.errors import ConfigError, InputError
from calosim_tf.fleet.checks import check_plan, experiment_of
from calosim_tf.fleet.plan import read_plan

HEADER = "name,particle,eta_min,eta_max,energy_min_mev,energy_max_mev,experiment,data,settings,seed\n"
TWO = "a,photon,0,0.1,,,photon_smoke,,,1\nb,photon,0.1,0.2,,,photon_smoke,,training.iterations=7 run.threads=1,2\n"


@pytest.fixture
def plan(tmp_path):
    """``plan(rows, name)``: a plan that is read."""

    def made(rows, header=HEADER, name="plan.csv"):
        (tmp_path / name).write_text(header + rows)
        return read_plan(tmp_path / name)

    return made


def test_csv_and_yaml_say_the_same(plan, tmp_path):
    """Breaks when a column, a setting or the folder that paths count from is lost in one of the two."""
    (tmp_path / "files").mkdir()
    table = plan("a,photon,0,0.1,256,4096,photon_smoke,files/x.hdf5;y.hdf5,training.iterations=7,3\n")
    text = """
defaults: {particle: photon, experiment: photon_smoke, settings: {training.iterations: 7}}
members:
  - {name: a, eta_min: 0, eta_max: 0.1, energy_min_mev: 256, energy_max_mev: 4096,
     data: [files/x.hdf5, y.hdf5], seed: 3}
"""
    tree = plan(text, "", "plan.yaml")
    for found in (table, tree):
        (member,) = found.members
        assert member.data == (tmp_path / "files/x.hdf5", tmp_path / "y.hdf5")
        experiment = experiment_of(member, tmp_path / "run")
        assert (experiment.training.iterations, experiment.run.seed) == (7, 3)
        assert (experiment.data.energy_min_mev, experiment.data.energy_max_mev) == (256.0, 4096.0)
    assert table.members[0].record() == tree.members[0].record()


def test_more_iterations_go_on_and_another_seed_does_not(plan):
    """Breaks when a longer training starts anew, or a run with another seed is taken for the same."""
    first, more, other = (
        plan(f"a,photon,0,1,,,photon_smoke,,training.iterations={n},{seed}\n").members[0]
        for n, seed in ((5, 1), (9, 1), (5, 2))
    )
    assert first.lasting() == more.lasting()
    assert first.record() != more.record()
    assert first.lasting() != other.lasting()


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (TWO.replace("0.1,0.2", "0.15,0.2"), r"a gap: photon 0.1 < \|eta\| < 0.15: add the members"),
        (TWO + "c,pion,0,0.1,,,photon_smoke,,,\n", r"a gap: pion 0.1 < \|eta\| < 0.2"),
        (TWO.replace("0.1,0.2", "0.05,0.2"), r"an overlap: a and b both make photon 0.05 < \|eta\| < 0.1"),
        (TWO.replace(",photon,0.1,0.2,", ",photon,0,0.1,"), "an overlap: a and b both"),
        (
            "a,photon,0,0.1,256,1024,photon_smoke,,,\nb,photon,0,0.1,2048,4096,photon_smoke,,,\n",
            "a gap: .* from 1024 to 2048 MeV",
        ),
        (
            "a,photon,0,0.1,256,2048,photon_smoke,,,\nb,photon,0,0.1,1024,4096,photon_smoke,,,\n",
            "an overlap: a and b",
        ),
        (TWO.replace("photon_smoke,,,1", "photon_smok,,,1"), r"line 2 \(a\): experiment 'photon_smok' is unknown"),
        (TWO.replace("photon_smoke,,,1", "photon_smoke,none.hdf5,,1"), r"line 2 \(a\): .*none.hdf5"),
        (TWO.replace("iterations", "iteration"), r"line 3 \(b\): configuration key 'training.iteration'"),
        (TWO.replace("b,photon", "a,photon"), "line 3: found the name 'a' of line 2 again"),
        (TWO.replace("0.1,0.2", "0.2,0.1"), "line 3: found eta_min 0.2, eta_max 0.1, expected 0 <= eta_min"),
        (TWO.replace("b,photon,0.1", "b,photon,x"), "line 3, eta_min: found 'x', expected a number"),
        (TWO.replace("b,photon", "../b,photon"), r"line 3, name: found '../b', expected letters"),
        (TWO.replace("photon_smoke,,,1", "photon_smoke"), "line 2: found another number of values"),
        (TWO + "c,photon,0,0.2,5,5,photon_smoke,,,\n", "line 4: found energies from 5.0 to 5.0"),
        ("", "found no member"),
        (
            "a,photon,0,0.1,256,1024,photon_smoke,,,\nb,photon,0,0.1,1024,4096,lhcb_wgan_smoke,,,\n",
            "found lhcb and photon for photon",
        ),
    ],
)
def test_a_bad_plan_is_one_line(plan, rows, words):
    """Breaks when one of them is found only hours later, by a member that fails or a bundle with a hole."""
    with pytest.raises(InputError, match=words):
        check_plan(plan(rows))


def test_columns_have_to_be_known(plan):
    """Breaks when a misspelt column is passed over."""
    with pytest.raises(ConfigError, match=r"found the unknown 'eta_mix', expected name, particle"):
        plan("", HEADER.replace("eta_max", "eta_mix"))


def test_a_file_of_another_layout_is_refused(plan, tmp_path, cells, store):
    """Breaks when only the existence of the file is looked at."""
    store(tmp_path / "cells.hdf5", cells("calogan", 4))
    with pytest.raises(InputError, match=r"line 2 \(a\): .*cells.hdf5"):
        check_plan(plan("a,photon,0,0.1,,,photon_smoke,cells.hdf5,,\n"))


def test_slices_and_wanted_gaps(plan):
    """Breaks when members of several energies are not one slice, or --allow-gaps does not allow them."""
    rows = "a,photon,0,0.1,,4096,photon_smoke,,,\nb,photon,0,0.1,4096,,photon_smoke,,,\n"
    (only,) = check_plan(plan(rows))
    assert [member.name for member in only.members] == ["a", "b"]
    found = check_plan(plan(rows + "c,photon,0.3,0.4,,,photon_smoke,,,\n"), allow_gaps=True)
    assert [len(item.members) for item in found] == [2, 0, 1]
