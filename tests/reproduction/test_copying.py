import pytest
from reproduction.pretraining.copying import MAX_HASHTAGS, CopyingExamples, CopyingRecipe, RehearsedExamples
from transformers import PreTrainedTokenizerFast

from right_hf import Post
from right_hf.generator.prompt import HashtagFormat

HASHTAGS = [[20, 21, 22], [23]]


@pytest.fixture
def form(tiny_tokenizer: PreTrainedTokenizerFast) -> HashtagFormat:
    return HashtagFormat(tiny_tokenizer, 64, 16)


def test_the_target_is_the_first_hashtags_of_the_input(form: HashtagFormat) -> None:
    recipe = CopyingRecipe(steps=10, batch_size=4, bare=0.5, post_tokens=5)
    posts = [[10, 11, 12, 13, 14, 15, 16]]
    examples = CopyingExamples(posts, HASHTAGS, form, recipe, seed=0)
    assert len(examples) == 40
    for number in range(len(examples)):
        example = examples[number]
        source, target = example["input_ids"], example["labels"]
        start = form.post_length(source)
        assert source[:start] == posts[0][:start]
        assert start == 0 or number >= 20  # posts come after half of the steps
        copied = [form.sep1 if token == form.sep2 else token for token in target[:-1]]
        assert source[start + 1 : start + 1 + len(copied)] == copied
        lengths = {len(hashtag) for hashtag in _hashtags(form, source[start:-1])}
        assert lengths <= {1, 3}  # as long as real ones
        assert target[-1] == source[-1] == form.tokenizer.eos_token_id


def test_real_and_random_hashtags_are_mixed(form: HashtagFormat) -> None:
    examples = CopyingExamples([[10, 11]], HASHTAGS, form, CopyingRecipe(steps=10, batch_size=4), seed=0)
    found = [tag for number in range(len(examples)) for tag in _hashtags(form, examples[number]["input_ids"])]
    real = sum(tag in HASHTAGS for tag in found) / len(found)
    assert 0.35 < real < 0.65


def _hashtags(form: HashtagFormat, source: list[int]) -> list[list[int]]:
    found: list[list[int]] = []
    for token in source:
        if token == form.sep1:
            found.append([])
        elif found and token != form.tokenizer.eos_token_id:
            found[-1].append(token)
    return found


def test_an_example_depends_on_seed_and_number_alone(form: HashtagFormat) -> None:
    recipe = CopyingRecipe(steps=4, batch_size=4)
    first, second = (CopyingExamples([[10, 11]], HASHTAGS, form, recipe, seed=3) for _ in range(2))
    assert first[7] == second[7]
    assert first[7] != CopyingExamples([[10, 11]], HASHTAGS, form, recipe, seed=4)[7]


def test_a_share_of_the_posts_is_rehearsed(form: HashtagFormat, english_posts: list[Post]) -> None:
    recipe = CopyingRecipe(rehearsed=0.5, post_tokens=5)
    examples = RehearsedExamples.of_posts(english_posts * 20, form, recipe, seed=0)
    assert len(examples) == 10 * len(english_posts)
    lengths, numbers = set(), set()
    for number in range(len(examples)):
        source, target = examples[number]["input_ids"], examples[number]["labels"]
        hashtags = _hashtags(form, source)
        copied = _hashtags(form, [form.sep1, *(form.sep1 if token == form.sep2 else token for token in target)])
        assert copied == hashtags[: len(copied)]
        lengths.add(form.post_length(source))
        numbers.add(len(hashtags))
    assert lengths == set(range(6)) and numbers == set(range(1, MAX_HASHTAGS + 1))  # from the first on
    with pytest.raises(ValueError, match="0 or more, got -1"):
        CopyingRecipe(rehearsed=-1)


def test_posts_grow_to_their_full_length() -> None:
    recipe = CopyingRecipe(bare=0.3, post_tokens=30)
    lengths = [recipe.longest_post(step / 100) for step in range(101)]
    assert lengths == sorted(lengths)
    assert lengths[29] == 0 and lengths[30] == 1 and lengths[100] == 30
