import pytest
from transformers import PreTrainedTokenizerFast

from right_hf.generator.prompt import SeparatorFormat
from right_hf.training.copying import CopyingExamples, CopyingRecipe


@pytest.fixture
def form(tiny_tokenizer: PreTrainedTokenizerFast) -> SeparatorFormat:
    return SeparatorFormat(tiny_tokenizer, 64, 16)


def test_the_target_is_the_first_hashtags_of_the_input(form: SeparatorFormat) -> None:
    recipe = CopyingRecipe(steps=10, batch_size=4, bare=0.5, post_tokens=5)
    posts = [[10, 11, 12, 13, 14, 15, 16]]
    examples = CopyingExamples(posts, form, recipe, seed=0)
    assert len(examples) == 40
    for number in range(len(examples)):
        example = examples[number]
        source, target = example["input_ids"], example["labels"]
        start = form.post_length(source)
        assert source[:start] == posts[0][:start]
        assert start == 0 or number >= 20  # posts come after half of the steps
        copied = [form.sep1 if token == form.sep2 else token for token in target[:-1]]
        assert source[start + 1 : start + 1 + len(copied)] == copied
        assert target[-1] == source[-1] == form.tokenizer.eos_token_id


def test_an_example_depends_on_seed_and_number_alone(form: SeparatorFormat) -> None:
    recipe = CopyingRecipe(steps=4, batch_size=4)
    first, second = (CopyingExamples([[10, 11]], form, recipe, seed=3) for _ in range(2))
    assert first[7] == second[7]
    assert first[7] != CopyingExamples([[10, 11]], form, recipe, seed=4)[7]


def test_posts_grow_to_their_full_length() -> None:
    recipe = CopyingRecipe(bare=0.3, post_tokens=30)
    lengths = [recipe.longest_post(step / 100) for step in range(101)]
    assert lengths == sorted(lengths)
    assert lengths[29] == 0 and lengths[30] == 1 and lengths[100] == 30
