"""N + resume N equals 2N, through the command, for the optimisers and kinds of runs that no other test resumes."""

from __future__ import annotations

import shutil
import signal

import pytest

ADDONS = ("training.optimizer_generator={0}", "training.optimizer_critic={0}")
CYCLE = ("training.schedule=cyclical", "training.schedule_iterations=3", "training.schedule_floor=0.1")
SPLIT = {"photon": "photon_2gan"}
VARIATIONS = {
    "adamw": ("wasserstein", tuple(item.format("adamw") for item in ADDONS)),
    "radam_lookahead": ("wasserstein", tuple(item.format("radam_lookahead") for item in ADDONS)),
    "rmsprop, cyclical": ("hinge", (*(item.format("rmsprop") for item in ADDONS), *CYCLE)),
    "average, two generator steps": (
        "wasserstein", ("training.generator_average=0.9", "training.generator_steps=2", "training.penalty=local"),
    ),
    "from disk": ("wasserstein", ("data.memory_limit_gib=0.0005",)),
    "calogan_eplus": ("non-saturating", ()),
    "photon_2gan": ("wasserstein", ()),
}  # fmt: skip


def words(command, name, run, more):
    loss, settings = VARIATIONS[name]
    found = command(loss, run, *settings, *more)
    if name in ("calogan_eplus", "photon_2gan"):
        found[1] = name
    if name == "calogan_eplus":
        found = [word for word in found if not word.startswith(("network.smearing", "network.attribute"))]
        found[found.index("network.critic_filters=2,3,2")] = "network.critic_filters=2,3,2,2"
    return found


def parts(run):
    return [run / "low", run / "high"] if (run / "low").exists() else [run]


@pytest.mark.timeout(1200)
def test_resumed_equals_uninterrupted(nurseries, command, outcome, count, tmp_path):
    """Breaks if an optimiser makes its slots late, or a member of a split, a schedule or the stream loses its place."""

    def case(nursery, name):
        whole, resumed = tmp_path / f"{name} whole", tmp_path / f"{name} resumed"
        log = tmp_path / f"{name}.points"
        code, messages = nursery.run(*words(command, name, whole, ()), CALOSIM_FAULT_LOG=str(log))
        if code != 0:
            return messages
        # after the second checkpoint; in a split that is in the last member
        points = [line.split("\t") for line in log.read_text().splitlines()]
        at = [number for number, stage, action, path in points if (stage, action, path) == ("after", "move", "4")][-1]
        code, messages = nursery.run(*words(command, name, resumed, ()), CALOSIM_FAULT=f"SIGKILL:{at}")
        if code != -signal.SIGKILL:
            return f"{code}: {messages}"
        code, messages = nursery.run(*words(command, name, resumed, ()))
        if code != 0:
            return messages
        pairs = zip(parts(whole), parts(resumed), strict=True)
        return None if all(outcome(a) == outcome(b) for a, b in pairs) else "other bits"

    results = nurseries.each(case, VARIATIONS)
    assert not any(results), dict(zip(VARIATIONS, results, strict=True))
    count("other optimisers, schedules and kinds of runs", f"{len(results)} resumed bit-equal: {', '.join(VARIATIONS)}")


def test_a_longer_run_goes_on_from_a_finished_one(nurseries, command, straight, outcome, tmp_path):
    """Breaks if the last checkpoint of a finished run is not where a longer one begins."""
    expected, _ = straight["wasserstein"]
    run = tmp_path / "run"
    with nurseries.one() as nursery:
        for iterations in (1, 3, 5):
            code, messages = nursery.run(*command("wasserstein", run, iterations=iterations))
            assert code == 0, messages
    found = outcome(run)
    # the verdicts of the shorter runs' ends stay in the table
    assert {key: found[key] for key in ("sha256", "history.csv", "latest")} == {
        key: expected[key] for key in ("sha256", "history.csv", "latest")
    }


def test_deterministic_operations_are_the_same_bits(nurseries, command, straight, outcome, tmp_path):
    """Breaks if an operation that is not deterministic comes into the step: TensorFlow would refuse it."""
    expected, _ = straight["wasserstein"]
    with nurseries.one() as nursery:
        code, messages = nursery.run(*command("wasserstein", tmp_path / "run"), TF_DETERMINISTIC_OPS="1")
    assert code == 0, messages
    assert outcome(tmp_path / "run") == expected


@pytest.mark.timeout(600)
def test_a_resumed_run_must_be_the_same(nurseries, command, cells, store, tmp_path):
    """Breaks if other settings, data or versions continue silently, or with more than one line."""
    run = tmp_path / "run"
    other = store(tmp_path / "other.hdf5", cells("lhcb", 41))
    with nurseries.one() as nursery:
        code, messages = nursery.run(*command("hinge", run, iterations=2))
        assert code == 0, messages
        environment = run / "environment.json"
        text = environment.read_text()
        another = command("hinge", run)
        another[another.index("--data") + 1] = str(other)
        for arguments, change, expected in (
            (
                command("hinge", run, "training.batch_size=7"),
                None,
                "begun with training.batch_size = 6, now asked for 7",
            ),
            (another, None, "begun on other data"),
            (command("hinge", run), ('"calosim_tf": "', '"calosim_tf": "0.0'), "begun with calosim_tf 0.0"),
            (command("hinge", run), ('"tensorflow": "', '"tensorflow": "1'), "begun with tensorflow 12.15"),
        ):
            environment.write_text(text.replace(*change) if change else text)
            code, messages = nursery.run(*arguments)
            assert (code, messages.count("\n")) == (2, 1), messages
            assert expected in messages
            assert "--force" in messages


def test_generate_is_killed(nurseries, count, tmp_path):
    """Breaks if a file that looks whole appears before it is, or SIGTERM leaves a hidden one."""
    arguments = ["generate", "pretrained:photon", "--energies", "1024", "--events", "3000", "--out"]
    log = tmp_path / "points"
    with nurseries.one() as nursery:
        code, messages = nursery.run(*arguments, tmp_path / "whole.hdf5", CALOSIM_FAULT_LOG=str(log))
        assert code == 0, messages
        last = len(log.read_text().splitlines())
        chosen = [2, last // 2, last - 3, last - 2]
        for number in chosen:
            out = tmp_path / str(number) / "out.hdf5"
            out.parent.mkdir()
            code, _ = nursery.run(*arguments, out, CALOSIM_FAULT=f"SIGKILL:{number}")
            assert code == -signal.SIGKILL
            assert not out.exists()
            shutil.rmtree(out.parent)
            out.parent.mkdir()
            code, messages = nursery.run(*arguments, out, CALOSIM_FAULT=f"SIGTERM:{number}")
            assert code == 128 + signal.SIGTERM, messages
            assert list(out.parent.iterdir()) == []
            code, messages = nursery.run(*arguments, out)
            assert code == 0, messages
            assert out.read_bytes() == (tmp_path / "whole.hdf5").read_bytes()
    count("kill -9 and SIGTERM while generating", f"{2 * len(chosen)}, no partial file under its name")
