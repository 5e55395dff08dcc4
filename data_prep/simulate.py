"""Parametrised showers: fast, without any Monte-Carlo transport (no TensorFlow).

A shower depends on the layout, the seed, the incident particles of the sample and its own position in it, and on
nothing else: not on how many showers are requested at a time.  ``docs/simulator.md`` has the physics and a comparison.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from calosim_tf import __version__
from calosim_tf.data.schema import ShowerSet
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
_ENERGY_STREAM = 2
_ATTRIBUTE_STREAM = 3


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
    """Incident energies of a sample in its order, shape (n,), MeV.

    Parameters
    ----------
    layout : Layout
    events : int or mapping of float to int
        Events in all, in the published proportions or by the law of the beam; or events at each incident energy (MeV).
        Discrete energies are shuffled.
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
    if layout.beam is not None and not isinstance(events, Mapping):
        blocks = (layout.beam.energies_mev(BLOCK_SHOWERS, rng) for rng in _generators(seed, _ENERGY_STREAM, n_events))
        return np.concatenate(list(blocks))[:n_events]
    counts = events if isinstance(events, Mapping) else events_per_energy(layout, n_events)
    if not all(0 < energy < np.inf for energy in counts):
        raise ConfigError(f"incident energies {list(counts)} MeV: expected numbers above 0")
    in_order = np.repeat(np.array(list(counts), dtype=np.float64), list(counts.values()))
    draws = _philox(seed, _ORDER_STREAM, 0).random_raw(len(in_order))
    return in_order[np.argsort(draws, kind="stable")]


def incident_attributes(layout: Layout, incident_mev: np.ndarray, seed: int) -> np.ndarray:
    """Attributes of the incident particles of a sample, shape (n, attributes of the detector).

    Parameters
    ----------
    layout : Layout
    incident_mev : ndarray, shape (n,)
    seed : int
    """
    if layout.beam is None:
        return np.empty((len(incident_mev), 0))
    blocks = _generators(seed, _ATTRIBUTE_STREAM, len(incident_mev))
    starts = range(0, len(incident_mev), BLOCK_SHOWERS)
    parts = [
        layout.beam.attributes(incident_mev[start : start + BLOCK_SHOWERS], rng)
        for start, rng in zip(starts, blocks, strict=True)
    ]
    return np.concatenate(parts)


def _generators(seed: int, stream: int, n_events: int) -> Iterator[np.random.Generator]:
    """One per block of showers."""
    for block in range(-(-n_events // BLOCK_SHOWERS)):
        yield np.random.Generator(_philox(seed, stream, block))


def simulate(
    layout: str, events: int | Mapping[float, int], seed: int, start: int = 0, stop: int | None = None
) -> Iterator[ShowerSet]:
    """Simulate a sample, block by block.

    Parameters
    ----------
    layout : str
        One of ``calosim_tf.data_prep.layouts.LAYOUTS``.
    events : int or mapping of float to int
        Showers of the sample, in the published mix of incident energies; or how many at each energy (MeV).
    seed : int
    start, stop : int
        Part of the sample to return, all of it if not given; the parts join to the same showers wherever they are cut.

    Yields
    ------
    ShowerSet
        At most 512 showers, float32; energies (momenta for pions of data set 1, as in the public files) float64.

    Raises
    ------
    ConfigError
        Unknown layout, or what :func:`incident_energies_mev` raises.
    """
    model = get_layout(layout)
    incident = incident_energies_mev(model, events, seed)
    yield from simulate_particles(layout, incident, incident_attributes(model, incident, seed), seed, start, stop)


def simulate_particles(
    layout: str,
    incident_mev: np.ndarray,
    attributes: np.ndarray,
    seed: int,
    start: int = 0,
    stop: int | None = None,
) -> Iterator[ShowerSet]:
    """Simulate showers of given particles, block by block; yields as :func:`simulate`.

    Parameters
    ----------
    layout : str
    incident_mev : ndarray, shape (n,)
        Incident energies, MeV.
    attributes : ndarray, shape (n, attributes of the detector)
    seed, start, stop : int
        As :func:`simulate`.
    """
    model = get_layout(layout)
    stop = len(incident_mev) if stop is None else min(stop, len(incident_mev))
    for block in range(start // BLOCK_SHOWERS, -(-stop // BLOCK_SHOWERS)):
        first = block * BLOCK_SHOWERS
        rows = slice(first, first + BLOCK_SHOWERS)
        rng = np.random.Generator(_philox(seed, _SHOWER_STREAM, block))
        showers = model.showers_mev(incident_mev[rows], attributes[rows], rng).astype(np.float32, copy=False)
        made = ShowerSet(incident_mev[rows], showers, model.detector, SOURCE, attributes[rows])
        yield made.take(slice(max(start - first, 0), stop - first))


def simulate_to_file(layout: str, out: Path, events: int, seed: int, overwrite: bool = False) -> None:
    """Simulate a sample in the published mix of incident particles and write it in the layout of its detector.

    Parameters
    ----------
    layout : str
        One of ``calosim_tf.data_prep.layouts.LAYOUTS``.
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
        for made in progress(blocks, -(-events // BLOCK_SHOWERS), f"simulating {layout}"):
            writer.append(made.incident_energy_mev, made.showers_mev, made.attributes)
