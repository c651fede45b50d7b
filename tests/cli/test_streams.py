"""Standard input, output and error as a shell may leave them, in processes of their own with a model that is none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from right_hf.cli.streams import restored

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")

PROGRAM = """\
import sys
import right_hf.cli.recommend as recommend
from right_hf.cli import main

class Model:
    def recommend(self, posts, *_, **__):
        return [[] for _ in posts]

recommend.load_model = lambda _: Model()
sys.exit(main())
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    return path


def shell(program: Path, command: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    """Runs a line of bash in which `right-hf` is the program."""
    script = f'right-hf() {{ "{sys.executable}" "{program}" "$@"; }}; set -o pipefail; cd "{program.parent}"; {command}'
    environment = {**os.environ, **variables}
    return subprocess.run(["bash", "-c", script], capture_output=True, check=False, env=environment)


@pytest.mark.parametrize(
    "variables", [{"LC_ALL": "C", "PYTHONUTF8": "0"}, {"LC_ALL": "C"}, {"PYTHONIOENCODING": "gbk"}]
)
def test_chinese_in_every_locale(program: Path, variables: dict[str, str]) -> None:
    command = "printf '很好\\n' > 文件.txt; right-hf recommend 天气; echo 天气 | right-hf recommend; "
    command += "right-hf recommend --input 文件.txt; right-hf recommend --input 没有"
    done = shell(program, command, **variables)
    assert [json.loads(line)["text"] for line in done.stdout.decode().splitlines()] == ["天气", "天气", "很好"]
    assert done.stderr.decode().startswith("right-hf: error: There is no file 没有.")


def test_who_has_read_enough_ends_it_quietly(program: Path) -> None:
    done = shell(program, "yes bread | right-hf recommend --batch-size 1 | head -n 1; echo ${PIPESTATUS[1]}")
    assert done.stdout.count(b"\n") == 2
    assert done.stdout.endswith(b"\n141\n")
    assert done.stderr == b""


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("right-hf recommend bread >&-", 141),
        ("right-hf --help >&-", 141),
        ("right-hf recommend bread > /dev/null 2>&-", 0),
        ("right-hf recommend --input none 2>&-", 1),
        ("right-hf recommend <&-", 0),
        ("right-hf recommend bread <&- >&- 2>&-", 141),
    ],
)
def test_closed_from_the_start(program: Path, command: str, code: int) -> None:
    done = shell(program, command)
    assert (done.returncode, done.stdout, done.stderr) == (code, b"", b"")


def test_a_text_that_can_be_written() -> None:
    assert restored("天气 \ud83d \udce5\udca4\udca9 \udcff") == "天气 \ufffd 天 \ufffd"
