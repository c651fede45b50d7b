"""The transformers pipeline: `pipeline("hashtag-recommendation")`."""

# The base class is annotated for tensors in and out, and in part not at all.
# mypy: disable-error-code="override,assignment,no-untyped-call,no-any-return"

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from functools import partial
from itertools import islice
from typing import Any

from transformers import GenerationConfig, Pipeline

from right_hf import DEFAULT_CHECKPOINT as DEFAULT_CHECKPOINT
from right_hf.checks import (
    check_device,
    check_errors,
    check_generation,
    check_posts,
    is_table,
    probability,
    text_of,
    whole_number,
)
from right_hf.hub.arguments import show_arguments
from right_hf.model import RightModel
from right_hf.preferences import PREFERENCES, loaded
from right_hf.ranker.records import Recommendation
from right_hf.registration import register
from right_hf.times import moment
from right_hf.workers import in_order

_GENERATION_ARGUMENTS = frozenset(name for name in vars(GenerationConfig()) if not name.startswith("_"))
#: What pipeline() passes on although it is meant for loading.
_LOADING_ARGUMENTS = frozenset({"local_files_only"})
#: What is one post, or what somebody took for one, though it could be gone through.
_SINGLE = (str, bytes, bytearray, memoryview, Mapping)


class HashtagRecommendationPipeline(Pipeline):
    """Recommends hashtags for posts.

        pipe = pipeline("hashtag-recommendation", model="user/right-thg")
        pipe("Geeks guide to Microsoft Teams optimization with Windows Virtual Desktop")
        # [{"hashtag": "wvd", "score": 0.83, "source": "both", "evidence": ["…"]}, …]

    A post gives a list of hashtags, a list of posts a list of such lists; any other iterable of posts, such as a
    generator, a data set or a column of a data frame, is streamed. A post is a string or a mapping with the key "text".

    At construction or call: `top_k` (hashtags a post, 5), `threshold` (least score; what the checkpoint says), `now`
    (the time for which hashtags are wanted, seconds since 1970 or an ISO 8601 time; the present), `errors` ("skip"
    gives None for what is no post, where "raise" names it), `batch_size`, `num_workers` (processes that share the
    batches of a list or stream), `generate_when` (of which posts the generator is asked: those whose best score without
    it is at most this; what the checkpoint says), and arguments of the generator's `generate`: `num_beams`,
    `max_new_tokens` … (`generate_kwargs` takes those whose name means something else here, such as `top_k`).

    Pipelines, models and components pickle, and answer in other processes, forked or spawned, as in this one:

        dataset.map(lambda rows: {"hashtags": pipe(rows["text"])}, batched=True, num_proc=2)
        ProcessPoolExecutor(2, initializer=take, initargs=(pipe,))  # once a process; pool.map(pipe, …) once a chunk

    A process of a pool and a forked one compute in one thread, unless OMP_NUM_THREADS says otherwise. Give `now`, or
    the time is that of each call. The cache of `datasets` goes by the pipeline's whole content, corpus included: the
    same checkpoint finds what was computed with it, a changed corpus does not. Name the result yourself, by `map(…,
    new_fingerprint=…)`, where hashing a large corpus takes too long, and where a network of transformers generates,
    which keeps a hash that differs from process to process (unless PYTHONHASHSEED is set).
    """

    _load_tokenizer = False
    _load_processor = False
    _load_feature_extractor = False
    _load_image_processor = False
    _load_video_processor = False
    _pipeline_calls_generate = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if not isinstance(device := kwargs.get("device"), int | None):  # the base class knows what numbers mean
            check_device(device)
        _check_sizes(kwargs)
        super().__init__(*args, **kwargs)

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"call_count": 0}  # the caches of `datasets` go by what is pickled, not by its past

    def _sanitize_parameters(
        self,
        top_k: int | None = None,
        threshold: float | None = None,
        now: float | str | None = None,
        generate_kwargs: Mapping[str, Any] | None = None,
        errors: str | None = None,
        generate_when: float | None = None,
        **others: Any,
    ) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        preferences = {name: others.pop(name) for name in PREFERENCES & set(others)}
        generation = {name: value for name, value in others.items() if name not in _LOADING_ARGUMENTS}
        if generate_kwargs is not None:
            check_generation(generate_kwargs)
            generation |= generate_kwargs
        if unknown := sorted(set(generation) - _GENERATION_ARGUMENTS):
            raise TypeError(
                f"Unknown argument {unknown[0]!r}. Known: top_k, threshold, now, errors, batch_size, num_workers, "
                f"generate_when, generate_kwargs, {', '.join(sorted(PREFERENCES))}, "
                "and the arguments of generate(), for example num_beams=4."
            )
        check_generation(generation)
        forward: dict[str, Any] = generation | (loaded(preferences) if preferences else {})
        if top_k is not None:
            forward["hashtags"] = whole_number(top_k, "top_k")
        if threshold is not None:
            forward["threshold"] = probability(threshold, "threshold")
        if now is not None:
            forward["now"] = moment(now)
        if generate_when is not None:
            forward["generate_when"] = probability(generate_when, "generate_when")
        if errors is not None:
            check_errors(errors)
        return {} if errors is None else {"errors": errors}, forward, {}

    def __call__(self, inputs: Any, **kwargs: Any) -> Any:
        """Recommends hashtags for one post, a list of posts, or a stream of posts."""
        _check_sizes(kwargs)
        if isinstance(inputs, tuple):
            inputs = list(inputs)
        if isinstance(inputs, list) and not inputs:
            return []
        streamed = isinstance(inputs, Iterable) and not isinstance(inputs, (*_SINGLE, list))
        if streamed or is_table(inputs):
            check_posts(inputs, "pipe({})")
        # The base class streams generators, and knows no other iterable.
        return super().__call__((post for post in inputs) if streamed else inputs, **kwargs)

    def save_pretrained(self, save_directory: str | os.PathLike[str]) -> None:
        """Saves the checkpoint. Unlike the base class, no copy of the code goes beside it: the package has it."""
        self.model.save_pretrained(save_directory)

    def push_to_hub(self, repo_id: str, **upload: Any) -> str:
        """Uploads the checkpoint, see [`RightModel.push_to_hub`]."""
        return self.model.push_to_hub(repo_id, **upload)  # type: ignore[arg-type]

    def preprocess(self, input_: Any, errors: str = "raise", row: int | None = None, **_: Any) -> str | None:
        """Takes the text of a post, see [`right_hf.checks.text_of`]."""
        return text_of(input_, errors, row)

    def _forward(
        self,
        model_inputs: Any,
        hashtags: int = 5,
        threshold: float | None = None,
        now: float | None = None,
        generate_when: float | None = None,
        **others: Any,
    ) -> list[list[Recommendation]]:
        preferences = {name: others.pop(name) for name in PREFERENCES & set(others)}
        recommend: Any = self.model.recommend
        return recommend(model_inputs, hashtags, threshold, others, now, generate_when=generate_when, **preferences)

    def postprocess(self, model_outputs: list[Recommendation], **_: Any) -> list[dict[str, Any]]:
        """Turns the recommendations for one post into plain dicts."""
        return [asdict(recommendation) for recommendation in model_outputs]

    def run_single(self, inputs: Any, preprocess_params: Any, forward_params: Any, postprocess_params: Any) -> Any:
        """Runs one post as a batch of one, so that one and many take the same way."""
        text = self.preprocess(inputs, **preprocess_params)
        return (
            None if text is None else self.postprocess(self.forward([text], **forward_params)[0], **postprocess_params)
        )

    def get_iterator(
        self,
        inputs: Any,
        num_workers: int,
        batch_size: int,
        preprocess_params: dict[str, Any],
        forward_params: dict[str, Any],
        postprocess_params: dict[str, Any],
    ) -> Iterator[list[dict[str, Any]] | None]:
        """Yields the result of each post, batch by batch; nothing is read before it is needed.

        The base class would collate through a tokenizer, which the composite does not have.
        """
        # A map-style data set need not be iterable, nor end by an IndexError.
        posts = iter(inputs) if isinstance(inputs, Iterable) else (inputs[i] for i in range(len(inputs)))
        texts = (self.preprocess(post, row=row, **preprocess_params) for row, post in enumerate(posts))
        batches = iter(lambda: list(islice(texts, batch_size)), [])
        for answers in in_order(partial(self._answers, **forward_params), batches, num_workers):
            for answer in answers:
                yield None if answer is None else self.postprocess(answer, **postprocess_params)

    def _answers(self, batch: list[str | None], **forward_params: Any) -> list[list[Recommendation] | None]:
        """What is recommended for each post of a batch; None for what is none."""
        wanted = [text for text in batch if text is not None]
        found = iter(self.forward(wanted, **forward_params) if wanted else ())
        return [None if text is None else next(found) for text in batch]


def _check_sizes(arguments: dict[str, Any]) -> None:
    """Refuses a `batch_size` or `num_workers` that is no whole number; 0 workers are this process alone."""
    for name in ("batch_size", "num_workers"):
        value = arguments.get(name)
        if value is not None and not (name == "num_workers" and value == 0):
            arguments[name] = whole_number(value, name)


show_arguments(HashtagRecommendationPipeline.push_to_hub, RightModel.push_to_hub)
register(__name__)
