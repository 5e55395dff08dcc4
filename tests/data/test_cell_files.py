"""Layouts of LHCb, CaloGAN and 3DGAN: every voxel, unit and angle of what is read, against explicit index loops."""

from __future__ import annotations

import subprocess
import sys

import h5py
import numpy as np
import pytest

from calosim_tf.data import source as source_module
from calosim_tf.data.checks import check_report
from calosim_tf.data.readers import open_shower_file, read_incident_particles, read_showers
from calosim_tf.data.source import load_source
from calosim_tf.geometry import get_detector

LHCB, CALOGAN, CENTRAL, CLIC, CLIC_ANGLE = map(
    get_detector, ("lhcb", "calogan", "calogan_central", "clic", "clic_angle")
)
LHCB_SHAPES = {"channel": (30, 30, 1), "picture": (30, 30), "flat": (900,)}
ANGLES = ("x0", "y0", "px", "py", "pz")


def in_rows_of_y(pictures: np.ndarray) -> np.ndarray:
    """Voxels of images [event, y, x], one by one."""
    voxels = np.empty((len(pictures), 900), dtype="f4")
    for y in range(30):
        for x in range(30):
            voxels[:, 30 * y + x] = pictures[:, y, x]
    return voxels


def in_layers(cubes: np.ndarray) -> np.ndarray:
    """Voxels of cubes [event, x, y, z]: z slowest, then x, then y."""
    n, n_x, n_y, n_z = cubes.shape
    voxels = np.empty((n, n_x * n_y * n_z), dtype="f4")
    for z in range(n_z):
        for x in range(n_x):
            first = (z * n_x + x) * n_y
            voxels[:, first : first + n_y] = cubes[:, x, :, z]
    return voxels


def calogan_voxels(arrays: dict[str, np.ndarray]) -> np.ndarray:
    voxels = np.empty((len(arrays["energy"]), 504), dtype="f4")
    for name, first, rows, columns in (("layer_0", 0, 3, 96), ("layer_1", 288, 12, 12), ("layer_2", 432, 12, 6)):
        for row in range(rows):
            for column in range(columns):
                voxels[:, first + columns * row + column] = arrays[name][:, row, column]
    return voxels


def without(arrays: dict[str, np.ndarray], *names: str) -> dict[str, np.ndarray]:
    return {name: values for name, values in arrays.items() if name not in names}


@pytest.mark.parametrize("axes", ["yx", "xy"])
@pytest.mark.parametrize("shape", LHCB_SHAPES)
@pytest.mark.parametrize("ending", ["npz", "hdf5"])
def test_lhcb_in_all_its_shapes(cells, store, tmp_path, ending, shape, axes):
    """Breaks if a shape of the public files is refused, or x and y are exchanged in one of them."""
    arrays = cells("lhcb", 200)
    pictures = arrays["EnergyDeposit"][..., 0]
    in_file = pictures if axes == "yx" else pictures.transpose(0, 2, 1)
    stored = arrays | {"EnergyDeposit": in_file.reshape(200, *LHCB_SHAPES[shape])}
    if shape == "flat":
        stored |= {"ParticlePDG": arrays["ParticlePDG"][:, None], "ParticlePoint": arrays["ParticlePoint"][:, :2]}
    showers = read_showers(store(tmp_path / f"a.{ending}", stored), LHCB)
    np.testing.assert_array_equal(showers.showers_mev, in_rows_of_y(pictures))
    momentum = arrays["ParticleMomentum"].astype("f8")
    np.testing.assert_allclose(showers.incident_energy_mev, 1e3 * np.sqrt((momentum**2).sum(axis=1)), rtol=1e-12)
    np.testing.assert_array_equal(showers.attributes[:, :3], momentum)
    np.testing.assert_array_equal(showers.attributes[:, 3:], arrays["ParticlePoint"][:, :2])


@pytest.mark.parametrize("layout", ["lhcb", "lhcb_xy", "lhcb_yx"])
@pytest.mark.parametrize("said", ["xy", "yx"])
def test_what_a_file_says_of_its_axes_holds(cells, store, tmp_path, layout, said):
    """Breaks if the layout of the experiment transposes the images of a file that says what its axes count."""
    arrays = cells("lhcb", 8)
    pictures = arrays["EnergyDeposit"][..., 0]
    as_said = pictures.transpose(0, 2, 1) if said == "xy" else pictures
    expected = in_rows_of_y(pictures)
    path = store(tmp_path / "a.hdf5", arrays | {"EnergyDeposit": as_said}, {"axes": said})
    np.testing.assert_array_equal(read_showers(path, get_detector(layout)).showers_mev, expected)
    path = store(tmp_path / "a.npz", arrays | {"EnergyDeposit": as_said, "axes": np.array(said)})
    np.testing.assert_array_equal(read_showers(path, get_detector(layout)).showers_mev, expected)


def test_axes_of_few_showers_are_not_guessed(cells, store, tmp_path):
    """Breaks if eight showers decide by chance, or the layouts set by hand do nothing for files that do not say."""
    arrays = cells("lhcb", 8)
    pictures = arrays["EnergyDeposit"][..., 0]
    path = store(tmp_path / "a.npz", arrays)
    np.testing.assert_array_equal(read_showers(path, LHCB).showers_mev, in_rows_of_y(pictures))
    np.testing.assert_array_equal(read_showers(path, get_detector("lhcb_yx")).showers_mev, in_rows_of_y(pictures))
    turned = in_rows_of_y(pictures.transpose(0, 2, 1))
    np.testing.assert_array_equal(read_showers(path, get_detector("lhcb_xy")).showers_mev, turned)


def test_blocks_are_whole_chunks_of_the_file(tmp_path, cells, store, monkeypatch):
    """Breaks if every chunk is unpacked many times, or blocks of 10 rows become blocks of 70: 14 hold two chunks."""
    arrays = cells("calogan", 10)
    layers = {name: values for name, values in arrays.items() if name.startswith("layer_")}
    path = store(tmp_path / "a.hdf5", {name: values for name, values in arrays.items() if name not in layers})
    with h5py.File(path, "a") as file:
        for name, values in layers.items():
            file.create_dataset(name, data=values, chunks=(7, *values.shape[1:]))
    monkeypatch.setattr("calosim_tf.data.shower_file.BLOCK_BYTES", 10 * 504 * 4)
    with open_shower_file(path) as file:
        assert (file.chunk_rows, file.block_rows) == (7, 14)


def test_lhcb_compression_is_that_of_the_file(cells, store, tmp_path):
    """Breaks if ``data check`` says gzip whatever the file is."""
    arrays = cells("lhcb", 4)
    plain, packed = store(tmp_path / "a.hdf5", arrays), store(tmp_path / "b.hdf5", arrays, compression="gzip")
    for path, expected in ((plain, None), (packed, "gzip"), (store(tmp_path / "c.npz", arrays), "npz")):
        with open_shower_file(path) as file:
            assert (file.layout, file.compression) == ("LHCb npz or HDF5", expected)


@pytest.mark.parametrize("layout", ["calogan", "ecal", "ecal_angle", "ilc", "jet_image"])
def test_compression_is_that_of_the_cells(cells, store, tmp_path, layout):
    """Breaks if ``data check`` says nothing of how a file is packed."""
    arrays = cells(layout, 4)
    for options, expected in (({}, None), ({"compression": "gzip"}, "gzip")):
        with open_shower_file(store(tmp_path / f"{expected}.hdf5", arrays, **options)) as file:
            assert file.compression == expected


@pytest.mark.parametrize("layout", ["lhcb", "calogan", "ecal", "ecal_angle", "ilc", "jet_image"])
def test_rows_from_the_middle_are_those_of_the_whole(cells, store, tmp_path, layout):
    """Breaks if a block that does not begin with the first shower has another size or other showers."""
    with open_shower_file(store(tmp_path / "a.hdf5", cells(layout, 7), {"axes": "yx"})) as file:
        whole = file.read(0, 7)
        np.testing.assert_array_equal(file.read(3, 5), whole[3:5])
        out = np.empty((2, file.n_voxels), file.dtype)
        assert file.read(3, 5, out) is out
        np.testing.assert_array_equal(out, whole[3:5])


@pytest.mark.parametrize("column", [(1,), ()])
def test_calogan_of_variable_angle(cells, store, tmp_path, column):
    """Breaks if layers are joined in another order, energies stay in GeV or positions are lost."""
    arrays = cells("calogan", 50)
    stored = arrays | {name: arrays[name].reshape(50, *column) for name in (*ANGLES, "energy")}
    showers = read_showers(store(tmp_path / "a.hdf5", stored, compression="gzip"), CALOGAN)
    np.testing.assert_array_equal(showers.showers_mev, calogan_voxels(arrays))
    np.testing.assert_allclose(showers.incident_energy_mev, 1e3 * arrays["energy"][:, 0].astype("f8"), rtol=1e-12)
    np.testing.assert_array_equal(showers.attributes[:, 2], arrays["x0"][:, 0])
    np.testing.assert_array_equal(showers.attributes[:, 3], arrays["y0"][:, 0])


def test_calogan_angles_by_hand(cells, store, tmp_path):
    """Breaks if theta or phi follows another axis or sign: theta = arccos(py/p), phi = arctan(-px/pz)."""
    # |(-1, 2, 2)| = 3; the second is perpendicular; the third is along the diagonal of y and z
    momenta = np.array([[-1.0, 2.0, 2.0], [0.0, 0.0, 50.0], [0.0, 3.0, 3.0], [2.0, -1.0, 2.0]])
    arrays = cells("calogan", 4) | dict(zip(("px", "py", "pz"), momenta.T[..., None].astype("f4"), strict=True))
    attributes = read_showers(store(tmp_path / "a.hdf5", arrays), CALOGAN).attributes
    np.testing.assert_allclose(attributes[:, 0], [0.8410687, np.pi / 2, np.pi / 4, 1.9106332], rtol=1e-6)
    np.testing.assert_allclose(attributes[:, 1], [0.4636476, 0.0, 0.0, -np.pi / 4], rtol=1e-6, atol=1e-12)


def test_calogan_central_reads_both_kinds(cells, store, tmp_path):
    """Breaks if the original files need angles, or angles of newer files reach a detector without attributes."""
    arrays = cells("calogan", 20)
    original = store(tmp_path / "original.hdf5", without(arrays, *ANGLES))
    newer = store(tmp_path / "newer.hdf5", arrays)
    showers = read_showers([original, newer], CENTRAL)
    np.testing.assert_array_equal(showers.showers_mev, np.tile(calogan_voxels(arrays), (2, 1)))
    assert showers.attributes.shape == (40, 0)
    assert read_incident_particles(newer, CENTRAL)[1].shape == (20, 0)


def test_check_tells_the_calogan_detectors_apart(cells, store, tmp_path):
    """Breaks if ``data check`` names a detector that refuses the file, or fails on both kinds together."""
    arrays = cells("calogan", 20)
    original = store(tmp_path / "original.hdf5", without(arrays, *ANGLES))
    newer = store(tmp_path / "newer.hdf5", arrays)
    assert check_report(original)["detector"] == "calogan_central"
    report = check_report(newer)
    assert report["detector"] == "calogan"
    assert [row["attribute"] for row in report["particles"]] == ["theta_rad", "phi_rad", "x0_mm", "y0_mm"]
    assert report["particles"][2]["min"] == pytest.approx(arrays["x0"].min())
    both = check_report([newer, original])
    assert (both["detector"], both["particles"], both["events"]) == ("calogan_central", [], 40)


@pytest.mark.parametrize("energies", ["target", "target_with_axis", "energy", "energy_column"])
@pytest.mark.parametrize("channel", [(), (1,)])
def test_ecal_in_all_its_shapes(cells, store, tmp_path, energies, channel):
    """Breaks if one of the public shapes is refused, axes are exchanged, or GeV stay GeV."""
    arrays = cells("ecal", 6)
    cubes, target = arrays["ECAL"], arrays["target"]
    column = {
        "target": {"target": target},
        "target_with_axis": {"target": target[:, None, :]},
        "energy": {"energy": target[:, 1]},
        "energy_column": {"energy": target[:, 1:2]},
    }[energies]
    path = store(tmp_path / "a.hdf5", {"ECAL": cubes.reshape(*cubes.shape, *channel)} | column)
    showers = read_showers(path, CLIC)
    np.testing.assert_allclose(showers.showers_mev, 1e3 * in_layers(cubes), rtol=1e-6)
    np.testing.assert_allclose(showers.incident_energy_mev, 1e3 * target[:, 1].astype("f8"), rtol=1e-12)
    with open_shower_file(path) as file:
        assert file.layout == "3DGAN HDF5"


@pytest.mark.parametrize("name", ["theta", "mtheta"])
def test_ecal_of_variable_angle(cells, store, tmp_path, name):
    """Breaks if cells are not divided by 50, the measured angle is passed over, or the two cubes are mixed up."""
    arrays = cells("ecal_angle", 4)
    extra = {name: arrays["theta"]} | ({"theta": arrays["theta"] + 1} if name == "mtheta" else {})
    path = store(tmp_path / "a.h5", without(arrays, "theta") | extra)
    showers = read_showers(path, CLIC_ANGLE)
    np.testing.assert_allclose(showers.showers_mev, in_layers(arrays["ECAL"]) * 20.0, rtol=1e-6)
    np.testing.assert_array_equal(showers.attributes[:, 0], arrays["theta"])
    np.testing.assert_allclose(showers.incident_energy_mev, 1e3 * arrays["energy"].astype("f8"), rtol=1e-12)
    assert check_report(path)["detector"] == "clic_angle"


@pytest.mark.parametrize(("layout", "detector"), [("lhcb", LHCB), ("calogan", CALOGAN), ("ecal", CLIC)])
def test_several_files_follow_one_another(cells, store, tmp_path, layout, detector):
    """Breaks if showers, energies or attributes of several files are joined in different orders."""
    arrays = cells(layout, 30 if layout != "ecal" else 6)
    n = len(next(iter(arrays.values())))
    cut = n // 3
    parts = [{name: values[rows] for name, values in arrays.items()} for rows in (slice(0, cut), slice(cut, n))]
    paths = [store(tmp_path / f"{i}.hdf5", part, {"axes": "yx"}) for i, part in enumerate(parts)]
    whole = read_showers(store(tmp_path / "whole.hdf5", arrays, {"axes": "yx"}), detector)
    joined = read_showers(paths, detector)
    for name in ("showers_mev", "incident_energy_mev", "attributes"):
        np.testing.assert_array_equal(getattr(joined, name), getattr(whole, name))


@pytest.mark.parametrize(("layout", "detector", "events"), [("calogan", CALOGAN, 300), ("ecal", CLIC, 40)])
def test_streamed_rows_are_those_in_memory(cells, store, tmp_path, monkeypatch, layout, detector, events):
    """Breaks if rows of a layout move when it is streamed, or when an energy range is cut out of the stream."""
    monkeypatch.setattr(source_module, "MAX_BLOCK_BYTES", events // 8 * 4 * detector.n_voxels)
    paths = [store(tmp_path / f"{seed}.hdf5", cells(layout, events, seed), chunks=True) for seed in (1, 2)]
    in_memory, streamed = (load_source(paths, detector, memory_limit_bytes=limit) for limit in (None, 1))
    assert in_memory.in_memory
    assert not streamed.in_memory
    assert streamed.group_rows == streamed.block_rows == events // 8
    rows = np.random.default_rng(0).permutation(2 * events)
    np.testing.assert_array_equal(streamed.read(rows), in_memory.read(rows))
    np.testing.assert_array_equal(streamed.attributes, in_memory.attributes)
    low, low_in_memory = (source.within(None, 30_000.0) for source in (streamed, in_memory))
    np.testing.assert_array_equal(low.read(low.train_rows), low_in_memory.read(low_in_memory.train_rows))
    np.testing.assert_array_equal(low.attributes, low_in_memory.attributes)


MEMORY_SCRIPT = """
import sys
import numpy as np
from calosim_tf.data.cell_transforms import CubeNormalisation
from calosim_tf.data.batches.order import ShuffledRows
from calosim_tf.data.source import load_source
from calosim_tf.geometry import get_detector

def megabytes(key):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(key)) / 1024

load_source(sys.argv[1], get_detector("clic"))  # what libraries keep for themselves
before = megabytes("VmRSS")
source = load_source(sys.argv[2:], get_detector("clic"), memory_limit_bytes=30 * 2**20)
normalisation = CubeNormalisation(0.0, 1.0, 2.0, mask_mev=0.0)
order = ShuffledRows(len(source.train_rows), 1, source.group_rows, source.block_rows)
total = 0.0
for start in range(0, len(source.train_rows), 64):
    rows = source.train_rows[order.rows(start, min(64, len(source.train_rows) - start))]
    total += normalisation.to_network(source.read(rows), source.incident_energy_mev[rows]).sum(dtype=float)
total += source.total_energy_mev(source.holdout_rows).sum() / 1e3
print(total, megabytes("VmHWM") - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the memory of a process from /proc")
@pytest.mark.slow
def test_many_ecal_files_are_streamed_in_bounded_memory(tmp_path):
    """Breaks if streaming takes blocks of 4096 cubes (then 176 MiB), or every open file keeps a large cache (116).

    The 6 files of 300 showers hold 107 MiB; a pass takes 67 with a limit of 30, as two blocks are kept at least.
    """
    rng = np.random.default_rng(5)
    cubes = rng.uniform(0.0, 1.0, (300, 25, 25, 25)).astype("f4") * np.float32(0.02 * 30 / 7812)
    energy = rng.uniform(20.0, 40.0, 300).astype("f4")
    paths = [_write_cubes(tmp_path / f"{i}.h5", cubes, energy + i) for i in range(6)]
    few = _write_cubes(tmp_path / "few.h5", cubes[:16], energy[:16])
    command = [sys.executable, "-c", MEMORY_SCRIPT, *map(str, [few, *paths])]
    process = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    total_gev, extra_mib = map(float, process.stdout.split())
    # every shower was seen once
    assert total_gev == pytest.approx(6 * cubes.sum(dtype=float), rel=1e-4)
    assert extra_mib < 90


def _write_cubes(path, cubes, energy):
    with h5py.File(path, "w") as file:
        file.create_dataset("ECAL", data=cubes, chunks=(16, 25, 25, 25))
        file["energy"] = energy
    return path
