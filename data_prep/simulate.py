"""Parametrised showers: fast, without any Monte-Carlo transport (no TensorFlow).

A shower depends on the layout, the seed, the incident energies of the sample and its own position in it, and on nothing
else: not on how many showers are asked for at a time.  ``docs/simulator.md`` has the physics and a comparison.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from calosim_tf import __version__
from calosim_tf.data.writers import shower_writer
from calosim_tf.data_prep.layouts import Layout, get_layout
from calosim_tf.errors import ConfigError
from calosim_tf.progress import progress

# Showers of one stream of random numbers; part of what a seed means.
BLOCK_SHOWERS = 512
GENERATOR = f"parametrised showers (calosim_tf {__version__}), not Geant4, not experiment data"
SOURCE = "parametrised showers"

# Separates these random numbers from others drawn with the same seed.
_KEY_DOMAIN = 0x53_494D  # "SIM"
_ORDER_STREAM = 0
_SHOWER_STREAM = 1


def _philox(seed: int, stream: int, block: int) -> np.random.Philox:
    # The two upper counter words name the stream: streams are 2^128 draws apart and never meet.
    return np.random.Philox(key=[seed, _KEY_DOMAIN], counter=[0, 0, stream, block])


def events_per_energy(layout: Layout, n_events: int) -> dict[float, int]:
    """Incident energy (MeV) to events: the published proportions scaled to ``n_events``, by largest remainders."""
    energies = np.array(list(layout.events_at_mev))
    exact = np.array(list(layout.events_at_mev.values())) * (n_events / sum(layout.events_at_mev.values()))
    # rounded, so that the last bit of a quotient does not decide
    counts = np.floor(np.round(exact, 9)).astype(np.int64)
    by_remainder = np.argsort(counts - exact, kind="stable")
    counts[by_remainder[: n_events - counts.sum()]] += 1
    return dict(zip(energies.tolist(), counts.tolist(), strict=True))


def incident_energies_mev(layout: Layout, events: int | Mapping[float, int], seed: int) -> np.ndarray:
    """Incident energies of a sample in its shuffled order, shape (n,), MeV.

    Parameters
    ----------
    layout : Layout
    events : int or mapping of float to int
        Events in all, in the published proportions; or events at each incident energy (MeV).
    seed : int

    Raises
    ------
    ConfigError
        No events, an energy that is not above 0, or a seed that is not in [0, 2^64).
    """
    if not 0 <= seed < 2**64:
        raise ConfigError(f"seed {seed}: expected a number from 0 to 2^64 - 1")
    n_events = sum(events.values()) if isinstance(events, Mapping) else events
    if n_events < 1:
        raise ConfigError(f"{n_events} showers to simulate, expected at least one")
    counts = events if isinstance(events, Mapping) else events_per_energy(layout, n_events)
    if not all(0 < energy < np.inf for energy in counts):
        raise ConfigError(f"incident energies {list(counts)} MeV: expected numbers above 0")
    in_order = np.repeat(np.array(list(counts), dtype=np.float64), list(counts.values()))
    draws = _philox(seed, _ORDER_STREAM, 0).random_raw(len(in_order))
    return in_order[np.argsort(draws, kind="stable")]


def simulate(
    layout: str, events: int | Mapping[float, int], seed: int, start: int = 0, stop: int | None = None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Simulate showers, block by block.

    Parameters
    ----------
    layout : str
        ``photon`` or ``pion``.
    events : int or mapping of float to int
        Showers of the sample, in the published proportions of incident energies; or how many at each energy (MeV).
    seed : int
    start, stop : int
        Part of the sample to return, all of it if not given; the parts join to the same showers wherever they are cut.

    Yields
    ------
    ndarray, shape (m,), float64
        Incident energies, MeV (momenta for pions, as in the public files).
    ndarray, shape (m, n_voxels), float32
        Showers, MeV, file order; at most 512 at a time.

    Raises
    ------
    ConfigError
        Unknown layout, or what :func:`incident_energies_mev` raises.
    """
    model = get_layout(layout)
    incident = incident_energies_mev(model, events, seed)
    stop = len(incident) if stop is None else min(stop, len(incident))
    for block in range(start // BLOCK_SHOWERS, -(-stop // BLOCK_SHOWERS)):
        first = block * BLOCK_SHOWERS
        block_mev = incident[first : first + BLOCK_SHOWERS]
        showers = model.showers_mev(block_mev, np.random.Generator(_philox(seed, _SHOWER_STREAM, block)))
        wanted = slice(max(start - first, 0), stop - first)
        yield block_mev[wanted], showers[wanted].astype(np.float32)


def simulate_to_file(layout: str, out: Path, events: int, seed: int, overwrite: bool = False) -> None:
    """Simulate a sample in the published proportions of incident energies and write it in the CaloChallenge layout.

    Parameters
    ----------
    layout : str
        ``photon`` or ``pion``.
    out : Path
        HDF5 file; it appears when it is complete.
    events : int
    seed : int
    overwrite : bool
        Replace an existing file.

    Raises
    ------
    ConfigError
        As :func:`simulate`, or the file exists, or its folder does not.
    DataError
        The file cannot be written.
    """
    model = get_layout(layout)
    incident_energies_mev(model, events, seed)  # refuses bad arguments before a file is begun
    attributes = {
        "generator": GENERATOR,
        "source": SOURCE,
        "layout": layout,
        "particle": model.detector.particle,
        "parametrisation": f"{layout} {model.version}",
        "geometry": model.description,
        "seed": np.uint64(seed),
        # the distributions of numpy's generators may change between its versions
        "numpy": np.__version__,
    }
    with shower_writer(out, model.detector, events, attributes=attributes, overwrite=overwrite) as writer:
        blocks = simulate(layout, events, seed)
        for incident_mev, showers_mev in progress(blocks, -(-events // BLOCK_SHOWERS), f"simulating {layout}"):
            writer.append(incident_mev, showers_mev)
