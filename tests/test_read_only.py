"""Saving over a checkpoint whose files and folders are read-only."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

# Acts as another user, which only root can, and exits with 1 where it is refused.
SAVE = """
import os, sys
import filelock  # which another user may not be let read
from pathlib import Path
from right_hf.persistence import atomic_folder, keep_foreign_files
final = Path(sys.argv[1])
os.setuid(65534)
try:
    with atomic_folder(final) as folder:
        (folder / "config.json").write_text("new")
        keep_foreign_files(final, folder)
except PermissionError as error:
    sys.exit(1 if "belongs to another user" in str(error) else repr(error))
"""


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="acts as another user, which only root can")
@pytest.mark.parametrize("owned", [True, False])
def test_nothing_stays_beside_the_checkpoint_that_is_replaced(owned: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        final = Path(name).resolve() / "checkpoint"
        (final / "part").mkdir(parents=True)
        for file in ("config.json", "README.md", "part/weights"):
            (final / file).write_text("old")
        for path in (final, *final.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
            os.chown(path, 65534 if owned else 0, 0)
        final.parent.chmod(0o777)
        done = subprocess.run([sys.executable, "-c", SAVE, str(final)], capture_output=True, text=True, check=False)
        assert done.returncode == (0 if owned else 1), done.stderr
        assert (final / "config.json").read_text() == ("new" if owned else "old")
        assert (final / "part" / "weights").read_text() == "old"
        assert [path.name for path in final.parent.iterdir()] == ["checkpoint"]
