from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from right_hf import Post
from right_hf.trainers.recipe import Recipe
from right_hf.trainers.runs import claim_run, last_checkpoint, run_identity
from right_hf.trainers.seq2seq import Seq2SeqRecipe

POSTS = [Post("1", "text", ("tag",))]
RECIPE = Recipe(language="en", licenses=("MIT",))


def test_a_run_may_be_claimed_again_by_itself_only(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    claim_run(folder, run_identity(RECIPE, POSTS))
    claim_run(folder, run_identity(RECIPE, POSTS))
    for other in (
        run_identity(replace(RECIPE, seed=1), POSTS),
        run_identity(RECIPE, [Post("1", "other text", ("tag",))]),
        run_identity(RECIPE, POSTS, selector={"seed": 3}),
    ):
        with pytest.raises(ValueError, match="other settings or data"):
            claim_run(folder, other)


def test_settings_at_their_default_are_no_part_of_a_runs_identity() -> None:
    """Else every new setting would orphan the runs of an older version."""
    types = {"retriever": "bm25", "selector": "bi-encoder", "generator": "seq2seq", "ranker": "trees"}
    whole = run_identity(RECIPE, POSTS)
    assert {role: whole.pop(role) for role in types} == {role: {"type": kind} for role, kind in types.items()}
    assert set(whole) == {"language", "licenses", "posts"}
    chosen = replace(RECIPE, generator=Seq2SeqRecipe(token_dropout=0.1, arguments={"bf16": True}))
    expected = {"type": "seq2seq", "token_dropout": 0.1, "arguments": {"bf16": True}}
    assert run_identity(chosen, POSTS)["generator"] == expected
    assert run_identity(replace(RECIPE, generator=Seq2SeqRecipe()), POSTS) == run_identity(RECIPE, POSTS)
    assert run_identity(replace(RECIPE, generator=None), POSTS)["generator"] is None


def test_checkpoints_of_an_unknown_run_are_not_taken(tmp_path: Path) -> None:
    (tmp_path / "checkpoint-10").mkdir()
    with pytest.raises(ValueError, match="other settings or data"):
        claim_run(tmp_path, run_identity(RECIPE, POSTS))


def test_half_written_checkpoints_are_passed_over(tmp_path: Path) -> None:
    assert last_checkpoint(tmp_path) is None
    for step in (90, 100):
        (tmp_path / f"checkpoint-{step}").mkdir()
        (tmp_path / f"checkpoint-{step}" / "trainer_state.json").write_text("{}")
    (tmp_path / "checkpoint-999").mkdir()
    assert last_checkpoint(tmp_path) == str(tmp_path / "checkpoint-100")
