"""The report of ``data check``."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

from calosim_tf.data import checks
from calosim_tf.data.checks import check_report, format_report
from calosim_tf.data.hdf5 import short_reason
from calosim_tf.data.known_files import KnownFile
from calosim_tf.data.units import median_deposited_fraction
from calosim_tf.errors import ConfigError, DataError
from calosim_tf.geometry import get_detector


@pytest.mark.parametrize(
    ("detector", "published", "words"),
    [("photon", "photon", "photon"), (None, "electron", "electron"), (None, None, "unknown")],
)
def test_the_detector_is_named_as_well_as_it_is_known(public_like_file, detector, published, words):
    """Breaks if a published layout without a detector of ours is called unknown."""
    report = check_report(public_like_file) | {"detector": detector, "published_layout": published}
    assert f"detector {words}, units MeV" in format_report(report)


@pytest.mark.parametrize(
    ("error", "words"),
    [(OSError("Can't read data (inflate() failed)"), "inflate() failed"), (KeyError("x"), "x"), (OSError(), "OSError")],
)
def test_reasons_of_hdf5_are_cut_to_their_core(error, words):
    """Breaks if an error without words leaves an empty pair of brackets."""
    assert short_reason(error) == words


def test_deposits_below_one_count_and_empty_showers_do_not():
    """Breaks if showers in GeV, whose deposits are small numbers, count as empty."""
    energies = np.array([1.0, 1.0, 1.0, 1.0])
    assert median_deposited_fraction(energies, np.array([0.0, 0.2, 0.4, 0.9])) == pytest.approx(0.4)
    assert median_deposited_fraction(energies, np.zeros(4)) is None


def test_one_known_checksum_is_enough_to_refuse_a_changed_file():
    """Breaks if a file is taken as it comes because the second kind of checksum is not published."""
    found = [KnownFile("a", "b", **sums) for sums in ({}, {"md5": "0"}, {"sha256": "0"}, {"md5": "0", "sha256": "1"})]
    assert [file.pinned for file in found] == [False, True, True, True]
    assert [file.digest_names for file in found] == [(), ("md5",), ("sha256",), ("md5", "sha256")]


def test_report_of_the_public_layout(public_like_file, photon_showers):
    """Breaks if a number of the report is not that of the file."""
    incident, showers = photon_showers
    report = check_report(public_like_file)
    assert json.loads(json.dumps(report)) == report
    assert (report["detector"], report["voxels"], report["units"], report["events"]) == ("photon", 368, "MeV", 1210)
    assert [row["events"] for row in report["per_energy"]] == [100] * 11 + [50, 30, 20, 10]
    fraction = showers.sum(axis=1) / incident
    assert report["per_energy"][0]["deposited_fraction_mean"] == pytest.approx(fraction[incident == 256].mean())
    assert report["deposited_fraction_mean"] == pytest.approx(fraction.mean())
    assert (report["voxel_min_mev"], report["voxel_max_mev"]) == (0.0, showers.max())
    assert report["empty_showers"] == report["duplicated_showers"] == 0
    (file,) = report["files"]
    assert (file["dtype"], file["compression"], file["known_file"]) == ("float64", "gzip", None)
    assert file["md5"] == hashlib.md5(public_like_file.read_bytes()).hexdigest()


def test_duplicates_are_counted(write, few_showers):
    """Breaks if repeated showers (as in the first pion production) go unnoticed, or empty ones count as repeated."""
    showers = few_showers[1].copy()
    showers[[10, 20, 30]] = showers[5]
    showers[[40, 50]] = 0
    incident = few_showers[0].copy()
    incident[[10, 20, 30]] = incident[5]
    report = check_report(write(incident=incident[:, None], showers=showers))
    assert (report["duplicated_showers"], report["empty_showers"]) == (3, 2)


def test_duplicates_across_files_and_precisions(write, few_showers):
    """Breaks if the same showers in another file count as new ones."""
    paths = [write(name="a.hdf5"), write(name="b.hdf5", showers=few_showers[1].astype(np.float64))]
    assert check_report(paths)["duplicated_showers"] == 130


def test_known_file_is_named(write, monkeypatch):
    """Breaks if a download cannot be told from a changed copy."""
    path = write()
    monkeypatch.setitem(checks.KNOWN_FILES, hashlib.md5(path.read_bytes()).hexdigest(), "the published file")
    report = check_report(path)
    assert report["files"][0]["known_file"] == "the published file"
    assert "is the published file" in format_report(report)


def test_superseded_pion_production_is_recognised():
    """Breaks if the counts of the withdrawn file (120 230 events, 230 at 4.2 TeV) are not known as such."""
    totals = {sum(counts): words for counts, words in checks.PUBLISHED_EVENTS_PER_ENERGY.items()}
    assert set(totals) == {121_000, 120_800, 120_230}
    assert "replaced on 2023-06-30" in totals[120_230]


def test_voxels_of_an_unknown_detector(write, few_showers):
    """Breaks if a file can only be looked at when its detector is built in."""
    report = check_report(write(showers=few_showers[1][:, :100]))
    assert (report["detector"], report["published_layout"], report["voxels"]) == (None, None, 100)
    assert "detector unknown" in format_report(report)


def test_wanted_detector_is_enforced(write, few_showers):
    """Breaks if --detector is ignored."""
    path = write(showers=few_showers[1][:, :100])
    with pytest.raises(DataError, match="100 voxels per shower, expected 368"):
        check_report(path, get_detector("photon"))
    with pytest.raises(ConfigError, match="detector 'electron' is unknown"):
        get_detector("electron")


def test_continuous_energies_are_not_listed(write, few_showers):
    """Breaks if every event of a continuous spectrum becomes a line."""
    incident = np.linspace(1000, 60_000, 130)
    showers = few_showers[1] * (incident / few_showers[0])[:, None]
    report = check_report(write(incident=incident[:, None], showers=showers))
    assert report["per_energy"] is None
    assert "continuous, 1000 to 60000 MeV" in format_report(report)


def test_text_shows_every_energy(public_like_file):
    """Breaks if the table loses rows or columns."""
    lines = format_report(check_report(public_like_file)).splitlines()
    table = [line.split() for line in lines[-15:]]
    assert [float(row[0]) for row in table] == pytest.approx(2.0 ** np.arange(8, 23), rel=1e-5)
    assert [int(row[1]) for row in table] == [100] * 11 + [50, 30, 20, 10]
    assert all(0.7 < float(row[2]) < 1.0 for row in table)
