"""Samples at their small ends: nothing generated but empty showers, a single incident energy, a single shower."""

import json
import re
import shutil

import h5py
import numpy as np
import pytest

from calosim_tf.data.bundled import bundled_sample

DEPOSITS = {
    "photon": ("showers",),
    "lhcb": ("EnergyDeposit",),
    "calogan": ("layer_0", "layer_1", "layer_2"),
    "clic": ("ECAL",),
}
ENERGY_OF = {
    "photon": lambda arrays: arrays["incident_energies"][:, 0],
    "lhcb": lambda arrays: np.linalg.norm(arrays["ParticleMomentum"], axis=1),
    "calogan": lambda arrays: arrays["energy"][:, 0],
    "clic": lambda arrays: arrays["target"][:, 1],
}
NOT_NUMBERS = re.compile(r"\b(nan|inf|infinity)\b", re.IGNORECASE)


@pytest.fixture(scope="session")
def few(tmp_path_factory):
    """``few(detector, first, stop, kind)``: rows of the bundled sample; ``empty``, or all of the energy of one."""
    folder = tmp_path_factory.mktemp("few")

    def write(detector, first, stop, kind="plain"):
        path = folder / f"{detector}_{first}_{stop}_{kind}.hdf5"
        if path.exists():
            return path
        with h5py.File(bundled_sample(detector)) as sample:
            arrays = {name: sample[name][first:stop] for name in sample}
            particle = {name: sample[name][:1] for name in sample if name not in DEPOSITS[detector]}
            attributes = dict(sample.attrs)
        if kind == "one_energy":
            scale = (ENERGY_OF[detector](particle) / ENERGY_OF[detector](arrays)).astype("f4")
            for name in DEPOSITS[detector]:
                arrays[name] = arrays[name] * scale.reshape(-1, *[1] * (arrays[name].ndim - 1))
            arrays |= {name: np.repeat(value, stop - first, axis=0) for name, value in particle.items()}
        if kind == "empty":
            arrays |= {name: np.zeros_like(arrays[name]) for name in DEPOSITS[detector]}
        with h5py.File(path, "w") as file:
            for name, values in arrays.items():
                file[name] = values
            file.attrs.update(attributes)
        return path

    return write


def the_report(folder):
    """``metrics.json``, in which every number that is missing has its reason."""
    text = (folder / "metrics.json").read_text()
    document = json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} in metrics.json"))
    without_reason = [
        (scope, name, key)
        for scope, entries in [("all", document["metrics"]), *document["per_energy"].items()]
        for name, entry in entries.items()
        for key, reason in (
            ("value", "reason"), ("reference_vs_reference", "reference_vs_reference_reason"),
        )
        if entry[key] is None and not entry.get(reason)
    ]  # fmt: skip
    assert not without_reason, without_reason[:12]
    no_word_of_it(folder / "report.html")
    return document


def no_word_of_it(path):
    """nan and inf are nowhere in the words of a page."""
    page = re.sub(r"base64,[^\"']*|<script.*?</script>|<style.*?</style>", "", path.read_text(), flags=re.DOTALL)
    assert not NOT_NUMBERS.search(page)


def ended_well(process):
    """Exit 0 and not a word of trouble."""
    assert process.returncode == 0, process.stderr
    assert not re.search("Traceback|Warning", process.stderr), process.stderr
    assert not NOT_NUMBERS.search(process.stdout + process.stderr), process.stdout + process.stderr


def refused(process, *words):
    """Exit 2 and one line."""
    assert process.returncode == 2, process.stderr
    assert process.stderr.count("\n") == 1, process.stderr
    for word in words:
        assert word in process.stderr


@pytest.mark.parametrize(
    ("detector", "kind"), [*((name, "empty") for name in DEPOSITS), ("photon", "one_energy"), ("clic", "one_energy")]
)
def test_evaluate_of_empty_showers_and_of_one_energy(calosim, few, tmp_path, detector, kind):
    """Breaks if a number is missing without its reason, nan or inf is printed, or a picture cannot be drawn."""
    generated, reference = {
        "empty": (few(detector, 0, 40, "empty"), few(detector, 0, 40)),
        "one_energy": (few(detector, 0, 40, "one_energy"), few(detector, 40, 80, "one_energy")),
    }[kind]
    out = tmp_path / "report"
    ended_well(calosim("evaluate", generated, "--reference", reference, "--detector", detector, "--out", out))
    document = the_report(out)
    assert (document["metrics"]["response_mean"]["value"] == 0.0) == (kind == "empty")
    again = shutil.copytree(out, tmp_path / "again")
    ended_well(calosim("compare", out, again / "metrics.json", "--out", tmp_path / "compared"))
    no_word_of_it(tmp_path / "compared" / "report.html")


def test_one_generated_shower_is_measured(calosim, few, tmp_path):
    """Breaks if one shower ends an evaluation in a traceback, or widths of one are shown as nan."""
    out = tmp_path / "report"
    generated, reference = few("photon", 0, 1, "one_energy"), few("photon", 0, 40, "one_energy")
    ended_well(calosim("evaluate", generated, "--reference", reference, "--out", out))
    the_report(out)


def test_one_reference_shower_is_refused_in_one_line(calosim, few, tmp_path):
    """Breaks if a reference that cannot be halved ends in a traceback, after a run has generated for it."""
    one = few("photon", 0, 1)
    for generated in (one, "pretrained:photon"):
        process = calosim("evaluate", generated, "--reference", one, "--out", tmp_path / "report")
        refused(process, "a single shower", "add showers")
        assert not (tmp_path / "report").exists()


@pytest.mark.parametrize("kind", ["plain", "empty", "one_energy"])
def test_generate_like_a_file_of_one_shower(calosim, few, tmp_path, kind):
    """Breaks if a batch of one, or a file whose showers are empty, is not enough to take energies from."""
    like, out = few("photon", 0, 1, kind), tmp_path / "made.hdf5"
    ended_well(calosim("generate", "pretrained:photon", "--like", like, "--out", out))
    with h5py.File(out) as made, h5py.File(like) as wanted:
        assert made["showers"].shape == (1, 368)
        assert made["incident_energies"][0, 0] == wanted["incident_energies"][0, 0]


def test_data_check_at_the_small_ends(calosim, few):
    """Breaks if one shower, or one energy, is taken for a fault, or empty showers are not."""
    for path in (few("photon", 0, 1), few("photon", 0, 40, "one_energy")):
        ended_well(calosim("data", "check", path))
    refused(calosim("data", "check", few("photon", 0, 40, "empty")), "all 40 showers are empty")


@pytest.mark.parametrize(
    ("rows", "kind", "words"),
    [
        ((0, 1), "plain", "0.2 of 1 showers leaves 1 to train on and 0 to judge by"),
        ((0, 40), "empty", "all 40 showers are empty"),
        ((0, 40), "one_energy", "holds the single kinetic energy"),
    ],
)
def test_training_on_them_is_refused_in_one_line(calosim, few, tmp_path, tiny_settings, rows, kind, words):
    """Breaks if training starts on what it cannot learn from, or ends in a traceback."""
    process = calosim(
        "train", "photon", "--data", few("photon", *rows, kind), "--iterations", 4, "--out", tmp_path / "run",
        *tiny_settings,
    )  # fmt: skip
    refused(process, words)


def test_an_export_is_judged_by_one_shower_or_says_that_it_cannot(calosim, few, finished_run, tmp_path):
    """Breaks if integer formats, which are compared with Monte Carlo, die of a reference of one shower."""
    for kind in ("plain", "one_energy"):
        process = calosim(
            "export", finished_run[0], "--format", "tflite_int8", "--batch", "1", "--draws", 16, "--events", 8,
            "--reference", few("photon", 0, 1 if kind == "plain" else 12, kind), "--out", tmp_path / kind,
        )  # fmt: skip
        ended_well(process)
