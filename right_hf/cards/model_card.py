"""The model card of a checkpoint, filled from its files, its records, a datasheet and results, never by hand."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from huggingface_hub import EvalResultEntry, ModelCard, ModelCardData, eval_result_entries_to_yaml

from right_hf.cards.dataset_card import OTHER, Datasheet, count_licenses, hub_licenses, licenses_text
from right_hf.cards.parts import HUB_ID, Part, describe_parts, emissions_text, total_emissions
from right_hf.cards.reliability import reliability_plot
from right_hf.corpus import Corpus
from right_hf.corpus_files import CORPUS_FILE
from right_hf.evaluation import RIGHT, RIGHT_WRITTEN, SELECTOR, markdown_table
from right_hf.hub.pull import EVAL_RESULTS, RELIABILITY_FILE
from right_hf.layout import TRAINING_FILE
from right_hf.persistence import read_object, write_text

CARD_FILE = "README.md"
TASK = "hashtag-recommendation"
#: Licence of code and weights; posts in the index keep their own.
_LICENSE = "Apache-2.0"
_TEMPLATE = Path(__file__).with_suffix(".md")
_LANGUAGE_CODE = re.compile(r"[a-z]{2,3}")
_WITH_GENERATOR = (
    "It knows the hashtags of its corpus and those that its generator can write; a newer one it can only copy from the "
    "post."
)
_METRICS = {
    "f1@1": "micro F1 of the first hashtag",
    "f1@5": "micro F1 of the first five hashtags, precision over 5 x posts",
    "rouge1": "ROUGE-1 F of the Python package rouge",
    "rouge2": "ROUGE-2 F of the Python package rouge",
    "rougeL": "ROUGE-L F of the Python package rouge",
}


@dataclass(frozen=True)
class Results:
    """Results of a checkpoint on one split: what the posts are, and what `right-hf evaluate` saved."""

    title: str
    content: dict[str, Any]

    @property
    def calibration(self) -> dict[str, Any]:
        """How far scores are probabilities, see [`right_hf.evaluation.score_calibration`]; empty where not measured."""
        found: dict[str, Any] = self.content.get("calibration", {})
        return found

    @property
    def system(self) -> str:
        """The row that is the checkpoint's own answer: the ranker's, else the generator's, else the selector's."""
        rows = self.content["results"]
        return next((name for name in (RIGHT, RIGHT_WRITTEN) if name in rows), SELECTOR)


@dataclass(frozen=True)
class CardFacts:
    """What a card is filled with.

    Attributes:
        name: The checkpoint's name.
        languages: ISO 639-1 codes.
        parts: Its parts, in the order in which a post goes through them.
        training: Its `training.json`; empty where there is none.
        licenses: Posts of the index under each licence; None counts those that state none.
        bases: Posts of the index by who states their licence, see [`right_hf.posts.Post`].
        period: First and last year of the dated posts of the index.
        datasheet: Of the data it was trained on.
        results: On one or several splits.
    """

    name: str
    languages: tuple[str, ...]
    parts: list[Part]
    training: dict[str, Any] = field(default_factory=dict)
    licenses: dict[str | None, int] = field(default_factory=dict)
    bases: dict[str | None, int] = field(default_factory=dict)
    period: tuple[str, str] | None = None
    datasheet: Datasheet | None = None
    results: tuple[Results, ...] = ()

    def has(self, role: str) -> bool:
        """Whether the checkpoint has such a part."""
        return any(part.role == role for part in self.parts)


def gather_facts(
    checkpoint: str | Path,
    results: tuple[Results, ...] = (),
    datasheet: Datasheet | None = None,
    name: str | None = None,
) -> CardFacts:
    """Reads what a checkpoint's own files say. No network is asked: parts in other repositories are only named.

    Raises:
        FileNotFoundError: `checkpoint` is no folder with a configuration.
        ValueError: A file is damaged, or the index holds posts under a licence that the datasheet does not name.
    """
    folder = Path(checkpoint)
    config = read_object(folder / "config.json")
    record = folder / TRAINING_FILE
    training = read_object(record) if record.is_file() else {}
    entry = config.get("components", {}).get("retriever", {})
    index = folder / entry.get("subfolder", "retriever")
    posts = Corpus.load(index) if "repo_id" not in entry and (index / CORPUS_FILE).is_file() else ()
    licenses = count_licenses(posts)
    if datasheet and (unnamed := sorted(set(filter(None, licenses)) - set(datasheet.licenses))):
        raise ValueError(
            f"The index holds posts under {', '.join(unnamed)}, but the datasheet names "
            f"{', '.join(datasheet.licenses)}. Give the datasheet of this data, or add the licences to it."
        )
    years = sorted(post.created_at[:4] for post in posts if post.created_at)
    return CardFacts(
        name=name or folder.resolve().name,
        languages=(config.get("language", "en"),),
        parts=describe_parts(folder, config, training),
        training=training,
        licenses=licenses,
        bases=dict(Counter(post.basis for post in posts)),
        period=(years[0], years[-1]) if years else None,
        datasheet=datasheet,
        results=results,
    )


def _metadata(facts: CardFacts) -> ModelCardData:
    """The card's YAML metadata: only what the facts say."""
    for language in facts.languages:
        if not _LANGUAGE_CODE.fullmatch(language):
            raise ValueError(f'{language!r} is no ISO 639 code such as "en". Correct `language` in config.json.')
    sheet = facts.datasheet
    stated = [name for name in facts.licenses if name is not None] or (sheet.licenses if sheet else ())
    bound = [str(part.base_license) for part in facts.parts if part.notice]
    licenses, unlisted = hub_licenses(dict.fromkeys([_LICENSE, *stated]))
    licenses += [name for name in dict.fromkeys(bound) if name not in licenses]
    if None in facts.licenses and OTHER not in licenses:
        licenses.append(OTHER)
    return ModelCardData(
        language=list(facts.languages),
        license=licenses if len(licenses) > 1 else licenses[0],  # type: ignore[arg-type]  # the Hub takes a list too
        license_name=unlisted,
        library_name="right_hf",
        pipeline_tag=TASK,
        tags=[TASK, "retrieval-augmented-generation", "hashtags"],
        datasets=[sheet.name] if sheet and "/" in sheet.name else None,
        base_model=list(dict.fromkeys(part.base for part in facts.parts if part.base and HUB_ID.fullmatch(part.base)))
        or None,
        metrics=["f1", "rouge"] if facts.results else None,
        widget=[{"text": text} for text in sheet.examples] or None if sheet else None,
        co2_eq_emissions=total_emissions(facts.training),
    )


def render_card(facts: CardFacts) -> str:
    """The card as Markdown with YAML metadata.

    Raises:
        ValueError: The language is no ISO 639 code.
    """
    text = _TEMPLATE.read_text(encoding="utf-8").format(
        metadata=_metadata(facts).to_yaml(),
        name=facts.name,
        languages=", ".join(facts.languages),
        parts=_parts_table(facts),
        source=" and from what its generator writes" if facts.has("generator") else "",
        known=_WITH_GENERATOR if facts.has("generator") else "It knows the hashtags of its corpus and no others.",
        reproduction=_reproduction(facts.training),
        licenses=_licenses(facts),
        data=facts.datasheet.prose if facts.datasheet else "No datasheet was given with the data.",
        results="\n\n".join(map(_results, facts.results)) or "Not evaluated.",
        emissions=emissions_text(facts.training),
        age=f" Its dated posts are of {facts.period[0]} to {facts.period[1]}." if facts.period else "",
    )
    return str(ModelCard(text))  # reads the metadata back, so that a card that cannot be read is never written


def card_files(facts: CardFacts) -> dict[str, str]:
    """Every file that belongs to a card, by its name in the checkpoint: the card, and scores in the Hub's YAML."""
    entries = []
    for results in facts.results:
        scores, content = results.content["results"][results.system], results.content
        about = f"{content['posts']} posts, seed {content.get('seed')}"
        data = facts.datasheet.name if facts.datasheet else results.title
        for metric in filter(scores.__contains__, _METRICS):
            notes = f"{results.title}; {results.system}; {_METRICS[metric]}, in percent; {about}"
            entries.append(EvalResultEntry(dataset_id=data, task_id=metric, value=scores[metric], notes=notes))
    files = {CARD_FILE: render_card(facts)}
    if bins := next((found["bins"] for results in facts.results if (found := results.calibration)), None):
        files[RELIABILITY_FILE] = reliability_plot(bins)
    if entries:
        plain = eval_result_entries_to_yaml(entries)
        files[EVAL_RESULTS] = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)
    return files


def write_card(checkpoint: str | Path, facts: CardFacts) -> list[Path]:
    """Writes the card's files into a checkpoint, each whole or not at all; gives their paths."""
    files = {Path(checkpoint) / name: text for name, text in card_files(facts).items()}
    for path, text in files.items():
        path.parent.mkdir(exist_ok=True)
        write_text(path, text)
    return list(files)


def _parts_table(facts: CardFacts) -> str:
    rows = ["| part | what | started from | where | trained by commit |", "|---|---|---|---|---|"]
    rows += [part.row for part in facts.parts]
    if not facts.has("ranker"):
        answer = "the generator's answer" if facts.has("generator") else "the selector's ranking"
        rows.append(f"| ranker | none: {answer} | | | |")
    return "\n".join(rows)


def _reproduction(training: dict[str, Any]) -> str:
    if not training:
        return "How it was trained is not recorded."
    versions = ", ".join(f"{name} {version}" for name, version in training.get("versions", {}).items())
    records = [training.get(role) for role in ("generator", "selector")]
    posts = next((record["posts"] for record in records if isinstance(record, dict) and record.get("posts")), None)
    trained = f"Trained on {posts:,} posts; seed" if posts else "Seed"
    return f"{trained} {training.get('seed')}; {versions}. Every setting lies in `training.json` beside the weights."


def _licenses(facts: CardFacts) -> str:
    posts = f"Posts of the index keep their own: {licenses_text(facts.licenses)}" if facts.licenses else ""
    if any(facts.bases):
        owner, repository = (facts.bases.get(name, 0) for name in ("owner", "repository"))
        posts += (
            f" The licence of {owner:,} is stated by who wrote or collected them, that of {repository:,} by a "
            "repository that passes them on; each post of the index says which (`basis`)."
        )
    bases = [f"`{part.base}`" for part in facts.parts if part.base and part.base_license is None]
    theirs = f" What came of a base model is also bound by that model's licence: {', '.join(bases)}." if bases else ""
    notices = "".join(f" {notice}." for notice in dict.fromkeys(part.notice for part in facts.parts if part.notice))
    return f"Code and weights: {_LICENSE}. {posts}{theirs}{notices}".strip()


def _results(results: Results) -> str:
    rows = results.content["results"]
    own = rows[results.system]
    summary = ", ".join(f"{metric.upper()} {own[metric]:.2f}" for metric in ("f1@1", "f1@5") if metric in own)
    found = results.calibration
    calibration = (
        f"\n\nExpected calibration error of the scores of the first five: {found['ece']:.3f} "
        f"([reliability]({RELIABILITY_FILE})). Of scores of {found['threshold']:g} and more, shown by default, there "
        f"are {found['shown']:.1f} a post; {100 * found['precision']:.0f} % of these hashtags are the author's."
        if found
        else ""
    )
    return (
        f"{results.title}: {results.content['posts']:,} posts, seed {results.content.get('seed')}, in percent. "
        f"This checkpoint (*{results.system}*): {summary}. Beside it:\n\n{markdown_table(rows)}{calibration}"
    )
