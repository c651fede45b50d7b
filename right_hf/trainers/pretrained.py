"""The pretrained models that training starts from, as a recipe names them."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from transformers import AutoConfig

from right_hf.generator.decoder_base import fingerprint
from right_hf.generator.gguf_base import PACKAGE, gguf_folder, is_gguf
from right_hf.hub import hashes
from right_hf.layout import TRAINING_FILE
from right_hf.loading import LOADING
from right_hf.persistence import read_object
from right_hf.progress import shows_progress
from right_hf.trainers.recipe import EncoderRecipe, GeneratorRecipe


def _resolved(name: str | None, example: str) -> str:
    """A Hub id as it is, a folder in full; `package:NAME` as the folder `model` inside that installed Python package.

    `example` shows in an error where a name belongs.
    """
    if name is None:
        raise ValueError(
            "Training starts from a pretrained model, and the recipe names none. Add its Hub id or folder, such as "
            f"{example}."
        )
    if is_gguf(name):
        return name if name.startswith(PACKAGE) else str(Path(name).resolve())
    if not name.startswith(PACKAGE):
        return str(Path(name).resolve()) if Path(name).is_dir() else name
    package = name.removeprefix(PACKAGE)
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(f"{name} names a Python package that is not installed: pip install {package}")
    return str(Path(found.origin).parent / "model")


def generator_base(recipe: GeneratorRecipe) -> str:
    """The Hub id, folder, GGUF file or package of what a generator starts from.

    Raises:
        ModuleNotFoundError: It is in a Python package that is not installed.
        ValueError: The recipe names none.
    """
    return _resolved(recipe.base, "generator: {base: google-t5/t5-small}")


def encoder_named(name: str | None) -> str:
    """The Hub id or folder of a sentence-transformers model; raises as [`generator_base`] does."""
    return _resolved(name, "selector: {encoder: sentence-transformers/all-MiniLM-L6-v2}")


def encoder_source(recipe: EncoderRecipe) -> str:
    """The Hub id or folder of what an encoder starts from; raises as [`generator_base`] does."""
    return encoder_named(recipe.encoder)


def base_identity(source: str) -> dict[str, str]:
    """SHA-256 of each file of weights in a folder, by its name, or of a GGUF file; empty for a model of the Hub."""
    if is_gguf(source):
        return {"gguf": fingerprint(gguf_folder(source))}
    return {path.name: hashes.digest(path, hashlib.sha256()) for path in sorted(Path(source).glob("*.safetensors"))}


def base_record(source: str) -> dict[str, Any]:
    """The entry `base` of a training record: how a base that lies in a folder was made, where the folder says so."""
    file = Path(source) / TRAINING_FILE
    return {"base": read_object(file)} if file.is_file() else {}


def for_training(model: Any) -> Any:
    """The model with an attention whose gradients do not take long on a CPU, as those of PyTorch's fused one do."""
    if not torch.cuda.is_available():
        model.set_attn_implementation("eager")
    return model


def encoder_base(recipe: EncoderRecipe) -> SentenceTransformer:
    """The encoder that a selector or a dense retriever starts from; one of static embeddings as it is.

    Raises:
        ValueError: The recipe names none, or asks for layers or a length that it cannot have.
    """
    if recipe.dimensions is not None and (recipe.layers is not None or recipe.max_seq_length is not None):
        raise ValueError("`dimensions` asks for static embeddings, which have no `layers` and no `max_seq_length`.")
    name, layers, kept = encoder_source(recipe), recipe.layers, None
    if layers is not None:
        kept = {"num_hidden_layers": layers}
        with LOADING:
            whole = AutoConfig.from_pretrained(name).num_hidden_layers
        if not 1 <= layers <= whole:
            raise ValueError(f"layers must lie between 1 and {whole}, the layers of {name}, got {layers}.")
    with LOADING:
        model = SentenceTransformer(name, config_kwargs=kept)
    if isinstance(model[0], StaticEmbedding):
        return model
    if recipe.dimensions is not None:
        return distilled_static_encoder(model.to("cpu"), recipe.dimensions)
    if recipe.max_seq_length is not None:
        model.max_seq_length = recipe.max_seq_length
    return model


def token_vectors(teacher: SentenceTransformer) -> torch.Tensor:
    """What a sentence-transformers model with a fast tokenizer makes of each token alone: (V, d)."""
    tokens = teacher.tokenizer.convert_ids_to_tokens(list(range(len(teacher.tokenizer))))
    texts = [token.removeprefix("##") for token in tokens]
    return teacher.encode(texts, batch_size=512, convert_to_tensor=True, show_progress_bar=shows_progress())


def weighted_by_rank(vectors: torch.Tensor) -> torch.Tensor:
    """Vectors of tokens, weighted by the logarithm of their rank in the vocabulary; the weights have a mean of 1.

    WordPiece vocabularies are ordered by frequency (after Model2Vec; Tulkens and van Dongen, 2024).
    """
    weights = torch.log1p(torch.arange(len(vectors)) + 1.0).unsqueeze(1)
    return vectors * weights / weights.mean()


def distilled_static_encoder(teacher: SentenceTransformer, dimensions: int) -> SentenceTransformer:
    """A static-embedding encoder whose token vectors are what a pretrained encoder makes of each token alone.

    The vectors are reduced by PCA and weighted, see [`weighted_by_rank`]. This is not
    `StaticEmbedding.from_distillation`, which needs one package more (model2vec), loads the teacher by its name alone,
    so without `layers`, and weights otherwise, so that no selector of ours could be made again.

    Args:
        teacher: A sentence-transformers model with a fast tokenizer.
        dimensions: Length of the vectors.
    """
    vectors = token_vectors(teacher)
    centred = vectors - vectors.mean(0)
    directions = torch.linalg.svd(centred.T @ centred).U[:, :dimensions]  # (d, dimensions)
    embeddings = weighted_by_rank(centred @ directions)
    return SentenceTransformer(modules=[StaticEmbedding(teacher.tokenizer, embedding_weights=embeddings)], device="cpu")
