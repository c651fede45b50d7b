"""The handler of an Inference Endpoint; `right-hf push model … --handler` puts a copy of this file into a checkpoint.

{"inputs": "a post"}                                                  -> [{"hashtag": …, "score": …, …}, …]
{"inputs": ["a post", "another"], "parameters": {"top_k": 3, "threshold": 0.1}}  -> one such list for each post
"parameters": {"errors": "skip"}                                      -> null for each that is no post, no error
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import pipeline

import right_hf  # registers the pipeline

#: Those of the pipeline that name no file of this machine.
_PARAMETERS = (
    *("top_k", "threshold", "errors", "style", "platform", "allowed", "preferred", "blocked", "min_count"),
    *("diversity", "include_present"),
)
#: What is answered is posted, as a rule.
_STYLE = "common"
_BATCH_SIZE = 16


class EndpointHandler:
    """Loads the checkpoint once and answers requests.

    Args:
        path: Folder of the checkpoint.
    """

    def __init__(self, path: str = right_hf.DEFAULT_CHECKPOINT) -> None:
        device = "cuda" if torch.cuda.is_available() else "cpu"
        self.pipeline: Any = pipeline("hashtag-recommendation", model=path, device=device, style=_STYLE)  # type: ignore[call-overload]

    def __call__(self, data: dict[str, Any]) -> Any:
        """Recommends hashtags for one post or a list of posts.

        Raises:
            ValueError: The request has no inputs of that kind, an unknown parameter, or one out of range.
        """
        if not isinstance(data, dict):
            raise ValueError(f'A request must be an object with "inputs", got {data!r:.80}.')
        inputs, parameters = data.get("inputs"), data.get("parameters") or {}
        if not isinstance(inputs, (str, list)):
            raise ValueError(f'"inputs" must be a post or a list of posts, all strings, got {inputs!r:.80}.')
        if not isinstance(parameters, dict) or (unknown := sorted(set(parameters) - set(_PARAMETERS))):
            named = f"the unknown {unknown[0]!r}" if isinstance(parameters, dict) else repr(parameters)[:80]
            raise ValueError(f'"parameters" must be an object with {", ".join(_PARAMETERS)}, got {named}.')
        try:
            return self.pipeline(inputs, batch_size=_BATCH_SIZE, **parameters)
        except TypeError as error:  # something in the list is no post
            raise ValueError(str(error)) from error
