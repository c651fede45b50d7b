"""The notebook runs from its first cell to its last, in small."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from huggingface_hub import HfApi, hf_hub_download

from right_hf import RightModel
from right_hf.generator import DecoderGenerator
from right_hf.trainers.recipe import Recipe
from tests.support.loopback_hub import LoopbackHub
from tests.support.paths import ROOT
from tests.support.smoke_data import write_splits
from tests.support.tiny_llm import tiny_recipe

_NOTEBOOK = ROOT / "training" / "notebooks" / "tune_an_llm.ipynb"


@pytest.mark.slow
@pytest.mark.loopback
def test_the_notebook_tunes_shows_and_pushes(
    hub: LoopbackHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_splits(tmp_path / "data")
    start = tiny_recipe(Recipe("en").posts(data, "train"), tmp_path / "bases")
    monkeypatch.chdir(tmp_path)
    base = tmp_path / "tiny-llm"
    Path(str(start.generator.base)).rename(base)
    (base / "README.md").write_text("---\nlicense: gemma\n---\n")
    parameters = f"""
from pathlib import Path
POSTS, BASE, ENCODER = {str(data / "train.jsonl")!r}, "user/tiny-llm", {start.selector.encoder!r}
LANGUAGE, LAYERS, REPOSITORY, RUN = "en", [0], "user/tuned", Path("run")
"""
    HfApi().create_repo("user/tiny-llm")
    HfApi().upload_folder(repo_id="user/tiny-llm", folder_path=base)
    variables: dict[str, object] = {}
    cells = json.loads(_NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    assert all(not cell.get("outputs") for cell in cells), "outputs are committed"
    for cell in cells:
        if cell["cell_type"] == "code":
            given = parameters if "parameters" in cell["metadata"].get("tags", []) else "".join(cell["source"])
            exec(compile(given, str(_NOTEBOOK), "exec"), variables)
    said = capsys.readouterr().out
    assert said.count("the author:") == len(variables["validation"]) and "RIGHT" in said  # type: ignore[arg-type]
    pushed = RightModel.from_pretrained("user/tuned")
    assert isinstance(pushed.generator, DecoderGenerator) and pushed.generator.base is not None
    assert pushed.generator.base.license == "gemma" and pushed.generator.notice
    card = Path(hf_hub_download("user/tuned", "README.md")).read_text(encoding="utf-8")
    assert "- gemma\n" in card and card.count("ai.google.dev/gemma/terms") == 1 and "`user/tiny-llm`" in card
    assert "NOTICE" in " ".join(HfApi().list_repo_files("user/tuned"))
    assert pushed.recommend(["bread flour oven"])
