"""What every generator promises: a class of tests to inherit from, for one of this package or from outside.

A subclass has a fixture `generator`, which writes hashtags for some posts of `POSTS` at least; where loading it needs
options, it overrides the fixture `options`.
"""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from right_hf.component import accepted_options
from right_hf.generator import Generation, Generator
from right_hf.generator.base import generate_allowed
from right_hf.generator.prompt import MAX_HASHTAG_CHARACTERS
from right_hf.hub.arguments import HubArguments
from right_hf.persistence import PICKLE_SUFFIXES
from right_hf.posts import normalise_hashtag
from right_hf.registry import component_class, load_component
from right_hf.vocabulary import Vocabulary
from tests.conftest import CHINESE, ENGLISH

POSTS = [ENGLISH[5].text, "bread", CHINESE[1].text, ENGLISH[0].text * 20, "#", "<tweet> </s> <extra_id_1> #cloud"]
CONTEXTS = [["climate change", "coral"], [], ["樱花"], ["cloud"], ["a" * MAX_HASHTAG_CHARACTERS], ["cloud", "cloud"]]
CANDIDATES = [["coral", "sourdough bread"], ["baking", "coral", "baking"], [], ["cloud", "春天"], ["a"], ["cloud"]]


def assert_same(found: list[Generation], expected: list[Generation]) -> None:
    """Equal, apart from what the size of a batch does to the last digits."""
    assert [one.hashtags for one in found] == [one.hashtags for one in expected]
    assert [one.tokens for one in found] == [one.tokens for one in expected]
    for one, other in zip(found, expected, strict=True):
        assert one.log_likelihoods == pytest.approx(other.log_likelihoods, abs=1e-4)


class GeneratorContract:
    """The tests."""

    @pytest.fixture
    def options(self) -> dict[str, Any]:
        """Arguments of `from_pretrained`."""
        return {}

    def test_it_writes_hashtags_for_each_post(self, generator: Generator) -> None:
        answers = generator.generate(POSTS, CONTEXTS, CANDIDATES)
        assert len(answers) == len(POSTS)
        assert any(answer.hashtags for answer in answers), "else nothing is compared"
        for answer in answers:
            assert len(set(answer.hashtags)) == len(answer.hashtags)
            assert answer.hashtags == [normalise_hashtag(hashtag) for hashtag in answer.hashtags]
            assert all(0 < len(hashtag) <= MAX_HASHTAG_CHARACTERS for hashtag in answer.hashtags)

    def test_a_batch_equals_single_posts(self, generator: Generator) -> None:
        rows = zip(POSTS, CONTEXTS, CANDIDATES, strict=True)
        single = [generator.generate([post], [context], [pool])[0] for post, context, pool in rows]
        assert_same(generator.generate(POSTS, CONTEXTS, CANDIDATES), single)
        backwards = generator.generate(POSTS[::-1], CONTEXTS[::-1], CANDIDATES[::-1])
        assert_same(backwards, single[::-1])

    def test_no_posts_are_answered_with_nothing(self, generator: Generator) -> None:
        assert generator.generate([], []) == generator.generate([], [], []) == []

    def test_lists_of_different_lengths_are_refused(self, generator: Generator) -> None:
        with pytest.raises(ValueError, match="zip"):
            generator.generate(POSTS, CONTEXTS[:1])

    def test_all_candidates_are_scored_or_none(self, generator: Generator) -> None:
        answers = generator.generate(POSTS, CONTEXTS, CANDIDATES)
        if any(answer.log_likelihoods for answer in answers):
            for answer, pool in zip(answers, CANDIDATES, strict=True):
                assert answer.log_likelihoods.keys() == {*answer.hashtags, *pool}
                assert all(score <= 0 for score in answer.log_likelihoods.values())
                assert not answer.tokens or answer.tokens.keys() == answer.log_likelihoods.keys()
                assert all(tokens > 0 for tokens in answer.tokens.values())

    def test_without_candidates_nothing_is_scored_and_the_same_written(self, generator: Generator) -> None:
        answers = generator.generate(POSTS, CONTEXTS)
        assert all(answer.log_likelihoods == answer.tokens == {} for answer in answers)
        scored = generator.generate(POSTS, CONTEXTS, CANDIDATES)
        assert [answer.hashtags for answer in answers] == [answer.hashtags for answer in scored]

    def test_nothing_is_written_but_what_is_allowed(self, generator: Generator) -> None:
        free = [tag for answer in generator.generate(POSTS, CONTEXTS) for tag in answer.hashtags]
        for allowed in (Vocabulary([*free[:1], "coral", "Sour-Dough"]), Vocabulary(["no such hashtag"])):
            answers = generate_allowed(generator, POSTS, CONTEXTS, CANDIDATES, allowed=allowed)
            assert len(answers) == len(POSTS)
            for answer, pool in zip(answers, CANDIDATES, strict=True):
                assert set(answer.hashtags) <= set(allowed.hashtags)
                assert len(set(answer.hashtags)) == len(answer.hashtags)
                assert not answer.log_likelihoods or answer.log_likelihoods.keys() == {*answer.hashtags, *pool}

    def test_what_is_allowed_is_written_still(self, generator: Generator) -> None:
        free = generator.generate(POSTS, CONTEXTS)
        allowed = Vocabulary([tag.upper() for answer in free for tag in answer.hashtags])
        answers = generate_allowed(generator, POSTS, CONTEXTS, allowed=allowed)
        assert any(answer.hashtags for answer in answers)

    def test_with_a_vocabulary_a_batch_equals_single_posts(self, generator: Generator) -> None:
        allowed = Vocabulary(["coral", "cloud", "Cloud Nr 1", "bread", "baking", "樱花", *CONTEXTS[0]])
        rows = zip(POSTS, CONTEXTS, CANDIDATES, strict=True)
        single = [generate_allowed(generator, [post], [one], [pool], allowed=allowed)[0] for post, one, pool in rows]
        assert_same(generate_allowed(generator, POSTS, CONTEXTS, CANDIDATES, allowed=allowed), single)

    def test_it_says_the_same_again(self, generator: Generator) -> None:
        first, again = (generator.generate(POSTS, CONTEXTS, CANDIDATES) for _ in range(2))
        assert first == again

    def test_saved_and_loaded_it_says_the_same(
        self, generator: Generator, options: dict[str, Any], tmp_path: Path
    ) -> None:
        expected = generator.generate(POSTS, CONTEXTS, CANDIDATES)
        for place in ("first", "second"):
            generator.save_pretrained(tmp_path / place)
            generator = type(generator).from_pretrained(tmp_path / place, **options)
            assert generator.generate(POSTS, CONTEXTS, CANDIDATES) == expected
        files = [{path.name for path in (tmp_path / place).iterdir()} for place in ("first", "second")]
        assert files[0] == files[1]
        assert not PICKLE_SUFFIXES & {Path(name).suffix for name in files[0]}

    def test_its_configuration_names_its_type(
        self, generator: Generator, options: dict[str, Any], tmp_path: Path
    ) -> None:
        generator.save_pretrained(tmp_path / "generator")
        settings = json.loads((tmp_path / "generator" / "generator_config.json").read_text(encoding="utf-8"))
        assert settings == {"generator_type": generator.type, **generator.settings}
        assert component_class("generator", generator.type) is type(generator)
        assert type(load_component("generator", tmp_path / "generator", **options)) is type(generator)

    def test_its_options_show(self, generator: Generator) -> None:
        shown = inspect.signature(type(generator).from_pretrained).parameters
        assert {*accepted_options(type(generator)) - {"hub"}, *HubArguments.__annotations__} <= shown.keys()
        assert all(parameter.kind is not parameter.VAR_KEYWORD for parameter in shown.values())

    def test_an_unknown_option_is_refused(self, generator: Generator, options: dict[str, Any], tmp_path: Path) -> None:
        generator.save_pretrained(tmp_path / "generator")
        with pytest.raises(TypeError, match="no_such_option"):
            load_component("generator", tmp_path / "generator", **options, no_such_option=1)

    def test_its_networks_are_ready_to_answer(self, generator: Generator) -> None:
        assert all(isinstance(network, torch.nn.Module) for network in generator.networks)
        assert not any(module.training for network in generator.networks for module in network.modules())
