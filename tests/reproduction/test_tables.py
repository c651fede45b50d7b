from __future__ import annotations

from typing import Any

import pytest
from reproduction.analysis.cases import case_study, choose_cases
from reproduction.analysis.paper import FULL, METRICS, NO_GENERATOR, TABLE_3, TABLE_4
from reproduction.analysis.tables import results_table

from right_hf.evaluation import Answer
from right_hf.posts import Post


def row(*f1: float, p: float | None = None, definition: str = "rouge") -> dict[str, Any]:
    scores = {name.replace("rouge", definition): [10.0] * len(f1) for name in METRICS} | {"f1@1": list(f1)}
    tested = {metric: {"p": p} for metric in ("f1@1", "f1@5")}
    return {"scores": scores} | ({} if p is None else {"against": {"Seq2Seq": tested}})


ROWS = {
    "BM25": row(5.0, p=0.0001),
    "Chat model": {"not_run": "needs a chat endpoint"},
    "Seq2Seq": row(20.0, 22.0, 24.0),
    "RIGHT, BM25": row(30.0, 31.0, 32.0, p=0.0456),
}


def cells(table: str) -> dict[str, list[str]]:
    lines = [line for line in table.splitlines() if line.startswith("|")]
    parsed = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {cell[0]: cell[1:] for cell in parsed}


def test_table_3() -> None:
    table = results_table(ROWS, ["Seq2Seq"], TABLE_3["THG"])
    found = cells(table)
    header = ["seeds", "RG-1", "RG-2", "RG-L", "F1@1", "F1@5", "p against Seq2Seq", "paper, THG"]
    assert found["system"] == header
    paper = TABLE_3["THG"]
    assert found["BM25"][3:] == ["**10.00**", "5.00", "**10.00**", "< 0.001 / < 0.001", _numbers(paper["BM25"])]
    assert found["Seq2Seq"][0] == "3"
    assert found["Seq2Seq"][4:] == ["22.00 ± 2.00", "**10.00** ± 0.00", "", _numbers(paper["Seq2Seq"])]
    assert found["RIGHT, BM25"][4] == "**31.00** ± 1.00"
    assert found["RIGHT, BM25"][6] == "0.046 / 0.046"
    # A row that was not run shows no number but the paper's, and says why.
    assert found["Chat model"] == ["", "not run", "", "", "", "", "", "44.60 / 27.67 / 39.29 / 9.72 / 26.08"]
    assert "Not run, needs a chat endpoint: Chat model." in table
    assert "package `rouge`" in table and "not comparable" in table
    assert len({len(line) for line in table.splitlines() if line.startswith("|")}) == 1


def _numbers(values: dict[str, float]) -> str:
    return " / ".join(f"{value:.2f}" for value in values.values())


def test_other_definition_of_rouge_and_no_paper() -> None:
    rows = {"A": row(1.0, definition="rouge_score"), "B": {"not_run": "reason"}}
    table = results_table(rows, ["A"], definition="rouge_score")
    assert "package `rouge_score`" in table and "paper" not in table
    with pytest.raises(ValueError, match="A: no scores of rouge1, rouge2, rougeL"):
        results_table(rows, ["A"])


def test_a_column_for_each_baseline() -> None:
    found = cells(results_table(ROWS, ["Seq2Seq", "BM25"]))
    assert found["system"][-2:] == ["p against Seq2Seq", "p against BM25"]
    assert found["RIGHT, BM25"][-2:] == ["0.046 / 0.046", ""]


def test_a_row_that_was_not_run_and_that_the_paper_does_not_have_is_only_named() -> None:
    table = results_table({"A": {"not_run": "x"}, "B": row(1.0)}, ["A"])
    assert list(cells(table))[-1] == "B" and "A" not in cells(table)
    assert "Not run, x: A." in table


@pytest.mark.parametrize("bad", [{}, {"not_run": "x", **row(1.0)}])
def test_a_row_has_scores_or_a_reason(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="A: expected either scores or the reason"):
        results_table({"A": bad}, ["A"])


def test_the_papers_numbers() -> None:
    """The gains that the paper's abstract and text state follow from its tables."""
    thg, whg = TABLE_3["THG"], TABLE_3["WHG"]
    assert thg["RIGHT, chat model"]["f1@1"] - thg["Chat model"]["f1@1"] == pytest.approx(12.67)
    assert whg["RIGHT, chat model"]["f1@1"] - whg["Chat model"]["f1@1"] == pytest.approx(18.25)
    assert TABLE_4["THG"][FULL] == thg["RIGHT, SimCSE"]
    assert TABLE_4["THG"][NO_GENERATOR]["f1@5"] == 26.73
    assert all(tuple(values) == METRICS for values in thg.values())
    assert all(tuple(values) == METRICS[:4] for values in whg.values())


POSTS = [Post(str(i), f"post {i} | *x* <b>", ("a", "b"), license="MIT" if i % 2 else None) for i in range(12)]
BETTER, WORSE, NOTHING = Answer(["a", "b"], ["a", "b"]), Answer(["b", "z"], ["b", "z"]), Answer(["z"], [])
OURS = [[BETTER, WORSE, BETTER, NOTHING][i // 3] for i in range(12)]
THEIRS = [[WORSE, BETTER, BETTER, NOTHING][i // 3] for i in range(12)]


def test_one_case_of_each_outcome() -> None:
    cases = choose_cases(POSTS, OURS, THEIRS, seed=1)
    assert [(case.outcome, case.row // 3, case.posts) for case in cases] == [
        ("more", 0, 3),
        ("as many", 2, 3),
        ("fewer", 1, 3),
    ]
    assert choose_cases(POSTS, OURS, THEIRS, seed=1) == cases
    assert len({choose_cases(POSTS, OURS, THEIRS, seed=seed)[0].row for seed in range(20)}) == 3
    licensed = [case for seed in range(20) for case in choose_cases(POSTS, OURS, THEIRS, seed, {"MIT"})]
    assert {POSTS[case.row].license for case in licensed} == {"MIT"}
    assert {case.posts for case in licensed} == {3}
    assert choose_cases(POSTS, OURS, THEIRS, 1, {"CC-BY-4.0"}) == []
    with pytest.raises(ValueError, match="12 posts, 12 and 11 answers"):
        choose_cases(POSTS, OURS, THEIRS[1:], seed=1)


def test_case_study() -> None:
    study = case_study(
        POSTS, [["a", "c"]] * 12, [["c_d"]] * 12, {"Seq2Seq": THEIRS, "RIGHT": OURS}, "RIGHT", "Seq2Seq", 1, {"MIT"}
    )
    rule, first, *_ = blocks = study.split("\n\n")
    assert len(blocks) == 4
    assert "seed 1" in rule and "Only posts under MIT" in rule
    (case, *_) = choose_cases(POSTS, OURS, THEIRS, 1, {"MIT"})
    assert first.splitlines() == [
        "| RIGHT has | more (3 posts) |",
        "|---|---|",
        rf"| post | post {case.row} \| \*x\* \<b\> |",
        "| gold | **a**; **b** |",
        "| retrieved | **a**; c |",
        r"| selected | c\_d |",
        "| Seq2Seq | **b**; z |",
        "| RIGHT | **a**; **b** |",
    ]


def test_an_answer_without_hashtags_is_shown_as_none() -> None:
    silent = [Answer([], [])]
    study = case_study(POSTS[:1], [[]], [[]], {"A": [BETTER], "B": silent}, "A", "B", 0)
    assert "| retrieved | (none) |" in study and "| B | (none) |" in study
