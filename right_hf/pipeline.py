"""The transformers pipeline: `pipeline("hashtag-recommendation")`."""

# The base class is annotated for tensors in and out, and in part not at all.
# mypy: disable-error-code="override,assignment,no-untyped-call,no-any-return"

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from itertools import islice
from typing import Any

from transformers import GenerationConfig, Pipeline

from right_hf import DEFAULT_CHECKPOINT as DEFAULT_CHECKPOINT
from right_hf.hub.arguments import show_arguments
from right_hf.model import RightModel
from right_hf.ranker.records import Recommendation
from right_hf.registration import register
from right_hf.times import moment

_GENERATION_ARGUMENTS = frozenset(name for name in vars(GenerationConfig()) if not name.startswith("_"))
#: What pipeline() passes on although it is meant for loading.
_LOADING_ARGUMENTS = frozenset({"local_files_only"})


class HashtagRecommendationPipeline(Pipeline):
    """Recommends hashtags for posts.

        pipe = pipeline("hashtag-recommendation", model="user/right-thg")
        pipe("Geeks guide to Microsoft Teams optimization with Windows Virtual Desktop")
        # [{"hashtag": "wvd", "score": 0.83, "source": "both", "evidence": ["…"]}, …]

    A post gives a list of hashtags, a list of posts a list of such lists; any other iterable of posts, such as a
    generator or a data set, is streamed. A post is a string or a mapping with the key "text".

    At construction or call: `top_k` (hashtags a post, 5), `threshold` (least score, 0), `now` (the time for which
    hashtags are wanted, seconds since 1970 or an ISO 8601 time; the present), `batch_size`, and arguments of the
    generator's `generate`: `num_beams`, `max_new_tokens` … (`generate_kwargs` takes those whose name means something
    else here, such as `top_k`).
    """

    _load_tokenizer = False
    _load_processor = False
    _load_feature_extractor = False
    _load_image_processor = False
    _load_video_processor = False
    _pipeline_calls_generate = False

    def _sanitize_parameters(
        self,
        top_k: int | None = None,
        threshold: float | None = None,
        now: float | str | None = None,
        generate_kwargs: Mapping[str, Any] | None = None,
        **others: Any,
    ) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        generation = {name: value for name, value in others.items() if name not in _LOADING_ARGUMENTS}
        generation |= generate_kwargs or {}
        if unknown := sorted(set(generation) - _GENERATION_ARGUMENTS):
            raise TypeError(
                f"Unknown argument {unknown[0]!r}. Known: top_k, threshold, now, batch_size, generate_kwargs, and the "
                "arguments of generate(), for example num_beams=4."
            )
        forward: dict[str, Any] = generation
        if top_k is not None:
            forward["hashtags"] = top_k
        if threshold is not None:
            forward["threshold"] = threshold
        if now is not None:
            forward["now"] = moment(now)
        return {}, forward, {}

    def __call__(self, inputs: Any, **kwargs: Any) -> Any:
        """Recommends hashtags for one post, a list of posts, or a stream of posts."""
        if isinstance(inputs, tuple):
            inputs = list(inputs)
        if isinstance(inputs, list) and not inputs:
            return []
        streamed = isinstance(inputs, Iterable) and not isinstance(inputs, (str, bytes, Mapping, list))
        # The base class streams generators, and knows no other iterable.
        return super().__call__((post for post in inputs) if streamed else inputs, **kwargs)

    def save_pretrained(self, save_directory: str | os.PathLike[str]) -> None:
        """Saves the checkpoint. Unlike the base class, no copy of the code goes beside it: the package has it."""
        self.model.save_pretrained(save_directory)

    def push_to_hub(self, repo_id: str, **upload: Any) -> str:
        """Uploads the checkpoint, see [`RightModel.push_to_hub`]."""
        return self.model.push_to_hub(repo_id, **upload)  # type: ignore[arg-type]

    def preprocess(self, input_: Any, **_: Any) -> str:
        """Takes the text of a post."""
        text = input_.get("text") if isinstance(input_, Mapping) else input_
        if not isinstance(text, str):
            raise TypeError(
                f"A post must be a string (or a mapping with a string under 'text'), got {type(input_).__name__}: "
                f"{input_!r:.80}. Pass the post's text, or a list of texts."
            )
        return text

    def _forward(
        self, model_inputs: Any, hashtags: int = 5, threshold: float = 0.0, now: float | None = None, **generation: Any
    ) -> list[list[Recommendation]]:
        return self.model.recommend(model_inputs, hashtags, threshold, generation, now)  # type: ignore[operator]

    def postprocess(self, model_outputs: list[Recommendation], **_: Any) -> list[dict[str, Any]]:
        """Turns the recommendations for one post into plain dicts."""
        return [asdict(recommendation) for recommendation in model_outputs]

    def run_single(self, inputs: Any, preprocess_params: Any, forward_params: Any, postprocess_params: Any) -> Any:
        """Runs one post as a batch of one, so that one and many take the same way."""
        return next(self.get_iterator([inputs], 0, 1, preprocess_params, forward_params, postprocess_params))

    def get_iterator(
        self,
        inputs: Any,
        num_workers: int,
        batch_size: int,
        preprocess_params: dict[str, Any],
        forward_params: dict[str, Any],
        postprocess_params: dict[str, Any],
    ) -> Iterator[list[dict[str, Any]]]:
        """Yields the result of each post, batch by batch; nothing is read before it is needed.

        The base class would collate through a tokenizer, which the composite does not have.
        """
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}.")
        # A map-style data set need not be iterable, nor end by an IndexError.
        posts = iter(inputs) if isinstance(inputs, Iterable) else (inputs[i] for i in range(len(inputs)))
        while batch := [self.preprocess(post, **preprocess_params) for post in islice(posts, batch_size)]:
            for recommendations in self.forward(batch, **forward_params):
                yield self.postprocess(recommendations, **postprocess_params)


show_arguments(HashtagRecommendationPipeline.push_to_hub, RightModel.push_to_hub)
register(__name__)
