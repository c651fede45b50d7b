"""The model card of a checkpoint, filled from its training record and its results, never by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from huggingface_hub import ModelCardData

from right_hf.evaluation import RIGHT, markdown_table

_TEMPLATE = """---
{metadata}
---

# {name}

A checkpoint of [RIGHT](https://github.com/ict-bigdatalab/RIGHT) for the package `right_hf`: recommends hashtags for a post,
from similar posts of its corpus and from a small generator.

```python
import right_hf
from transformers import pipeline

pipe = pipeline("hashtag-recommendation")
```

## Parts

| part | what |
|---|---|
| retriever | BM25 over {posts:,} posts, analyser `{analyser}` |
| selector | static embeddings of {dimensions} dimensions{encoder}, trained on triplets of post, hashtag and disturbed hashtag |
| generator | T5 from random weights, {shape}, own vocabulary of {vocabulary_size:,} tokens |
| fusion | logistic regression, fitted on validation posts |

Seed {seed}, commit `{commit}`; every setting lies in `training.json` beside the weights.

## Data

{data}

## Results

{results_text}

{table}

F1@K is micro F1 with precision over K x posts, also where fewer hashtags were given. ROUGE is the definition of the Python
package `rouge`, on the first hashtag (rankings) or the written answer (Seq2Seq; RIGHT, as in the paper). One seed.

## Use and limits

Meant for suggesting hashtags to the author of an English post, who then chooses; and for trying the package out. Not meant for
posting without a person, for judging people by their posts, or for other languages. The corpus is small and of its time: newer
hashtags it can only copy from the post. Posts were filtered by a short block list only, so unpleasant hashtags can occur.
"""


@dataclass(frozen=True)
class CardFacts:
    """What a card is filled with.

    Attributes:
        name: The checkpoint's name.
        language: ISO 639-1 code.
        data: Prose about the training data and its licences.
        training: The checkpoint's `training.json`.
        results: What `training/evaluate_checkpoint.py` saved.
    """

    name: str
    language: str
    data: str
    training: dict[str, Any]
    results: dict[str, Any]


def render_card(facts: CardFacts) -> str:
    """The card as Markdown with YAML metadata."""
    recipe = facts.training["config"]
    selector, generator = recipe["selector"], recipe["generator"]
    shape = generator["shape"]
    layers = f"{shape['num_layers']} + {shape['num_decoder_layers']} layers of width {shape['d_model']}"
    metadata = ModelCardData(
        language=facts.language,
        license="apache-2.0",
        library_name="right_hf",
        tags=["hashtag-recommendation", "retrieval-augmented-generation"],
        metrics=["f1", "rouge"],
    )
    fused = facts.results["results"][RIGHT]
    results_text = (
        f"On {facts.results['posts']} test posts never seen in training, in percent: F1@1 {fused['f1@1']:.2f}, "
        f"F1@5 {fused['f1@5']:.2f}. The same data for the baselines:"
    )
    return _TEMPLATE.format(
        metadata=metadata.to_yaml(),
        name=facts.name,
        posts=facts.training["generator"]["posts"],
        analyser=recipe["retriever"]["analyser"],
        dimensions=selector["dimensions"],
        encoder=" distilled from all-MiniLM-L6-v2 (Apache-2.0)" if selector["encoder"] else "",
        shape=layers,
        vocabulary_size=generator["vocabulary_size"],
        seed=facts.training["seed"],
        commit=facts.training["generator"]["commit"],
        data=facts.data,
        results_text=results_text,
        table=markdown_table(facts.results["results"]),
    )
