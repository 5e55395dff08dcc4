"""One bundle of all exported members of a fleet (no TensorFlow)."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from calosim_tf.bundle.card import CARD, PARITY
from calosim_tf.bundle.checks import require_sound, require_sound_file
from calosim_tf.bundle.fleet_sidecar import write_fleet_sidecar
from calosim_tf.bundle.folder import bundle_folder
from calosim_tf.bundle.sidecar import SIDECAR, ModelFile, NetworkRecord, Sidecar, is_bundle, read_sidecar
from calosim_tf.config.energy_range import EnergyRange, closed
from calosim_tf.errors import RunFolderError
from calosim_tf.files import read_json, write_json
from calosim_tf.fleet.coverage import FleetSlice, slices
from calosim_tf.fleet.folder import FleetFolder
from calosim_tf.fleet.plan import FleetMember, FleetPlan
from calosim_tf.progress import progress

SliceRow = tuple[str, tuple[float, float], Sequence[str], Sidecar]


def bundle_fleet(
    plan: FleetPlan, fleet: FleetFolder, out: Path, *, force: bool = False, only_finished: bool = False
) -> list[SliceRow]:
    """Write the bundle of a fleet; nothing is there unless all of it is.

    Parameters
    ----------
    plan : FleetPlan
    fleet : FleetFolder
    out : Path
    force : bool
        Replace an earlier bundle.
    only_finished : bool
        Leave out members that are not exported yet.

    Returns
    -------
    list of (particle, range of eta, names of the members, Sidecar)
        The slices.

    Raises
    ------
    RunFolderError
        A member is not exported, its bundle is damaged, or members of a slice hold other formats or voxels.
    """
    ready = [member for member in plan.members if fleet.member(member.name).done("export")]
    missing = [member.name for member in plan.members if member not in ready]
    if not ready or (missing and not only_finished):
        raise RunFolderError(
            f"{fleet.path}: found {len(missing)} of {len(plan.members)} members not exported (first {missing[0]}), "
            "expected all: let `calosim fleet run` end, or pass --only-finished"
        )
    with bundle_folder(out, force) as folder:
        sidecars, parity = {}, {}
        for member in progress(ready, len(ready), "bundling"):
            source = fleet.member(member.name).bundle
            sidecars[member.name] = _taken(member, source, folder)
            parity[member.name] = read_json(source / PARITY, "the parity of a bundle")
        rows = [_slice_row(item, sidecars, folder) for item in slices(ready) if item.members]
        write_json(folder / PARITY, parity)
        (folder / CARD).write_text(card(plan, rows), encoding="utf-8")
        write_fleet_sidecar(folder, rows)
    return rows


def card(plan: FleetPlan, rows: Sequence[SliceRow]) -> str:
    """What to know about the bundle, as Markdown."""
    lines = [
        f"# A fleet of {len(rows)} slices ({plan.path.name})",
        "",
        f"`{SIDECAR}` has for each particle and range of |eta| the sidecar of a bundle; the files of all lie here.",
        "",
        "| particle | eta | members | experiment | networks | formats |",
        "|---|---|---|---|---|---|",
    ]
    for particle, (low, high), names, sidecar in rows:
        cells = (particle, f"{low:g} to {high:g}", ", ".join(names), sidecar.experiment, str(len(sidecar.networks)))
        lines.append(f"| {' | '.join(cells)} | {', '.join(sidecar.formats)} |")
    return "\n".join(lines) + "\n"


def _taken(member: FleetMember, source: Path, folder: Path) -> Sidecar:
    """Copy the files of a member under names of their own; its sidecar, with these names and its energies."""
    if not is_bundle(source):
        raise RunFolderError(f"{source}: found no bundle, expected that of the member: run its export again")
    sidecar = read_sidecar(source)
    networks = []
    for network in sidecar.networks:
        files = {
            kind: tuple(_copied(file, source, folder, member.name) for file in found)
            for kind, found in network.files.items()
        }
        name = member.name if len(sidecar.networks) == 1 else f"{member.name}/{network.name}"
        ends = _inner(network.energy_range_mev, member.energy_range_mev)
        networks.append(replace(network, name=name, files=files, energy_range_mev=ends))
    return replace(sidecar, networks=tuple(networks), routed=None)


def _copied(file: ModelFile, source: Path, folder: Path, prefix: str) -> ModelFile:
    path = require_sound_file(source, file)
    named = replace(file, path=f"{prefix}.{file.path}")
    (shutil.copytree if path.is_dir() else shutil.copy2)(path, folder / named.path)
    return named


def _inner(one: EnergyRange | None, other: EnergyRange) -> EnergyRange | None:
    """Energies in both ranges; None for all."""
    low = max(closed(one)[0], closed(other)[0])
    high = min(closed(one)[1], closed(other)[1])
    ends = None if low == float("-inf") else low, None if high == float("inf") else high
    return None if ends == (None, None) else ends


def _slice_row(item: FleetSlice, sidecars: dict[str, Sidecar], folder: Path) -> SliceRow:
    """A slice with the networks of its members as one split."""
    names = [member.name for member in item.members]
    first = sidecars[names[0]]
    networks: list[NetworkRecord] = []
    for name in names:
        if (sidecars[name].detector, sidecars[name].n_cells) != (first.detector, first.n_cells):
            raise RunFolderError(
                f"{name}: is of detector {sidecars[name].detector}, but {names[0]} of {first.detector}: members of one "
                "slice have the same voxels"
            )
        networks += sidecars[name].networks
    joined = first
    if len(names) > 1:
        source = "; ".join(f"{name}: {sidecars[name].source}" for name in names)
        joined = replace(first, networks=tuple(networks), source=source, metrics={})
    require_sound(joined, folder / SIDECAR)
    return item.particle, item.eta_range, names, joined
