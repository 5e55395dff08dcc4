"""The table and the page of a fleet, and why a workflow ended."""

import json
import os
import re

import pytest

from calosim_tf.cli import main
from calosim_tf.errors import ConfigError, RunFolderError
from calosim_tf.fleet import engine
from calosim_tf.fleet.folder import only_one
from calosim_tf.fleet.report import write_fleet_report
from calosim_tf.fleet.status import fleet_status, status_table
from calosim_tf.training.run_lock import RunLock


def test_the_table_has_states_and_numbers(fleet, capsys):
    """Breaks when a state, a number or the Monte-Carlo value beside it is of another member."""
    assert main(["fleet", "status", str(fleet[1].path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    first = next(line for line in lines if line.startswith("photon_0 "))
    assert re.split(r"\s{2,}", first)[3:] == ["done", first.split()[4], "100", "1", "0.5*", "0.01", "1.00"]
    assert any(line.startswith("* Frechet distance") for line in lines)
    assert "20/" in first
    assert next(line for line in lines if line.startswith("pion_0")).split()[3] == "waiting"
    assert lines[-1] == "3 of 4 members done"
    assert main(["fleet", "status", str(fleet[1].path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["metrics"]["chi2_ndf_total_energy"] == [100.0, 1.0]


def test_states_follow_the_files(fleet):
    """Breaks when a killed member counts as training, or a failure is not shown."""
    plan, folder = fleet
    member = folder.member("pion_0")

    def state():
        row = fleet_status(plan, folder)[3]
        return row.state, row.reason

    member.run.mkdir(parents=True)
    assert state() == ("stopped", "")
    with RunLock(member.run):
        assert state() == ("training", "")
    member.run.mkdir(exist_ok=True)
    with pytest.raises(ConfigError), member.working("train"):
        raise ConfigError("no such file")
    assert state() == ("failed", "no such file")
    assert "pion_0: no such file" in status_table(fleet_status(plan, folder))
    with member.working("train"):
        member.finish("train", {})
    assert state() == ("trained", "")


@pytest.mark.slow
def test_the_page_has_the_worst_first(fleet):
    """Breaks when the order is that of the plan, a map is missing, or a link leads nowhere."""
    document = write_fleet_report(*fleet)
    assert document["order"] == ["photon_0", "photon_0_high", "photon_2", "pion_0"]
    assert document["members"]["photon_0"]["times_mc"] == 75.0  # median of 100 and 50
    page = (fleet[1].report / "report.html").read_text()
    assert page.count("<img") == 2
    links = re.findall(r'href="([^"]+)"', page)
    assert len(links) == 3
    for link in links:
        assert (fleet[1].report / link).is_file()
    assert [page.index(f">{name}<") for name in document["order"]] == sorted(
        page.index(f">{name}<") for name in document["order"]
    )


def test_a_page_without_judged_members_is_refused(fleet):
    for name in ("photon_0", "photon_0_high", "photon_2"):
        (fleet[1].member(name).path / "judge.json").unlink()
    with pytest.raises(RunFolderError, match="found no judged member"):
        write_fleet_report(*fleet)


def test_a_folder_that_is_no_fleet_is_one_line(tmp_path, capsys):
    for action in ("status", "report", "bundle"):
        assert main(["fleet", action, str(tmp_path)]) == 2
        assert "found no fleet.json" in capsys.readouterr().err


def test_other_settings_remove_the_run_and_the_same_keep_it(fleet):
    """Breaks when a member with another seed goes on from weights of the first, or any call starts anew."""
    member = fleet[1].member("photon_0")
    member.begin({"seed": 1})
    assert member.run.exists()
    member.begin({"seed": 1})
    assert member.run.exists()
    member.begin({"seed": 2})
    assert not member.run.exists()


def test_one_workflow_at_a_time(tmp_path):
    """Breaks when two of them write to one fleet."""
    with (
        only_one(tmp_path / "lock"),
        pytest.raises(RunFolderError, match="another process works on this fleet"),
        only_one(tmp_path / "lock"),
    ):
        pass
    with only_one(tmp_path / "lock"):
        pass


@pytest.fixture
def snakemake(fleet, monkeypatch):
    """``snakemake(text)``: run the workflow of the fleet with a shell script in the place of Snakemake."""
    plan, folder = fleet

    def run(text, options=None):
        monkeypatch.setattr(engine, "POLL_S", 0.01)
        monkeypatch.setattr(engine, "command", lambda *_: ["/bin/sh", "-c", text])
        engine.run_workflow(plan, folder, options or engine.EngineOptions())

    return run


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("echo 'sbatch: error: invalid partition specified: gpu' >&2; exit 1", 2, "refuses a job .sbatch: error: inva"),
        ("echo \"argument --executor: invalid choice: 'slurm'\"; exit 2", 2, "found no SLURM plugin of Snakemake"),
        ("kill -9 $$", 1, "Snakemake was ended by SIGKILL: start it again"),
        ("exit 3", 1, "workflow.log: Snakemake ended with 3"),
    ],
)
def test_why_a_workflow_ended_is_one_line(snakemake, text, code, words):
    """Breaks when a cluster's refusal hides in the log, or a killed Snakemake looks like a failed member."""
    with pytest.raises(Exception, match=words) as found:
        snakemake(text)
    assert found.value.exit_code == code


def test_failed_members_are_counted(snakemake, fleet):
    """Breaks when the command says nothing of why."""
    with pytest.raises(ConfigError), fleet[1].member("pion_0").working("train"):
        raise ConfigError("no such file")
    with pytest.raises(Exception, match=r"1 of 4 members are not finished \(pion_0: no such file\)"):
        snakemake("exit 1")


def test_missing_packages_and_programs_are_one_line(monkeypatch):
    """Breaks when Snakemake or SLURM are missed by a traceback."""
    monkeypatch.setitem(os.environ, "CALOSIM_SNAKEMAKE", "/nowhere/snakemake")
    with pytest.raises(ConfigError, match=r"found no program /nowhere/snakemake, expected Snakemake: pip install"):
        engine.require_engine(engine.EngineOptions())
    monkeypatch.setitem(os.environ, "CALOSIM_SNAKEMAKE", "/bin/sh")
    monkeypatch.setitem(os.environ, "PATH", "/nowhere")
    with pytest.raises(ConfigError, match="--engine slurm: found no program sbatch"):
        engine.require_engine(engine.EngineOptions("slurm"))


def test_the_workflow_lies_in_the_package():
    """Breaks when an installed wheel cannot find it."""
    assert (engine.WORKFLOW / "Snakefile").is_file()
    assert (engine.WORKFLOW / "slurm" / "config.yaml").is_file()
