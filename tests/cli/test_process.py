"""What of the command line only a process of its own shows: pipes, imports, silence."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from right_hf import RightModel

COMMAND = [sys.executable, "-m", "right_hf"]


def output_of(script: str) -> str:
    """What a script prints in a process of its own."""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import runpy, sys\n"
        "sys.orig_argv[1:] = ['-m', 'right_hf']; sys.argv = ['-m', '--help']\n"
        "try:\n    runpy.run_module('right_hf', run_name='__main__', alter_sys=False)\n"
        "except SystemExit as stop:\n    assert stop.code == 0\n"
        "heavy = {'torch', 'transformers', 'numpy', 'datasets', 'huggingface_hub'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    assert "examples:" in output_of(script)


def test_public_names_are_imported_when_they_are_asked_for() -> None:
    script = (
        "import sys, right_hf\nassert not {'torch', 'transformers', 'datasets'} & set(sys.modules)\n"
        "assert right_hf.Post('1', 'x').text == 'x'\n"
        "try:\n    right_hf.nothing\nexcept AttributeError:\n    print('ok')\n"
    )
    assert output_of(script) == "ok\n"


def test_recommending_imports_nothing_that_the_answer_does_not_need() -> None:
    script = (
        "import sys\nfrom right_hf.cli import main\n"
        "assert main(['recommend', '--quiet', 'Scaling Erlang Cluster to 10k nodes']) == 0\n"
        "heavy = {'torch', 'transformers', 'sentence_transformers', 'datasets', 'asyncio'}\n"
        "heavy |= {'huggingface_hub.hf_api'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    assert '"hashtag": "Erlang"' in output_of(script)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
def test_head_ends_it_quietly(tmp_path: Path, model: RightModel) -> None:
    model.save_pretrained(tmp_path / "tiny")
    recommend = f"{' '.join(COMMAND)} recommend --batch-size 1 --model {tmp_path / 'tiny'}"
    script = f"set -o pipefail; yes 'warm bread' | head -n 3000 | {recommend} | head -n 1"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout.count("\n") == 1
    assert done.stderr == "", "no progress bar, warning or traceback where no terminal is"
