import pytest
from hypothesis import given
from hypothesis import strategies as st

from right_hf.trainers.rewards import duplicate_reward, f1_reward, format_reward, listed, reward_functions

TAGS = st.lists(st.sampled_from(["a", "b", "c", "d", "e f"]), max_size=8)
PIECES = st.lists(st.sampled_from(["a", "b", "c", ""]), max_size=8)


@pytest.mark.parametrize(
    ("hashtags", "gold", "expected"),
    [
        (["wvd"], ["wvd"], 1.0),
        (["wvd", "azure"], ["wvd"], 2 / 3),
        (["wvd"], ["wvd", "citrix"], 2 / 3),
        (["wvd", "azure"], ["citrix", "wvd"], 0.5),
        (["wvd", "wvd"], ["wvd"], 1.0),  # repeats are the duplicates' matter
        (["azure"], ["wvd"], 0.0),
        ([], ["wvd"], 0.0),
        ([], [], 0.0),
    ],
)
def test_f1(hashtags: list[str], gold: list[str], expected: float) -> None:
    assert f1_reward(hashtags, gold) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("pieces", "form", "duplicates"),
    [
        (["wvd", "azure"], 0.0, 0.0),
        (["wvd", ""], -0.5, 0.0),
        (["wvd", "wvd", "azure", "wvd"], 0.0, -0.5),
        (["wvd", "wvd", "", ""], -0.5, -0.5),
        ([""], -1.0, 0.0),
        ([], -1.0, 0.0),
        (None, -1.0, 0.0),
    ],
)
def test_format_and_duplicates(pieces: list[str] | None, form: float, duplicates: float) -> None:
    assert format_reward(pieces) == pytest.approx(form)
    assert duplicate_reward(pieces) == pytest.approx(duplicates)


@pytest.mark.parametrize(
    ("answer", "pieces"),
    [
        (" #dev ops #cloud", ["dev ops", "cloud"]),
        ("# dev ops # cloud # cloud", ["dev ops", "cloud", "cloud"]),
        ("#dev ops #", ["dev ops", ""]),
        ("Sure! #cloud", ["", "cloud"]),
        ("#a longer sentence is no hashtag at all #cloud", ["", "cloud"]),
        ("cloud", [""]),
        ("", []),
        ("#", [""]),
    ],
)
def test_an_answer_is_a_list(answer: str, pieces: list[str]) -> None:
    assert listed(answer) == pieces


@given(st.text(max_size=60))
def test_any_answer_is_read(answer: str) -> None:
    assert len(listed(answer)) <= answer.count("#") + 1


@given(TAGS, TAGS)
def test_f1_is_symmetric_and_blind_to_order(hashtags: list[str], gold: list[str]) -> None:
    score = f1_reward(hashtags, gold)
    assert 0 <= score <= 1
    assert score == f1_reward(gold[::-1], hashtags)
    assert (score == 1) == (bool(gold) and set(hashtags) == set(gold))


@given(TAGS, TAGS, st.sampled_from(["x", "y"]))
def test_a_wrong_hashtag_never_helps(hashtags: list[str], gold: list[str], wrong: str) -> None:
    assert f1_reward([*hashtags, wrong], gold) <= f1_reward(hashtags, gold)


@given(PIECES, st.integers(0, 7))
def test_what_is_punished_lowers_the_reward(pieces: list[str], at: int) -> None:
    assert -1 <= format_reward(pieces) <= 0
    assert -1 < duplicate_reward(pieces) <= 0
    assert format_reward([*pieces[:at], "", *pieces[at:]]) <= format_reward(pieces)
    hashtags = [piece for piece in pieces if piece]
    if hashtags:
        assert duplicate_reward([*pieces, hashtags[0]]) < duplicate_reward(pieces)


def test_a_batch_is_read_from_its_token_ids() -> None:
    answers: dict[int, list[str] | None] = {1: ["wvd", "wvd"], 2: None}
    functions = reward_functions(lambda ids: answers[ids[0]])
    arguments = {"completion_ids": [[1], [2]], "gold": [["wvd"], ["wvd"]], "prompts": ["", ""], "trainer_state": None}
    assert [function(**arguments) for function in functions] == [[1.0, 0.0], [0.0, -1.0], [-0.5, 0.0]]
    assert [function.__name__ for function in functions] == ["f1", "format", "duplicates"]
