"""Binning files of the CaloChallenge, written here in the public format."""

from __future__ import annotations

import pytest

from calosim_tf.errors import DataError
from calosim_tf.geometry import DETECTORS, VoxelLayer, get_detector
from calosim_tf.geometry.binning import read_binning

RING_MM = {"dataset_2": ("4.65", 9, 16), "dataset_3": ("2.325", 18, 50)}
NAMED = {"photon": 'pid="22" etaMin="0" etaMax="130" name="photon"', "pion": 'pid="211" name="pion"'}


def layer(number, edges, n_alpha):
    return f'      <Layer id="{number}" r_edges="{edges}" n_bin_alpha="{n_alpha}" />\n'


def document(particle, layers):
    return f"<Bins>\n   <Bin {particle}>\n{''.join(layers)}   </Bin>\n</Bins>\n"


def decimals(text, times):
    """Multiple of a decimal number as people write it: 13.95, not 13.950000000000001."""
    places = len(text.partition(".")[2])
    number = int(text.replace(".", "")) * times
    return f"{number / 10**places:.{places}f}".rstrip("0").rstrip(".")


def published(name):
    """The binning file of a published set, with its layers without voxels."""
    if name in RING_MM:
        ring, n_r, n_alpha = RING_MM[name]
        edges = ",".join(decimals(ring, times) for times in range(n_r + 1))
        return document('pid="11" name="electron"', [layer(number, edges, n_alpha) for number in range(45)])
    layers = {item.layer_id: item for item in get_detector(name).layers}
    rows = []
    for number in range(24):
        edges = ",".join(f"{edge:g}" for edge in layers[number].r_edges_mm) if number in layers else "0"
        rows.append(layer(number, edges, layers[number].n_alpha if number in layers else 1))
    return document(NAMED[name], rows)


@pytest.mark.parametrize("name", ["photon", "pion", "dataset_2", "dataset_3"])
def test_the_published_files_give_the_known_detectors(tmp_path, name):
    """Breaks if an edge differs in its last digit, or a known detector loses the bins and thresholds of its metrics."""
    path = tmp_path / "binning.xml"
    path.write_text(published(name))
    assert read_binning(path) is DETECTORS[name]


def test_another_detector_is_named_after_its_file(tmp_path):
    """Breaks if layers without voxels count, or a new detector is taken for a known one."""
    path = tmp_path / "prototype.xml"
    path.write_text(document('name="electron"', [layer(0, "0, 1.5,4", 3), layer(1, "0", 1), layer(2, "0,2", 1)]))
    found = read_binning(path)
    assert (found.name, found.particle, found.mass_mev) == ("prototype", "e-", 0.511)
    assert found.layers == (VoxelLayer(0, (0.0, 1.5, 4.0), 3), VoxelLayer(2, (0.0, 2.0), 1))
    assert found.n_voxels == 7


GOOD = [layer(0, "0,1", 1)]
BAD = {
    "no XML": ("<Bins>", "is not XML"),
    "another document": ("<html></html>", "found <html>, expected <Bins>"),
    "entities": ('<!DOCTYPE a [<!ENTITY b "cc">]><Bins/>', "or declarations, expected a plain binning file"),
    "two particles": (
        f"<Bins><Bin name='photon'>{GOOD[0]}</Bin><Bin name='pion'>{GOOD[0]}</Bin></Bins>",
        "found the bins 'photon', 'pion', expected one <Bin>",
    ),
    "no bin": ("<Bins/>", "found the bins none"),
    "unknown particle": (document('name="muon"', GOOD), "name='muon', expected a pid of 22, 11"),
    "falling edges": (document('name="photon"', [layer(0, "0,2,1", 1)]), "r_edges='0,2,1'.*rising edges in mm"),
    "infinite edge": (document('name="photon"', [layer(0, "0,inf", 1)]), "r_edges='0,inf'"),
    "words": (document('name="photon"', [layer(0, "0,one", 1)]), "r_edges='0,one'"),
    "no angles": (document('name="photon"', [layer(0, "0,1", 0)]), "n_bin_alpha='0'"),
    "twice": (document('name="photon"', GOOD * 2), r"found the layers \[0, 0\], expected at least one, each once"),
    "no voxels": (document('name="photon"', [layer(0, "0", 1)]), r"found the layers \[\]"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_wrong_file_is_one_line(tmp_path, case):
    """Breaks if a wrong binning file is a traceback or a detector."""
    text, words = BAD[case]
    path = tmp_path / "b.xml"
    path.write_text(text)
    with pytest.raises(DataError, match=words) as caught:
        read_binning(path)
    assert "\n" not in str(caught.value)
    with pytest.raises(DataError, match="cannot be read"):
        read_binning(tmp_path / "absent.xml")
