"""The sidecar: written, read back, and refused when it is contradictory."""

import dataclasses
import json

import numpy as np
import pytest

from calosim_tf.bundle.card import network_lines, write_card
from calosim_tf.bundle.checks import require_same_shapes, require_sound_file, size_of, sum_of
from calosim_tf.bundle.describe import cell_order_words, central_values, incident_energy_words, layer_table
from calosim_tf.bundle.folder import bundle_folder
from calosim_tf.bundle.sidecar import (
    Condition,
    ModelFile,
    NetworkRecord,
    Sidecar,
    is_bundle,
    read_sidecar,
    write_sidecar,
)
from calosim_tf.config import LatentLaw
from calosim_tf.config.energy_range import route
from calosim_tf.data.cell_transforms import GevNormalisation
from calosim_tf.data.transforms import KineticNormalisation
from calosim_tf.errors import RunFolderError
from calosim_tf.geometry import PHOTON, get_detector

LAW = KineticNormalisation(0.0, 256.0, 65536.0)


def network(name="generator", energy_range=None, files=None):
    names, formula = LAW.condition_words(PHOTON.attributes)
    scale, unit = LAW.output_words()
    condition = Condition(names, formula, (0.0,), (1.0,))
    return NetworkRecord(
        name, energy_range, LatentLaw(size=5), LAW.to_dict(), condition, (368,), scale, unit, 7, 99, 98, files or {}
    )


def sidecar(*networks):
    return Sidecar(
        *("toy", "a paper", "trained on nothing", "photon", "gamma", "energy, MeV"),
        (),
        (),
        368,
        cell_order_words(PHOTON),
        layer_table(PHOTON),
        1.0,
        networks,
        {"calosim_tf": "0"},
    )


@pytest.fixture
def bundle(tmp_path):
    """Folder with a sidecar and two files of one network."""
    (tmp_path / "model.onnx").write_bytes(b"onnx")
    saved = tmp_path / "model.saved_model"
    (saved / "variables").mkdir(parents=True)
    (saved / "saved_model.pb").write_bytes(b"graph")
    (saved / "variables" / "data").write_bytes(b"numbers")
    files = {
        "saved_model": (ModelFile(saved.name, sum_of(saved), size_of(saved), signature="raw"),),
        "onnx": (ModelFile("model.onnx", sum_of(tmp_path / "model.onnx"), 4),),
    }
    write_sidecar(tmp_path, sidecar(network(files=files)))
    return tmp_path


def changed(bundle, change):
    """Apply ``change`` to the content of the sidecar."""
    path = bundle / "sidecar.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_what_is_written_is_read_back(bundle):
    """Breaks when a field is lost, or a tuple comes back as a list."""
    found = read_sidecar(bundle)
    again = dataclasses.replace(found)
    write_sidecar(bundle, again)
    assert read_sidecar(bundle) == found
    (only,) = found.networks
    assert only.law() == LAW
    assert only.latent == LatentLaw(size=5)
    assert found.formats == ("saved_model", "onnx")
    assert is_bundle(bundle)
    for file in (only.file("onnx"), only.file("saved_model")):
        assert require_sound_file(bundle, file) == bundle / file.path


def first_file(content):
    return content["networks"][0]["files"]["onnx"][0]


REFUSED = {
    "another schema": (lambda c: c.update(schema=2), "found schema 2, expected 1"),
    "no networks": (lambda c: c.update(networks=[]), "found no network"),
    "a field that is missing": (lambda c: c.pop("detector"), "no usable sidecar"),
    "a field that nobody knows": (lambda c: c.update(surprise=1), "no usable sidecar"),
    "an unknown detector": (lambda c: c.update(detector="nowhere"), "nowhere"),
    "cells of another detector": (lambda c: c.update(n_cells=533), "found 533 cells"),
    "a condition of another size": (
        lambda c: c["networks"][0]["condition"].update(names=["a", "b"]),
        r"conditions of \[1, 2\] numbers",
    ),
    "an output of another size": (lambda c: c["networks"][0].update(output_shape=[367]), r"found output \(367,\)"),
    "a law that nobody knows": (lambda c: c["networks"][0]["normalisation"].update(kind="x"), "no usable sidecar"),
    "a file outside of the folder": (lambda c: first_file(c).update(path="../model.onnx"), "expected a plain name"),
    "a file at the root": (lambda c: first_file(c).update(path="/etc/passwd"), "expected a plain name"),
    "the folder itself": (lambda c: first_file(c).update(path=".."), "expected a plain name"),
    "a file that is not there": (lambda c: first_file(c).update(path="other.onnx"), "found no such file"),
    "a file that was cut": (lambda c: first_file(c).update(bytes=5), "found 4 bytes, expected the 5"),
    "a file with something appended": (lambda c: first_file(c).update(bytes=3), "found 4 bytes, expected the 3"),
    "a batch of nothing": (lambda c: first_file(c).update(batch=0), "batch 0"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused_in_one_line(bundle, case):
    """Breaks when a damaged or hostile sidecar ends in a traceback, a wrong shower or a read outside of the folder."""
    change, expected = REFUSED[case]
    changed(bundle, change)
    with pytest.raises(RunFolderError, match=expected) as caught:
        read_sidecar(bundle)
    assert "\n" not in str(caught.value)


def test_links_out_of_the_bundle_are_refused(bundle, tmp_path_factory):
    """Breaks when a link leads to a file outside."""
    outside = tmp_path_factory.mktemp("outside") / "x"
    outside.write_bytes(b"onnx")
    (bundle / "model.onnx").unlink()
    (bundle / "model.onnx").symlink_to(outside)
    with pytest.raises(RunFolderError, match="no such file"):
        read_sidecar(bundle)


def test_a_changed_byte_is_found(bundle):
    """Breaks when a network is loaded that is not the one exported: same size, other content; in a folder too."""
    (bundle / "model.onnx").write_bytes(b"onnX")
    (bundle / "model.saved_model" / "variables" / "data").write_bytes(b"Numbers")
    (only,) = read_sidecar(bundle).networks
    for kind in ("onnx", "saved_model"):
        with pytest.raises(RunFolderError, match=r"expected the \w+ of the sidecar"):
            require_sound_file(bundle, only.file(kind))


def test_a_folder_is_as_large_as_its_files(bundle):
    """Breaks when the sidecar gives the size of the folder's entry, or leaves out what lies deeper."""
    assert size_of(bundle / "model.saved_model") == len(b"graph") + len(b"numbers")
    assert size_of(bundle / "model.onnx") == len(b"onnx")


def test_a_network_of_other_sizes_is_refused(tmp_path):
    """Breaks when a bundle's network takes another latent than its sidecar says and is fed it anyway."""
    require_same_shapes(tmp_path, network(), 5, 1, None)
    with pytest.raises(RunFolderError, match="found latent 6, condition 1, output 368, expected 5, 1, 368"):
        require_same_shapes(tmp_path, network(), 6, 1, 368)


def test_files_are_chosen_by_batch():
    """Breaks when a call is made with a file for fewer showers although there is one for more."""
    files = {"tflite": tuple(ModelFile(f"b{size}", "", 1, batch=size) for size in (1, 100))}
    record = network(files=files)
    assert [record.file("tflite", size).batch for size in (None, 1, 2, 100, 5000)] == [100, 1, 100, 100, 100]
    with pytest.raises(RunFolderError, match=r"found no format onnx \(it was not asked for in the export\)"):
        record.file("onnx")
    without = dataclasses.replace(record, not_available={"onnx": "needs tf2onnx"})
    with pytest.raises(RunFolderError, match=r"found no format onnx \(needs tf2onnx\), expected one of: tflite"):
        without.file("onnx")


def test_networks_of_a_split_are_in_order(bundle):
    """Breaks when an energy on a shared edge, which the upper network makes, goes to another one, or an open end loses
    its energies.
    """
    low, high = network("low", (None, 4096.0)), network("high", (4096.0, None))
    write_sidecar(bundle, sidecar(low, high))
    ranges = [item.energy_range_mev for item in read_sidecar(bundle).networks]
    assert route(ranges, np.array([0.5, 4095.0, 4096.0, 4097.0]), np.where).tolist() == [0, 0, 1, 1]
    assert route([(1.0, 2.0), (3.0, 4.0)], np.array([0.5, 1.0, 2.5, 4.0, 5.0]), np.where).tolist() == [-1, 0, -1, 1, -1]
    for wrong in ((high, low), (low, network("high"))):
        write_sidecar(bundle, sidecar(*wrong))
        with pytest.raises(RunFolderError, match="expected them in ascending order"):
            read_sidecar(bundle)


def test_central_values_say_which_one_is_the_energy():
    """Breaks when a user feeds 0 for the momentum along the beam, because the sidecar does not say that it is E."""
    assert central_values(get_detector("lhcb")) == (0.0, 0.0, None, 0.0, 0.0)


def test_words_say_which_energy_a_user_feeds():
    """Breaks when a momentum is fed as kinetic energy: at 256 MeV a pion's is 152 MeV."""
    assert "kinetic energy of the incident particle" in incident_energy_words(PHOTON)
    words = incident_energy_words(get_detector("pion"))
    assert "momentum p" in words
    assert f"m = {get_detector('pion').mass_mev:g} MeV" in words


def test_words_name_the_response_and_the_attributes_where_there_are_some():
    """Breaks when a program divides by kin alone although the network was trained on shares of the response."""
    plain, response = LAW, KineticNormalisation(0.0, 256.0, 65536.0, response=((1.0, 0.5), (2.0, 0.6)))
    assert ["mean response" in law.output_words()[0] for law in (plain, response)] == [False, True]
    calogan = get_detector("calogan")
    alone, all_of_them = (GevNormalisation(0.0, 1e3, 1e5, condition_size=size) for size in (1, 5))
    assert alone.condition_words(calogan.attributes)[0] == ("kinetic_energy_gev",)
    assert all_of_them.condition_words(calogan.attributes)[0] == ("kinetic_energy_gev", *calogan.attributes)


def test_the_card_says_what_the_bundle_is(tmp_path):
    """Breaks when the card is cut short, or a report on quantisation is not linked."""
    (tmp_path / "quantisation_int8.md").write_text("x")
    row = {"network": "generator", "format": "onnx", "file": "model.onnx", "batch": None}
    row |= {"largest_deviation_over_largest_output": 2e-7, "relative_change_of_total_energy": -1e-8}
    write_card(tmp_path, sidecar(network()), {"showers": 100, "files": [row]})
    lines = (tmp_path / "card.md").read_text().splitlines()
    assert lines[0] == "# toy: gamma showers in the photon detector"
    assert "| generator | onnx | model.onnx | any | 2.0e-07 | -1.0e-08 |" in lines
    assert lines[-1] == "* What quantisation changes: [quantisation_int8.md](quantisation_int8.md)."


def test_a_bundle_appears_as_a_whole(tmp_path):
    """Breaks when a failed export leaves files behind, or deletes an earlier bundle."""
    out = tmp_path / "bundle"
    with bundle_folder(out, force=False) as folder:
        write_sidecar(folder, sidecar(network()))
    before = (out / "sidecar.json").read_bytes()
    with pytest.raises(RunFolderError, match="--force"), bundle_folder(out, force=False):
        pass
    with pytest.raises(KeyError), bundle_folder(out, force=True) as folder:  # noqa: PT012
        (folder / "half").write_text("")
        raise KeyError
    assert (out / "sidecar.json").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("")
    with pytest.raises(RunFolderError, match="no bundle"), bundle_folder(tmp_path / "mine", force=True):
        pass


@pytest.mark.parametrize(
    ("ends", "words"),
    [((None, 1e3), "to 1000 MeV"), ((1e3, None), "from 1000 MeV"), ((1e3, 8e3), "from 1000 MeV to 8000 MeV")],
)
def test_the_card_names_the_open_end_of_a_networks_energies(ends, words):
    """Breaks when an open end is written as the closed one, or the closed one as open."""
    lines = network_lines(network(energy_range=ends), ())
    assert lines[1] == f"* Makes incident energies {words} (the upper network has a shared edge)."


def test_the_card_names_the_law_of_the_latent():
    """Breaks when a user is told to draw normal numbers for a network that was trained on uniform ones."""
    uniform = dataclasses.replace(network(), latent=LatentLaw(size=5, law="uniform", low=-0.5, high=2.0))
    assert "* Latent: 5 numbers, uniform from -0.5 to 2." in network_lines(uniform, ())
    normal = dataclasses.replace(network(), latent=LatentLaw(size=4, mean=0.5, std=0.25))
    assert "* Latent: 4 numbers, normal, mean 0.5, standard deviation 0.25." in network_lines(normal, ())


def test_the_card_lists_reports_in_order_and_claims_no_gan(bundle):
    """Breaks when the card follows the order of the file system, or calls every generator that of a GAN."""
    kinds = ["int8", "dynamic", "int16x8", "fp16", "a", "z", "m"]
    for kind in kinds:
        (bundle / f"quantisation_{kind}.md").write_text("")
    write_card(bundle, read_sidecar(bundle), {"showers": 0, "files": []})
    card = (bundle / "card.md").read_text()
    places = [card.index(f"[quantisation_{kind}.md]") for kind in sorted(kinds)]
    assert places == sorted(places)
    assert "\nA generator, trained on nothing.  Paper: a paper.\n" in card


def test_an_empty_folder_is_free_for_a_bundle(tmp_path):
    """Breaks when an empty folder counts as one with files that are no bundle."""
    with bundle_folder(tmp_path, force=False) as folder:
        (folder / "sidecar.json").write_text("{}")
    assert [path.name for path in tmp_path.iterdir()] == ["sidecar.json"]


def test_the_formats_of_a_split_are_those_that_every_network_has():
    """Breaks when a format that one member lacks is offered."""
    file = (ModelFile("x", "0", 1),)
    members = (network("low", files={"onnx": file, "tflite": file}), network("high", files={"onnx": file}))
    assert sidecar(*members).formats == ("onnx",)
