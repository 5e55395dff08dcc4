"""A damaged newest checkpoint: the run falls back, says so in one line, and ends where it would have ended."""

from __future__ import annotations

import shutil

import pytest


def shard(run):
    return run / "checkpoints" / "5" / "state.data-00000-of-00001"


def cut(run):
    content = shard(run).read_bytes()
    shard(run).write_bytes(content[: len(content) // 2])


def zero(run):
    shard(run).write_bytes(bytes(shard(run).stat().st_size))


def change_one_byte(run):
    content = bytearray(shard(run).read_bytes())
    content[len(content) // 3] ^= 4
    shard(run).write_bytes(content)


def point_to_nowhere(run):
    (run / "checkpoints" / "latest").write_text("77\n")


def empty_pointer(run):
    (run / "checkpoints" / "latest").write_text("")


DAMAGES = {
    "cut": (cut, "falling back"),
    "zeroed": (zero, "falling back"),
    "one byte changed": (change_one_byte, "falling back"),
    "missing shard": (lambda run: shard(run).unlink(), "falling back"),
    "pointer to nowhere": (point_to_nowhere, "names checkpoint 77, which is not there"),
    "empty pointer": (empty_pointer, "names no checkpoint"),
}


@pytest.fixture(scope="module")
def kept(nurseries, command, tmp_path_factory):
    """A finished run with all of its checkpoints."""
    run = tmp_path_factory.mktemp("damage") / "run"
    with nurseries.one() as nursery:
        code, messages = nursery.run(*command("wasserstein", run, "run.keep_checkpoints=3"))
    assert code == 0, messages
    return run


@pytest.mark.timeout(600)
def test_every_kind_of_damage_falls_back(nurseries, command, straight, outcome, kept, count, tmp_path):
    """Breaks if damage is loaded, ends the run, or changes where it ends."""
    expected, _ = straight["wasserstein"]

    def case(nursery, item):
        number, (damage, words) = item
        run = tmp_path / str(number)
        shutil.copytree(kept, run)
        damage(run)
        code, messages = nursery.run(*command("wasserstein", run))
        warnings = [line for line in messages.splitlines() if "warning" in line]
        right = code == 0 and len(warnings) == 1 and words in warnings[0] and outcome(run) == expected
        return None if right else f"{code}: {messages}"

    results = nurseries.each(case, list(enumerate(DAMAGES.values())))
    assert not any(results), dict(zip(DAMAGES, results, strict=True))
    count("kinds of damaged newest checkpoint", f"{len(results)}, all fell back and ended bit-equal")


def test_no_sound_checkpoint_is_left(nurseries, command, kept, tmp_path):
    """Breaks if the last resort is a traceback, or a silent restart."""
    run = tmp_path / "run"
    shutil.copytree(kept, run)
    for data in (run / "checkpoints").glob("*/state.data*"):
        data.write_bytes(b"")
    before = (run / "history.csv").read_bytes()
    with nurseries.one() as nursery:
        code, messages = nursery.run(*command("wasserstein", run))
    errors = [line for line in messages.splitlines() if line.startswith("calosim: error: ")]
    assert (code, len(errors)) == (1, 1), messages
    assert "no sound checkpoint" in errors[0]
    assert "Traceback" not in messages
    assert (run / "history.csv").read_bytes() == before
