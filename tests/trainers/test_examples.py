from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch

from right_hf.analysis import Analyser, english_words
from right_hf.generator import Seq2SeqGenerator
from right_hf.posts import Post
from right_hf.retriever.bm25 import BM25Retriever
from right_hf.selector.biencoder import BiEncoderSelector
from right_hf.trainers import examples
from right_hf.trainers.examples import examples_with, plain_examples, ranked_hashtags, selector_ranking
from right_hf.trainers.job import GeneratorExample, Job
from right_hf.trainers.recipe import build_recipe
from right_hf.trainers.seq2seq import EncodedExamples
from right_hf.workers import in_order


def augmented_examples(
    posts: list[Post],
    retriever: BM25Retriever,
    selector: BiEncoderSelector,
    hits: int = 10,
    hashtags: int = 7,
    unseen_under: Analyser | None = None,
) -> list[GeneratorExample]:
    ranked = ranked_hashtags(posts, retriever, selector_ranking(selector), hits, unseen_under)
    return examples_with(posts, [found[:hashtags] for found in ranked])


def test_plain_examples_have_no_context(english_posts: list[Post]) -> None:
    made = plain_examples(english_posts)
    assert made[0] == GeneratorExample(english_posts[0].text, (), ("devops", "cloud"))
    assert len(made) == len(english_posts)


def test_contexts_of_new_posts_are_the_selectors_best(
    english_retriever: BM25Retriever, tiny_selector: BiEncoderSelector
) -> None:
    posts = [Post("new", "warm bread in the cloud", ("gold",)), Post("none", "zzz", ("gold",))]
    made = augmented_examples(posts, english_retriever, tiny_selector, hits=4, hashtags=3)
    hits = english_retriever.search([post.text for post in posts], 4)
    best = [candidate.hashtag for candidate in tiny_selector.rank([posts[0].text], hits[:1])[0]]
    assert len(best) > 3
    assert made == [
        GeneratorExample("warm bread in the cloud", tuple(best[:3]), ("gold",)),
        GeneratorExample("zzz", (), ("gold",)),
    ]


def test_a_training_post_does_not_see_its_own_answer(
    english_posts: list[Post], english_retriever: BM25Retriever, tiny_selector: BiEncoderSelector
) -> None:
    every = 100
    seen = augmented_examples(english_posts, english_retriever, tiny_selector, hits=12, hashtags=every)
    unseen = augmented_examples(
        english_posts, english_retriever, tiny_selector, hits=12, hashtags=every, unseen_under=english_words
    )
    for post, with_itself, without in zip(english_posts, seen, unseen, strict=True):
        elsewhere = {tag for other in english_posts if other.id != post.id for tag in other.hashtags}
        assert set(post.hashtags) <= set(with_itself.context)
        assert not (set(post.hashtags) - elsewhere) & set(without.context)
        assert without.target == post.hashtags
    original, copied = unseen[1], unseen[2]  # near duplicates of each other
    assert "copied answer" not in original.context
    assert "migration" not in copied.context
    assert "costs" in original.context


def test_chunks_do_not_change_the_examples(
    english_posts: list[Post],
    english_retriever: BM25Retriever,
    tiny_selector: BiEncoderSelector,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = augmented_examples(english_posts, english_retriever, tiny_selector, unseen_under=english_words)
    monkeypatch.setattr(examples, "_CHUNK", 5)
    assert augmented_examples(english_posts, english_retriever, tiny_selector, unseen_under=english_words) == whole
    rank, shared = selector_ranking(tiny_selector), partial(in_order, workers=2)
    ranked = ranked_hashtags(english_posts, english_retriever, rank, 10, english_words, shared)
    assert examples_with(english_posts, [found[:7] for found in ranked]) == whole


def test_token_dropout_spares_the_hashtags(tiny_generator: Seq2SeqGenerator) -> None:
    form = tiny_generator.format
    example = GeneratorExample("warm seas bleach the coral reef", ("climate change", "coral"), ("coral",))
    whole = EncodedExamples([example], form)[0]["input_ids"]
    post = form.post_length(whole)
    torch.manual_seed(0)
    dropped = [EncodedExamples([example], form, token_dropout=0.5)[0]["input_ids"] for _ in range(20)]
    assert all(source[form.post_length(source) :] == whole[post:] for source in dropped)
    lengths = [form.post_length(source) for source in dropped]
    assert min(lengths) < max(lengths) <= post


def test_an_input_is_encoded_once(tiny_generator: Seq2SeqGenerator, monkeypatch: pytest.MonkeyPatch) -> None:
    form, asked = tiny_generator.format, []
    example = GeneratorExample("warm seas", ("coral",), ("coral",))
    read = EncodedExamples([example, example], form)
    encode = form.source
    monkeypatch.setattr(form, "source", lambda *what: asked.append(what) or encode(*what))
    first = read[0]["input_ids"]
    first.clear()  # whoever changes what was given changes nothing that is kept
    assert read[0]["input_ids"] == read[1]["input_ids"] == encode(example.post, example.context)
    assert len(asked) == 2


def test_a_generator_reads_what_its_jobs_parts_choose(
    english_posts: list[Post], tiny_selector: BiEncoderSelector, english_retriever: BM25Retriever, tmp_path: Path
) -> None:
    tiny_selector.save_pretrained(tmp_path / "selector")
    recipe = build_recipe({"language": "en", "retriever": {"hits": 4}, "selector": {"hashtags": 3}}, "test")
    new = [Post("new", "warm bread in the cloud", ("gold",))]
    job = Job(recipe, english_posts, new, tmp_path / "generator")
    assert examples.generator_examples(job) == (plain_examples(english_posts), plain_examples(new))
    train, validation = examples.generator_examples(replace(job, folders={"selector": tmp_path / "selector"}))
    parts = english_retriever, tiny_selector, 4, 3
    assert validation == augmented_examples(new, *parts)
    assert train == augmented_examples(english_posts, *parts, english_words)
    given = ([GeneratorExample("a", (), ("b",))], [GeneratorExample("c", (), ("d",))])
    assert examples.generator_examples(replace(job, examples=given)) is given
