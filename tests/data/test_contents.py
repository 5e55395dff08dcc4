"""Sums, units and checksums of one streamed pass."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from calosim_tf.data.contents import RunningDigest, check_contents
from calosim_tf.data.readers import open_showers
from calosim_tf.data.units import describe_wrong_units, incident_energies_look_like_gev, median_deposited_fraction
from calosim_tf.errors import DataError
from calosim_tf.geometry import PHOTON


@pytest.mark.parametrize("options", [{}, {"compression": "gzip"}, {"chunks": (7, 100), "shuffle": True}], ids=str)
@pytest.mark.parametrize("dtype", ["<f4", "<f8", ">f4", ">f8"])
def test_any_precision_and_storage(write, few_showers, dtype, options, monkeypatch):
    """Breaks if byte order, chunks that cut rows, or contiguous storage change a number."""
    monkeypatch.setattr("calosim_tf.data.shower_file.BLOCK_BYTES", 20 * 368 * 4)
    path = write(showers=few_showers[1].astype(dtype), **options)
    keep = np.arange(130) % 3 != 0
    contents = check_contents(open_showers(path, PHOTON), keep=keep)
    np.testing.assert_array_equal(contents.showers_mev, few_showers[1][keep])
    np.testing.assert_allclose(contents.deposited_mev, few_showers[1].sum(axis=1, dtype=np.float64), rtol=1e-6)


def test_nothing_is_kept_unless_asked(write):
    """Breaks if checking a file larger than memory loads it."""
    assert check_contents(open_showers(write(), PHOTON)).showers_mev is None


def test_empty_showers_are_counted(write, few_showers):
    """Breaks if a shower that missed the calorimeter stops training, or goes unreported."""
    showers = few_showers[1].copy()
    showers[[3, 70]] = 0
    assert check_contents(open_showers(write(showers=showers), PHOTON)).n_empty == 2


def test_blocks_cover_all_rows_once(write, monkeypatch):
    """Breaks if blocks overlap, leave a gap, or do not follow the chunks."""
    monkeypatch.setattr("calosim_tf.data.shower_file.BLOCK_BYTES", 30 * 368 * 4)
    (file,) = open_showers(write(chunks=(16, 368)), PHOTON)
    assert list(file.block_ranges()) == [(0, 32), (32, 64), (64, 96), (96, 128), (128, 130)]
    assert list(file.block_ranges(20, 70)) == [(20, 32), (32, 64), (64, 70)]


def test_digest_in_steps_equals_digest_at_once(tmp_path):
    """Breaks if a part is hashed twice or left out; 3 MB are several reads."""
    content = np.random.default_rng(0).bytes(3_000_001)
    path = tmp_path / "file"
    path.write_bytes(content)
    with RunningDigest([path], ("sha256", "md5")) as digest:
        for fraction in (0.1, 0.1, 0.5):
            digest.advance(fraction)
        found = digest.finish()
    assert found == {"sha256": hashlib.sha256(content).hexdigest(), "md5": hashlib.md5(content).hexdigest()}


def test_digest_keeps_step_with_the_reader(tmp_path):
    """Breaks if hashing runs ahead: a file larger than memory would come from the disk twice."""
    path = tmp_path / "file"
    path.write_bytes(bytes(5_000_000))
    with RunningDigest([path], ("sha256",)) as digest:
        digest.advance(0.1)
        digest.advance(0.1)  # returns when the first is done
        assert 500_000 <= digest._file.tell() < 500_000 + 2**20 + 1


def test_units_show_behind_empty_showers(write, few_showers, monkeypatch):
    """Breaks if units are judged by the first block alone, which may hold nothing but empty showers."""
    monkeypatch.setattr("calosim_tf.data.shower_file.BLOCK_BYTES", 10 * 368 * 4)
    showers = few_showers[1] / 1000
    showers[:20] = 0
    with pytest.raises(DataError, match="showers are in GeV"):
        check_contents(open_showers(write(showers=showers), PHOTON))


def test_median_fraction_leaves_empty_showers_out():
    """Breaks if many showers that missed the detector look like wrong units."""
    assert median_deposited_fraction(np.full(5, 100.0), np.array([0, 0, 0, 80.0, 90.0])) == pytest.approx(0.85)
    assert median_deposited_fraction(np.full(2, 100.0), np.zeros(2)) is None


def test_discrete_energies_in_gev_at_any_energy():
    """Breaks if 4.2 TeV showers in GeV (4194.304) pass for MeV, or 2^12 MeV passes for GeV."""
    assert incident_energies_look_like_gev(np.array([4194.304]))
    assert incident_energies_look_like_gev(np.array([0.256, 4194.304], dtype=np.float32))
    assert not incident_energies_look_like_gev(np.array([4096.0]))
    assert not incident_energies_look_like_gev(np.array([256.0, 4194304.0]))


def test_continuous_energies_in_gev():
    """Breaks if 1-15 GeV without discrete values is read as MeV; a few soft events are no proof."""
    assert incident_energies_look_like_gev(np.linspace(1.0, 15.0, 100))
    assert not incident_energies_look_like_gev(np.r_[np.full(10, 5.0), np.full(90, 5000.0)])


@pytest.mark.parametrize("fraction", [0.02, 0.5, 0.97, 2.5, None])
def test_plausible_fractions_are_mev(fraction):
    """Breaks if raw sampling fractions (0.02) or hadronic fluctuations are mistaken for wrong units."""
    assert describe_wrong_units(np.array([256.0, 65536.0]), fraction) is None
