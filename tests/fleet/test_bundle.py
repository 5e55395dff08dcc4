"""One bundle of many members: which one makes a shower, and how many are in memory."""

import h5py
import numpy as np
import pytest

import calosim_tf
from calosim_tf.bundle.fleet_sidecar import read_fleet_sidecar
from calosim_tf.cli import main
from calosim_tf.errors import DataError, RunFolderError
from calosim_tf.fleet.bundle import bundle_fleet
from calosim_tf.inference.fleet import FleetSampler

from .conftest import GIVES


def made_by(showers, energy):
    """Names of the members that made these showers, by the number they give."""
    return [min(GIVES, key=lambda name: abs(GIVES[name] - row[0] / e)) for row, e in zip(showers, energy, strict=True)]


def test_particle_eta_and_energy_choose_the_member(bundle, tmp_path):
    """Breaks when a route is wrong, on edges and with a negative eta too; the upper slice has a shared edge."""
    energy = np.array([1024.0, 4096.0, 65536.0])
    wanted = {("photon", 0.1): ["photon_0", "photon_0_high", "photon_0_high"], ("pion", 0.3): ["pion_0"] * 3}
    wanted |= {("photon", -0.2): ["photon_2"] * 3, ("photon", 0.4): ["photon_2"] * 3}
    for (particle, eta), names in wanted.items():
        generator = calosim_tf.load(bundle, particle=particle, eta=eta)
        assert made_by(generator.generate(energy).voxels_mev, energy) == names
    out = tmp_path / "showers.hdf5"
    words = ["--particle", "pion", "--eta", "0.22", "--energies", "1024", "--events", "3", "--backend", "onnx"]
    assert main(["generate", str(bundle), *words, "--out", str(out)]) == 0
    with h5py.File(out) as file:
        assert made_by(file["showers"][:], [1024.0] * 3) == ["pion_0"] * 3


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--particle", "photon", "--eta", "0.5"], "--eta: found 0.5, expected |eta| of a photon in 0 to 0.4"),
        (["--particle", "muon", "--eta", "0.1"], "found 'muon', expected one of this bundle: photon, pion"),
        (["--particle", "photon"], "without --particle and --eta, expected both"),
        ([], "the bundle of a fleet without --particle and --eta"),
        (["--particle", "photon", "--eta", "nan"], "--eta: found nan"),
    ],
)
def test_what_a_bundle_does_not_have_is_one_line(bundle, tmp_path, capsys, words, expected):
    """Breaks when the nearest slice answers instead, or a traceback does."""
    line = ["generate", str(bundle), *words, "--energies", "1024", "--events", "1", "--backend", "onnx"]
    assert main([*line, "--out", str(tmp_path / "x.hdf5")]) == 2
    (found,) = capsys.readouterr().err.strip().splitlines()
    assert expected in found


def test_a_single_generator_has_no_eta(fleet, tmp_path, capsys):
    """Breaks when --eta is silently passed over, and photons of another slice are taken for those asked for."""
    single = fleet[1].member("photon_2").bundle
    words = ["--energies", "1024", "--events", "1", "--backend", "onnx", "--out", str(tmp_path / "x.hdf5")]
    assert main(["generate", str(single), "--eta", "0.1", *words]) == 2
    assert "with the single generator" in capsys.readouterr().err


def test_other_commands_refuse_the_bundle_of_a_fleet(bundle):
    """Breaks when the missing networks become a traceback."""
    from calosim_tf.bundle.sidecar import read_sidecar

    with pytest.raises(RunFolderError, match="found the bundle of a fleet, expected that of one generator"):
        read_sidecar(bundle)


def test_few_members_are_in_memory_and_showers_stay_the_same(bundle):
    """Breaks when all are loaded at once, the wrong one makes room, or a shower depends on those around it."""
    particles = ["photon", "pion", "photon", "photon", "pion", "photon"]
    eta, energy = np.array([0.1, 0.1, 0.3, -0.1, 0.3, 0.2]), np.full(6, 1024.0)
    small = FleetSampler(bundle, "onnx", threads=1, most_loaded=1)
    assert small.loaded == ()
    together = FleetSampler(bundle, "onnx", threads=1).showers(particles, eta, energy, 3)
    one_by_one = [
        small.sampler(particle, eta[place]).at(np.array([place]), energy[place : place + 1], 3)[0]
        for place, particle in enumerate(particles)
    ]
    assert len(small.loaded) == 1
    assert small.loads == 6
    assert made_by(together, energy) == ["photon_0", "pion_0", "photon_2", "photon_0", "pion_0", "photon_2"]
    assert [shower.shape for shower in together] == [(n,) for n in (368, 533, 368, 368, 533, 368)]
    for one, other in zip(together, one_by_one, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)
    assert not np.allclose(together[0], together[3], rtol=1e-5)  # the latents of their own places
    with pytest.raises(DataError, match=r"--eta: found 0.41"):
        small.sampler("photon", 0.41)


def test_a_damaged_member_is_found_when_it_is_asked_for(bundle):
    """Breaks when files are not checked against the sidecar, or one bad member stops all others."""
    path = bundle / "photon_2.model.onnx"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    fleet = FleetSampler(bundle, "onnx", threads=1)
    fleet.sampler("pion", 0.3)
    with pytest.raises(RunFolderError, match=r"photon_2\.model\.onnx: found sha256"):
        fleet.sampler("photon", 0.3)


def test_unfinished_members_are_named(fleet, tmp_path):
    """Breaks when a hole in the bundle is only found by who asks for it."""
    with pytest.raises(RunFolderError, match=r"found 1 of 4 members not exported \(first pion_0\)"):
        bundle_fleet(*fleet, tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()
    bundle_fleet(*fleet, tmp_path / "bundle", only_finished=True)
    assert list(read_fleet_sidecar(tmp_path / "bundle").by_particle) == ["photon"]
