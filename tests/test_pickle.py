"""Pickled code in the place of any file of a checkpoint or component is never run, whatever the file is called."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import pytest

from right_hf import RightModel
from right_hf.registry import load_component
from right_hf.retriever import DenseRetriever


class Evil:
    """Makes a file when it is unpickled."""

    def __init__(self, sign: Path) -> None:
        self.sign = sign

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return _leave_sign, (str(self.sign),)


def _leave_sign(place: str) -> None:
    Path(place).touch()


def assert_never_run(folder: Path, file: Path, sign: Path, **load: object) -> None:
    evil = pickle.dumps(Evil(sign))
    pickle.loads(evil)
    assert sign.exists(), "else the test would prove nothing"
    sign.unlink()
    file.write_bytes(evil)
    with pytest.raises((ValueError, FileNotFoundError)):
        RightModel.from_pretrained(folder, **load)  # type: ignore[arg-type]
    assert not sign.exists()


def test_in_the_place_of_any_file(checkpoint: str, tmp_path: Path) -> None:
    folder = Path(checkpoint)
    names = [path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.suffix != ".py"]
    tried = 0
    for name in names:
        if (folder / name).is_dir() or name.name in {"generation_config.json", "config_sentence_transformers.json"}:
            continue
        shutil.copytree(folder, tmp_path / "copy")
        assert_never_run(tmp_path / "copy", tmp_path / "copy" / name, tmp_path / "sign")
        shutil.rmtree(tmp_path / "copy")
        tried += 1
    assert tried >= 10


@pytest.mark.parametrize("name", ["training_args.bin", "generator/nested/model.pt", "retriever/x.joblib", ".hid/x.pkl"])
def test_beside_the_files(checkpoint: str, tmp_path: Path, name: str) -> None:
    shutil.copytree(checkpoint, tmp_path / "copy")
    (tmp_path / "copy" / name).parent.mkdir(parents=True, exist_ok=True)
    assert_never_run(tmp_path / "copy", tmp_path / "copy" / name, tmp_path / "sign")


def test_in_a_swapped_part(checkpoint: str, dense_retriever: DenseRetriever, tmp_path: Path) -> None:
    for file in ("vectors.safetensors", "encoder/pytorch_model.bin"):
        dense_retriever.save_pretrained(tmp_path / "dense")
        assert load_component("retriever", tmp_path / "dense")
        assert_never_run(Path(checkpoint), tmp_path / "dense" / file, tmp_path / "sign", retriever=tmp_path / "dense")
        shutil.rmtree(tmp_path / "dense")
