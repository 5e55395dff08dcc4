"""CSV to HDF5 and npz to HDF5 and back: the same numbers at the same places, or one clear error and no file."""

from __future__ import annotations

import zipfile

import h5py
import numpy as np
import pytest

from calosim_tf.data.readers import read_showers
from calosim_tf.data_prep import convert_csv
from calosim_tf.data_prep.convert import convert
from calosim_tf.errors import ConfigError, DataError
from calosim_tf.geometry import PHOTON


@pytest.fixture
def write_csv(tmp_path):
    """``write_csv(rows, name=)``: numbers with full precision, or text as it is."""

    def write(rows, name="pid22_E1024_eta_20_25_voxalisation.csv"):
        path = tmp_path / name
        if isinstance(rows, str):
            path.write_text(rows)
        else:
            path.write_text("".join(",".join(map(repr, map(float, row))) + "\n" for row in rows))
        return path

    return write


def showers_of(n, energy=1024.0, seed=0):
    """Made-up voxels, shape (n, 368), MeV, that add up to about 0.9 of the energy."""
    voxels = np.random.default_rng(seed).gamma(0.3, 1.0, (n, 368))
    return voxels * (0.9 * energy / voxels.sum(axis=1, keepdims=True))


def test_open_data_rows_arrive_unchanged(write_csv, tmp_path, monkeypatch):
    """Breaks if a row or column moves or a number changes by more than float32, over several blocks."""
    monkeypatch.setattr(convert_csv, "BLOCK_ROWS", 7)
    expected = showers_of(30)
    done = convert([write_csv(expected)], "photon", tmp_path / "out.hdf5")
    assert (done.events, done.notes) == (30, ())
    showers = read_showers(tmp_path / "out.hdf5", PHOTON)
    np.testing.assert_array_equal(showers.incident_energy_mev, 1024.0)
    np.testing.assert_array_equal(showers.showers_mev, expected.astype(np.float32))
    with h5py.File(tmp_path / "out.hdf5") as file:
        assert (file["showers"].attrs["units"], file.attrs["particle"]) == ("MeV", "gamma")


@pytest.mark.parametrize("separator", [";", "; ", "\t", " ", ","])
@pytest.mark.parametrize("end", ["", "separator"])
@pytest.mark.parametrize("production", [False, True])
def test_other_separators_and_one_at_the_end_are_read(write_csv, tmp_path, separator, end, production):
    """Breaks if tables of other programs and locales are refused or give another number of voxels."""
    rows = showers_of(5)
    if production:
        rows = np.concatenate([np.full((5, 2), 0.1), rows[:, PHOTON.reorder_index("alpha_fastest")]], axis=1)
    end = separator.strip(" ") or separator if end else ""
    text = "".join(separator.join(map(repr, map(float, row))) + end + "\n" for row in rows)
    convert([write_csv(text)], "photon", tmp_path / "out.hdf5")
    found = read_showers(tmp_path / "out.hdf5", PHOTON).showers_mev
    np.testing.assert_array_equal(found, showers_of(5).astype(np.float32))


def test_quoted_numbers_are_read(write_csv, tmp_path):
    """Breaks if the numbers that R quotes are words."""
    text = "".join(",".join(f'"{value!r}"' for value in map(float, row)) + "\n" for row in showers_of(5))
    convert([write_csv(text)], "photon", tmp_path / "out.hdf5")
    found = read_showers(tmp_path / "out.hdf5", PHOTON).showers_mev
    np.testing.assert_array_equal(found, showers_of(5).astype(np.float32))


@pytest.mark.parametrize(
    ("first", "encoding", "words"),
    [
        ("# made by hand\n", "utf-8", "begins with '# made by hand', expected numbers: remove the header lines"),
        (",".join(f"v{i}" for i in range(368)) + "\n", "utf-8", "begins with 'v0,v1,v2"),
        ("", "utf-16", "is UTF-16 text or no text, expected UTF-8: iconv"),
    ],
)
def test_header_lines_and_other_encodings_are_named(write_csv, tmp_path, first, encoding, words):
    """Breaks if the message counts columns where a line of words or the encoding is the cause."""
    path = write_csv(showers_of(5))
    path.write_text(first + path.read_text(), encoding=encoding)
    with pytest.raises(DataError, match=words):
        convert([path], "photon", tmp_path / "out.hdf5")


@pytest.mark.parametrize("separator", ["; ", "\t", " ", ","])
def test_decimal_commas_are_named(write_csv, tmp_path, separator):
    """Breaks if the message counts columns where the locale of the program that wrote them is the cause."""
    text = "".join(separator.join(f"{v:.4f}".replace(".", ",") for v in row) + "\n" for row in showers_of(5))
    with pytest.raises(DataError, match="decimal commas") as caught:
        convert([write_csv(text)], "photon", tmp_path / "out.hdf5")
    assert "decimal points" in str(caught.value)
    assert not (tmp_path / "out.hdf5").exists()


def test_production_rows_are_reordered(write_csv, tmp_path):
    """Breaks if position columns become voxels, or the angle stays the fastest index."""
    rows = np.empty((2, 370))
    rows[:, :2] = 0.013, 0.222
    expected = np.empty(368)
    column = 2
    for layer in PHOTON.layers:  # r outside, angle inside
        first = PHOTON.layer_slices[layer.layer_id].start
        for r in range(layer.n_r):
            for alpha in range(layer.n_alpha):
                rows[:, column] = layer.layer_id + 0.1 * r + 0.001 * alpha
                expected[first + alpha * layer.n_r + r] = rows[0, column]
                column += 1
    done = convert([write_csv(rows)], "photon", tmp_path / "out.hdf5")
    showers = read_showers(tmp_path / "out.hdf5", PHOTON).showers_mev
    np.testing.assert_array_equal(showers, [expected.astype(np.float32)] * 2)
    assert "reordered" in done.notes[0]


def test_empty_fields_of_production_files_are_zero(write_csv, tmp_path):
    """Breaks if files of the production, where empty means 0, cannot be read."""
    rows = showers_of(3)
    lines = ["0.1,0.2," + ",".join(map(str, row)) for row in rows]
    lines[1] = "0.1,0.2,," + ",".join(map(str, rows[1, 1:-1])) + ","
    done = convert([write_csv("\n".join(lines))], "photon", tmp_path / "out.hdf5")
    showers = read_showers(tmp_path / "out.hdf5", PHOTON).showers_mev
    np.testing.assert_allclose(showers[1].sum(), rows[1, 1:-1].sum(), rtol=1e-6)
    np.testing.assert_allclose(showers[2].sum(), rows[2].sum(), rtol=1e-6)
    assert done.notes[0] == "2 empty fields taken as zero"


def test_negative_voxels_are_set_to_zero_and_counted(write_csv, tmp_path):
    """Breaks if the open data, whose voxels can be slightly negative, gives a file that readers refuse."""
    rows = showers_of(4)
    rows[1, 5], rows[3, 300] = -0.25, -0.001
    done = convert([write_csv(rows)], "photon", tmp_path / "out.hdf5")
    showers = read_showers(tmp_path / "out.hdf5", PHOTON).showers_mev
    assert showers[1, 5] == showers[3, 300] == 0
    assert done.notes == ("2 negative voxels set to zero (lowest -0.25 MeV)",)


def test_files_of_several_energies_are_mixed(write_csv, tmp_path, monkeypatch):
    """Breaks if showers meet the energy of another file, get lost, stay sorted, or the bytes differ next time."""
    monkeypatch.setattr(convert_csv, "BLOCK_ROWS", 16)
    energies = (256, 1024, 65536)
    sets = {energy: showers_of(20 + energy % 7, energy, seed=energy) for energy in energies}
    files = [write_csv(rows, f"pid22_E{energy}_eta_20_25_voxalisation.csv") for energy, rows in sets.items()]
    convert(files, "photon", tmp_path / "out.hdf5")
    showers = read_showers(tmp_path / "out.hdf5", PHOTON)
    for energy, rows in sets.items():
        of_energy = showers.showers_mev[showers.incident_energy_mev == energy]
        np.testing.assert_array_equal(of_energy, rows.astype(np.float32))
    assert set(showers.incident_energy_mev[:20]) == set(energies)
    convert(files, "photon", tmp_path / "again.hdf5")
    assert (tmp_path / "again.hdf5").read_bytes() == (tmp_path / "out.hdf5").read_bytes()


def test_memory_is_bounded_by_the_block(write_csv, monkeypatch, tmp_path):
    """Breaks if a file is parsed as a whole: the open data has 10 000 lines and more per file."""
    monkeypatch.setattr(convert_csv, "BLOCK_ROWS", 8)
    parsed = []
    loadtxt = np.loadtxt
    monkeypatch.setattr(np, "loadtxt", lambda lines, **options: parsed.append(len(lines)) or loadtxt(lines, **options))
    convert([write_csv(showers_of(50))], "photon", tmp_path / "out.hdf5")
    assert (max(parsed), sum(parsed)) == (8, 50)


def with_field(field, line=2, column=10):
    lines = [",".join(map(str, row)) for row in showers_of(4)]
    fields = lines[line - 1].split(",")
    fields[column - 1] = field
    lines[line - 1] = ",".join(fields)
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (with_field("1.5e"), r"line 2, column 10 is '1.5e', expected a number"),
        (with_field(""), r"line 2, column 10 is '', expected a number"),
        (with_field("nan"), r"line 2, column 10 is nan, expected a finite number"),
        (with_field("1,2"), r"line 2 has 369 columns, expected 368"),
        (with_field("voxel", line=1), r"line 1, column 10 is 'voxel'.*header lines"),
        ("\n\n" + with_field("inf", line=3), r"line 5, column 10 is inf"),
        (with_field("7")[:-300], r"line 4 has \d+ columns, expected 368"),
        (showers_of(2)[:, :100], "100 columns, expected 368 voxels of photon .with 2 position columns: 370"),
        (showers_of(2) / 1000, "showers are in GeV but incident_energies in MeV"),
        ("", "holds no line"),
    ],
)
def test_bad_csv_is_one_error_and_no_file(write_csv, tmp_path, rows, words):
    """Breaks if a damaged or foreign file is converted, or the message does not say where it is wrong."""
    path = write_csv(rows)
    with pytest.raises(DataError, match=words) as caught:
        convert([path], "photon", tmp_path / "out.hdf5")
    assert path.name in str(caught.value)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_energy_is_from_the_name_or_the_option(write_csv, tmp_path):
    """Breaks if a number in the name that is no energy counts as one, or the option is ignored."""
    path = write_csv(showers_of(2), "Electrons_20_25.csv")
    with pytest.raises(ConfigError, match=r"does not say the incident energy.*--energy"):
        convert([path], "photon", tmp_path / "out.hdf5")
    convert([path], "photon", tmp_path / "out.hdf5", incident_energy_mev=1000.0)
    assert read_showers(tmp_path / "out.hdf5", PHOTON).incident_energy_mev.tolist() == [1000, 1000]


@pytest.mark.parametrize(
    ("names", "layout", "out", "words"),
    [
        (["a_E256.csv"], "photons", "out.hdf5", "no conversion of .csv to 'photons'.*voxel detectors are photon"),
        (["a_E256.csv"], "lhcb", "out.hdf5", "no conversion of .csv to 'lhcb'"),
        (["a.npz"], "photon", "out.hdf5", "no conversion of .npz to 'photon'"),
        (["a.npz", "b.npz"], "lhcb", "out.hdf5", "no conversion"),
        (["a.npz"], "lhcb", "out.npz", "expected a name that ends in .hdf5 or .h5"),
        (["a.hdf5"], "lhcb", "out.hdf5", "expected a name that ends in .npz"),
        (["a_E256.csv"], "photon", "out.csv", "expected a name that ends in .hdf5"),
        (["a_E256.csv", "a_E256.csv"], "photon", "out.hdf5", "given twice"),
        (["photon_samples.tgz"], "photon", "out.hdf5", "is packed; unpack it first"),
        (["absent_E256.csv"], "photon", "out.hdf5", r"absent_E256.csv: cannot be read \(no such file"),
        (["absent.npz"], "lhcb", "out.hdf5", "absent.npz: no such file"),
        (["absent.hdf5"], "lhcb", "out.npz", "absent.hdf5: no such file"),
    ],
)
def test_what_cannot_be_converted(tmp_path, names, layout, out, words):
    """Breaks if a wrong request ends in a traceback or a file."""
    with pytest.raises((ConfigError, DataError), match=words):
        convert([tmp_path / name for name in names], layout, tmp_path / out)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def lhcb_arrays():
    """Five events as the public converter writes them."""
    rng = np.random.default_rng(3)
    return {
        "EnergyDeposit": rng.gamma(0.1, 20.0, (5, 30, 30, 1)),
        "ParticleMomentum": rng.normal(0, 5, (5, 3)),
        "ParticlePoint": rng.normal(0, 2.7, (5, 3)).astype(np.float32),
        "ParticlePDG": np.array([11, 22, 11, 11, 22]),
    }


def test_lhcb_there_and_back(lhcb_arrays, tmp_path):
    """Breaks if a number, type or name changes on the way npz -> HDF5 -> npz."""
    np.savez(tmp_path / "a.npz", **lhcb_arrays, extra=np.ones(3))
    done = convert([tmp_path / "a.npz"], "lhcb", tmp_path / "b.hdf5")
    assert (done.events, done.notes) == (5, ("left out, as not part of the layout: extra",))
    with h5py.File(tmp_path / "b.hdf5") as file:
        units = {name: file[name].attrs["units"] for name in file}
    assert units == {
        "EnergyDeposit": "MeV",
        "ParticleMomentum": "GeV",
        "ParticlePoint": "cm",
        "ParticlePDG": "PDG code",
    }
    convert([tmp_path / "b.hdf5"], "lhcb", tmp_path / "c.npz")
    with np.load(tmp_path / "c.npz", allow_pickle=False) as back:
        assert set(back) == set(lhcb_arrays)
        for name, array in lhcb_arrays.items():
            assert back[name].dtype == array.dtype
            np.testing.assert_array_equal(back[name], array)


def test_lhcb_variants_become_the_one_shape(lhcb_arrays, tmp_path):
    """Breaks if the flat maps of the challenge files are not read, or cells move when they get their shape."""
    variants = lhcb_arrays | {
        "EnergyDeposit": lhcb_arrays["EnergyDeposit"].reshape(5, 900),
        "ParticlePoint": lhcb_arrays["ParticlePoint"][:, :2],
        "ParticlePDG": lhcb_arrays["ParticlePDG"][:, None],
    }
    np.savez(tmp_path / "a.npz", **variants)
    convert([tmp_path / "a.npz"], "lhcb", tmp_path / "b.h5")
    with h5py.File(tmp_path / "b.h5") as file:
        np.testing.assert_array_equal(file["EnergyDeposit"][()], lhcb_arrays["EnergyDeposit"])
        assert file["ParticlePoint"].shape == (5, 2)
        assert file["ParticlePDG"].shape == (5,)


class Planted:
    """Unpickling this would make a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_pickles_are_not_opened(lhcb_arrays, tmp_path):
    """Breaks if a file from the net can run a program."""
    trap = np.array([Planted(tmp_path / "ran")] * 5, dtype=object)
    np.savez(tmp_path / "a.npz", **lhcb_arrays | {"ParticlePDG": trap})
    with pytest.raises(DataError, match=r"cannot be read as npz .*allow_pickle=False"):
        convert([tmp_path / "a.npz"], "lhcb", tmp_path / "b.hdf5")
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


def without(name):
    return lambda arrays: arrays.pop(name)


def with_array(name, change):
    return lambda arrays: arrays.update({name: change(arrays[name])})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (without("ParticleMomentum"), "no array 'ParticleMomentum'"),
        (with_array("EnergyDeposit", lambda a: a[:, :29]), r"shape \(5, 29, 30, 1\), expected \(5, 30, 30, 1\) or"),
        (with_array("ParticlePoint", lambda a: a[:4]), r"ParticlePoint has shape \(4, 3\), expected \(5, 3\)"),
        (with_array("EnergyDeposit", lambda a: a * np.nan), "EnergyDeposit of event 0 is not a finite number"),
        (with_array("ParticlePDG", lambda a: a.astype(str)), "ParticlePDG holds <U21, expected numbers"),
        (lambda arrays: arrays.update({name: a[:0] for name, a in arrays.items()}), "holds no events"),
    ],
)
@pytest.mark.parametrize("ending", ["npz", "hdf5"])
def test_bad_lhcb_arrays(lhcb_arrays, tmp_path, change, words, ending):
    """Breaks if arrays that do not match get through, in either direction."""
    change(lhcb_arrays)
    source, out = tmp_path / f"a.{ending}", tmp_path / ("b.hdf5" if ending == "npz" else "b.npz")
    if ending == "npz":
        np.savez(source, **lhcb_arrays)
    else:
        words = words.replace("<U21", "object")
        with h5py.File(source, "w") as file:
            for name, array in lhcb_arrays.items():
                file[name] = array.astype(object) if array.dtype.kind == "U" else array
    with pytest.raises(DataError, match=words):
        convert([source], "lhcb", out)
    assert not out.exists()


def test_damaged_npz(lhcb_arrays, tmp_path):
    """Breaks if a cut archive, a flipped byte, a bare array or a foreign member ends in a traceback."""
    path, out = tmp_path / "a.npz", tmp_path / "b.hdf5"
    np.savez_compressed(path, **lhcb_arrays)
    sound = path.read_bytes()
    flipped = bytearray(sound)
    flipped[len(sound) // 2] ^= 0xFF
    np.save(tmp_path / "bare.npy", lhcb_arrays["EnergyDeposit"])
    for content in (sound[:2000], bytes(flipped), (tmp_path / "bare.npy").read_bytes(), b""):
        path.write_bytes(content)
        with pytest.raises(DataError, match="npz"):
            convert([path], "lhcb", out)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("EnergyDeposit", b"not an array")
    with pytest.raises(DataError, match="no array 'ParticleMomentum'"):
        convert([path], "lhcb", out)
    assert not out.exists()


def test_existing_files_are_kept_unless_forced(lhcb_arrays, write_csv, tmp_path):
    """Breaks if a conversion overwrites without being told to, or not when told to."""
    np.savez(tmp_path / "a.npz", **lhcb_arrays)
    out = tmp_path / "b.hdf5"
    out.write_text("precious")
    for files, layout in (([tmp_path / "a.npz"], "lhcb"), ([write_csv(showers_of(2))], "photon")):
        with pytest.raises(ConfigError, match="exists already"):
            convert(files, layout, out)
        assert out.read_text() == "precious"
    assert convert([tmp_path / "a.npz"], "lhcb", out, overwrite=True).events == 5
    with pytest.raises(ConfigError, match=r"folder .* does not exist"):
        convert([tmp_path / "a.npz"], "lhcb", tmp_path / "no" / "b.hdf5")


def test_full_disk(lhcb_arrays, tmp_path, monkeypatch):
    """Breaks if a full disk ends in a crash of HDF5, or leaves half a file."""
    np.savez(tmp_path / "a.npz", **lhcb_arrays)

    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("calosim_tf.data.hdf5.PatientFile._write_all", full)
    with pytest.raises(DataError, match=r"b.hdf5: cannot be written \(no space left on device\)"):
        convert([tmp_path / "a.npz"], "lhcb", tmp_path / "b.hdf5")
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]
