"""Reference values of FPD and KPD from jetnet, for test_feature_distances.py; run once by hand, never by the tests.

jetnet brings PyTorch, so it has a separate environment:

    python3.11 -m venv /tmp/jetnet && /tmp/jetnet/bin/pip install jetnet==0.2.5 h5py
    .venv/bin/python tests/reference/make_jetnet_reference.py features /tmp/features.npz
    /tmp/jetnet/bin/python tests/reference/make_jetnet_reference.py jetnet /tmp/features.npz

The first step writes the inputs: random numbers, and the 30 high-level features of photon showers.  These are two
halves of the bundled EGSnrc sample, the second with its energies scaled by 1.02; each of the 8775 showers is taken
twice, for more than 10 000.  The second writes jetnet_reference.json beside this file; several seeds show how much the
values depend on the draws.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

RESULT = Path(__file__).with_name("jetnet_reference.json")
SEEDS = range(4)
# Least showers of the CaloChallenge; batches of jetnet's default size, half of the challenge's, to save time
FPD_LEAST, KPD_BATCH = 10_000, 5_000


def random_pair() -> tuple[np.ndarray, np.ndarray]:
    """Correlated Gaussians in 5 dimensions, 12 000 against 11 000, shifted by 0.1 and wider by 5 %."""
    rng = np.random.default_rng(20240711)
    mixing = np.eye(5) + 0.3 * np.tri(5)
    reference = rng.normal(size=(12_000, 5)) @ mixing
    return reference, 1.05 * rng.normal(size=(11_000, 5)) @ mixing + 0.1


def shower_pair() -> tuple[np.ndarray, np.ndarray]:
    """High-level features of EGSnrc photon showers, one half against the other scaled by 1.02."""
    from dataclasses import replace

    from calosim_tf.data.bundled import bundled_sample
    from calosim_tf.data.readers import read_showers
    from calosim_tf.data.schema import holdout_rows
    from calosim_tf.geometry import PHOTON
    from calosim_tf.physics.observables.energies import group_energies
    from calosim_tf.physics.observables.high_level_features import high_level_features
    from calosim_tf.physics.observables.sample import Sample

    showers = read_showers(bundled_sample("photon"), PHOTON)
    half = holdout_rows(showers.incident_energy_mev, 0.5)
    scaled = showers.take(~half)
    pair = (showers.take(half), replace(scaled, showers_mev=np.float32(1.02) * scaled.showers_mev))
    groups = group_energies(showers.incident_energy_mev)
    return tuple(np.tile(high_level_features(Sample.measure(part, groups))[0], (2, 1)) for part in pair)


def write_features(path: str) -> None:
    """Both pairs, for the other environment."""
    arrays = {}
    for name, pair in (("random", random_pair()), ("showers", shower_pair())):
        arrays |= {f"{name}_reference": pair[0], f"{name}_evaluated": pair[1]}
    np.savez_compressed(path, **arrays)


def write_reference(path: str) -> None:
    """FPD and KPD of jetnet for several seeds."""
    from importlib.metadata import version

    from jetnet.evaluation import fpd, kpd

    found = {"jetnet": version("jetnet"), "numpy": version("numpy"), "seeds": list(SEEDS)}
    found |= {"fpd_least": FPD_LEAST, "kpd_batch": KPD_BATCH}
    with np.load(path) as arrays:
        for name in ("random", "showers"):
            pair = (arrays[f"{name}_reference"], arrays[f"{name}_evaluated"])
            values = {
                "fpd": [fpd(*pair, min_samples=FPD_LEAST, seed=seed) for seed in SEEDS],
                "kpd": [kpd(*pair, batch_size=KPD_BATCH, seed=seed) for seed in SEEDS],
            }
            found[name] = {metric: [[float(x) for x in row] for row in rows] for metric, rows in values.items()}
            found[name]["n"] = [len(part) for part in pair]
    RESULT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    {"features": write_features, "jetnet": write_reference}[sys.argv[1]](sys.argv[2])
