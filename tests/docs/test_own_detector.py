"""The tutorial on a custom detector, followed to the letter in a copy of the sources."""

import filecmp
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "tutorials" / "2_own_detector.md"


def different(old: Path, new: Path) -> tuple[set[str], set[str]]:
    """Names of files that were added, and of files that were changed."""
    before, after = ({p.relative_to(top) for p in top.rglob("*.py")} for top in (old, new))
    changed = {str(name) for name in before & after if not filecmp.cmp(old / name, new / name, shallow=False)}
    assert before <= after
    return {str(name) for name in after - before}, changed


@pytest.mark.slow
def test_a_detector_takes_one_new_file_and_one_entry(pages, tmp_path):
    """Breaks when a toy detector with a dense GAN needs more than the tutorial says, or the tutorial does not train."""
    blocks = pages.blocks_of(PAGE)
    (train,) = [number for number, block in enumerate(blocks) if "calosim_tf.train(" in block.text]
    # as it stands, but for the number of iterations
    text = blocks[train].text.replace('train("toy", ', 'train("toy", iterations=2, report=False, ')
    assert text != blocks[train].text
    short = pages.Block("python", text, blocks[train].line)
    environment = pages.environment_in(PAGE, tmp_path)
    pages.run_blocks(PAGE, [*blocks[:train], short], tmp_path, environment)
    assert (tmp_path / "runs" / "toy" / "checkpoints" / "2").is_dir()
    assert different(ROOT / "experiments", tmp_path / "experiments") == ({"toy.py"}, set())
    assert different(ROOT / "calosim_tf", tmp_path / "calosim_tf") == (set(), {"geometry/detectors.py"})
    added = (
        (tmp_path / "calosim_tf/geometry/detectors.py")
        .read_text()
        .removeprefix((ROOT / "calosim_tf/geometry/detectors.py").read_text())
    )
    assert added.count("VoxelDetector(") == 1


def test_a_block_that_fails_stops_the_page(pages, tmp_path):
    """Breaks when a tutorial with a wrong command passes."""
    page = tmp_path / "page.md"
    page.write_text("words\n\n```bash\nfalse | cat\n```\n\n```python\nopen('after', 'w')\n```\n")
    assert pages.main([str(page)]) == 1
    page.write_text("```text\nexit 1\n```\n```python\nimport sys\nsys.exit(0)\n```\n")
    assert pages.main([str(page)]) == 0


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("from calosim_tf.experiments.photon import EXPERIMENTS", "is there already, rename it"),
        (
            "from calosim_tf.config import WganGpTraining\nTRAINING = WganGpTraining(batch_size=0)",
            "experiments/toy.py: training.batch_size",
        ),
    ],
)
def test_a_mistake_in_the_new_file_is_one_line(pages, tmp_path, line, words):
    """Breaks when a name taken twice or an illegal setting in a new experiment ends every command in a traceback."""
    environment = pages.environment_in(PAGE, tmp_path)
    (tmp_path / "experiments" / "toy.py").write_text(f"{line}\n")
    command = [str(Path(sys.executable).parent / "calosim"), "list"]
    process = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert process.returncode == 2
    assert process.stderr.count("\n") == 1
    assert process.stderr.startswith("calosim: error: ")
    assert words in process.stderr
