"""A checkpoint on the Hub for users who did not import the package, or do not have it: processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from right_hf import RightModel
from tests.support.loopback_hub import LoopbackHub

SCRIPT = """
    import sys

    class Hidden:
        def find_spec(self, name, *_):
            if name == "right_hf":
                raise ModuleNotFoundError("No module named 'right_hf'", name="right_hf")

    sys.meta_path.insert(0, Hidden())
    from transformers import AutoConfig, AutoModel, pipeline

    def refused(call):
        try:
            call()
        except Exception as error:
            print(type(error).__name__, str(error).replace("\\n", " "))

    refused(lambda: AutoConfig.from_pretrained("user/right", trust_remote_code=True))
    sys.meta_path.pop(0)
    refused(lambda: pipeline("hashtag-recommendation", model="user/right", trust_remote_code=False))
    assert "right_hf" not in sys.modules
    pipe = pipeline("hashtag-recommendation", model="user/right", revision=sys.argv[1], trust_remote_code=True)
    print(type(pipe.model).__module__)
    pipe.save_pretrained(sys.argv[2])
    print(AutoModel.from_pretrained(sys.argv[2], trust_remote_code=True).config.model_type)
    print(len(pipe("windows desktop")))
"""


@pytest.mark.slow
@pytest.mark.loopback
def test_trust_remote_code_loads_through_the_installed_package(
    hub: LoopbackHub, model: RightModel, tmp_path: Path
) -> None:
    commit = model.push_to_hub("user/right").oid
    settings = {"HF_ENDPOINT": hub.endpoint, "HF_HOME": str(tmp_path / "home"), "HF_HUB_DISABLE_XET": "1"}
    environment = os.environ | settings | {"HF_HUB_CACHE": str(tmp_path / "hub")}
    command = [sys.executable, "-c", textwrap.dedent(SCRIPT), commit, str(tmp_path / "saved")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    without_package, without_trust, *loaded = done.stdout.splitlines()
    assert without_package.startswith("ImportError") and "pip install right_hf" in without_package
    assert "trust_remote_code=True" in without_trust
    assert loaded == ["right_hf.model", "right", str(len(model.recommend(["windows desktop"])[0]))]
    assert [path.name for path in (tmp_path / "saved").rglob("*.py")] == ["right_hub.py"]
