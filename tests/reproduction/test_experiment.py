"""The paper's tables in smoke size: every row runs, a second run takes what is there, other data are refused."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from reproduction.analysis.paper import CHAT, NO_GENERATOR, RIGHT_BM25, RIGHT_CHAT, RIGHT_SIMCSE
from reproduction.experiment import SAMPLE, Experiment, random_hashtags
from reproduction.llm_ranker import WITHOUT, LlmRankers, llm_fusion_table
from reproduction.plan import Plan, load_plan, merged
from reproduction.ranker_table import ORACLE
from reproduction.rankers import ABLATIONS, WHOLE
from reproduction.report import Report
from reproduction.systems import (
    TABLE_3,
    ablations,
    llm_rows,
    otherwise_trained,
    right,
    with_hashtags,
)
from reproduction.tables import TABLES

from right_hf.evaluation import BM25
from right_hf.persistence import read_object
from right_hf.posts import Post
from right_hf.ranker.features import FEATURES
from right_hf.trainers.pools import Pools
from right_hf.trainers.recipe import read_recipe_file
from tests.support.paths import ROOT
from tests.support.smoke_data import write_splits

_CONFIGS = ROOT / "training" / "configs" / "reproduce"


@pytest.fixture(scope="module")
def plan() -> Plan:
    return load_plan(_CONFIGS / "smoke.yaml", "small").with_seeds((0, 1))


@pytest.fixture(scope="module")
def experiment(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    folder = tmp_path_factory.mktemp("reproduction")
    data = write_splits(folder / "data")
    return Experiment(plan, data, folder / "work")


@pytest.mark.slow
def test_every_row_runs_and_is_kept(experiment: Experiment, tmp_path: Path) -> None:
    report = Report(experiment, tmp_path)
    table = report.table_3()
    result = json.loads((tmp_path / "table-3.json").read_text())
    assert list(result["rows"]) == [system.name for system in TABLE_3]
    assert {name for name, row in result["rows"].items() if "not_run" in row} == {CHAT, RIGHT_CHAT}
    assert len(result["rows"][RIGHT_BM25]["scores"]["f1@1"]) == 2  # seeds
    assert table in (tmp_path / "table-3.md").read_text()
    made = experiment.store.costs()
    report.table_4()
    assert NO_GENERATOR in json.loads((tmp_path / "table-4.json").read_text())["rows"]
    before = len(experiment.store.costs())
    assert before > len(made)
    report.table_4()
    report.table_3()
    assert len(experiment.store.costs()) == before  # nothing is made twice
    assert len({entry["made"] for entry in experiment.store.costs()}) == before


@pytest.mark.slow
def test_generators_trained_otherwise_stand_beside_the_own_and_none(experiment: Experiment, tmp_path: Path) -> None:
    own = right(experiment.best_retriever)
    rehearsing = otherwise_trained(own, "rehearsing")
    report = Report(experiment, tmp_path, [own.name, rehearsing.name, NO_GENERATOR])
    table = TABLES["generators"](report)
    result = json.loads((tmp_path / "generators.json").read_text())
    assert [name for name, row in result["rows"].items() if "scores" in row] == report.rows
    assert set(result["rows"][rehearsing.name]["against"]) == {own.name, NO_GENERATOR}
    assert list(result["validation"]) == report.rows[:2] and len(result["validation"][own.name]) == 2  # seeds
    assert table.count(f"| {rehearsing.name} ") == 2
    usual_steps, rehearsing_steps = (
        read_object(experiment.generator(system, 0) / "training.json")["steps"] for system in (own, rehearsing)
    )
    assert rehearsing_steps == pytest.approx(1.5 * usual_steps, abs=1)


@pytest.mark.slow
def test_the_llm_is_tuned_with_and_without_retrieval(experiment: Experiment, tmp_path: Path) -> None:
    shown = llm_rows("LLM")
    run = ["prompted", "right shots", "tuned", "right", "grpo", NO_GENERATOR]
    report = Report(experiment, tmp_path, [shown[key].name for key in run])
    table = report.table_llm()
    result = json.loads((tmp_path / "table-llm.json").read_text())
    assert {name for name, row in result["rows"].items() if "not_run" not in row} == set(report.rows)
    assert set(result["rows"]["RIGHT, LLM, LoRA, after GRPO"]["against"]) == {
        "LLM, LoRA",
        "RIGHT, LLM, LoRA",
        NO_GENERATOR,
    }
    assert [set(scores) for scores in result["validation"]["LLM, LoRA"]] == [{"f1@1", "f1@5"}] * 2  # seeds
    assert table in (tmp_path / "table-llm.md").read_text()
    assert (result["posts"], result["llm_posts"]) == (len(experiment.posts[SAMPLE]), experiment.plan.llm.posts)
    # All start from one base and take the same steps; only GRPO goes on from what was tuned.
    made = [entry["made"] for entry in experiment.store.costs()]
    assert made.count("base-decoder/generator") == 1
    records = [read_object(experiment.generator(shown[key], 0) / "training.json") for key in ("tuned", "right", "grpo")]
    assert records[0]["steps"] == records[1]["steps"]
    assert [record["retrieval"] for record in records] == [False, True, True]


@pytest.mark.slow
def test_the_ranker_with_the_llm(plan: Plan, tmp_path: Path) -> None:
    experiment = Experiment(plan.with_seeds((0,)), write_splits(tmp_path / "data"), tmp_path / "work")
    assert "ranker with LLM" in llm_fusion_table(Report(experiment, tmp_path))
    result = json.loads((tmp_path / "llm-fusion.json").read_text())
    assert set(result["rows"]["ranker with LLM"]["against"]) == {WITHOUT.name}
    rankers = LlmRankers(experiment, experiment.whole_validation)
    held, judged = (rankers.pools("held-out", 0, judged) for judged in (False, True))
    assert len(judged.sizes) == rankers.llm.ranker_posts < len(held.sizes)
    assert np.isnan(held.column("generator_mean")).all()
    # The LLM judges the best of the pool alone, and what it wrote itself.
    told = ~np.isnan(judged.column("generator_mean")) & np.isnan(judged.column("generator_rank"))
    owners = np.repeat(np.arange(len(judged.sizes)), judged.sizes)
    assert np.bincount(owners[told]).max() == rankers.llm.scored < judged.sizes.max()
    trees = rankers.ranker(WITHOUT, 0)
    assert not [name for name in trees.features if name.startswith("generator_")]


def test_an_llm_may_not_change_under_a_folder(plan: Plan, tmp_path: Path) -> None:
    data = write_splits(tmp_path / "data")
    Experiment(plan, data, tmp_path / "work").planned_llm()
    assert plan.llm is not None
    values = merged(plan.llm.planned.values, {"pretraining": {"generator": {"vocabulary_size": 500}}})
    changed = replace(plan, llm=replace(plan.llm, planned=replace(plan.llm.planned, values=values)))
    experiment = Experiment(changed, data, tmp_path / "work")  # its other systems may go on
    with pytest.raises(ValueError, match="other settings or data"):
        experiment.planned_llm()
    with pytest.raises(ValueError, match="no `llm`"):
        Experiment(replace(plan, llm=None), data, tmp_path / "work").planned_llm()


def test_a_row_that_no_table_has_is_named(plan: Plan, tmp_path: Path) -> None:
    experiment = Experiment(plan, write_splits(tmp_path / "data"), tmp_path / "work")
    report = Report(experiment, tmp_path / "out", [BM25, "BM52"])
    with pytest.raises(ValueError, match=r"no row 'BM52'\. Its rows: BM25; SimCSE; "):
        report.table_3()
    assert experiment.store.costs() == [] and not (tmp_path / "out").exists()


def test_rows_that_are_one_system_share_what_is_made() -> None:
    whole = right("BM25")
    assert ablations("BM25")[0].key == whole.key
    assert with_hashtags("BM25", 7, usual=7).key == whole.key
    assert with_hashtags("BM25", 3, usual=7).key != whole.key
    keys = [system.key for system in (*TABLE_3, *ablations("BM25")[1:], *list(llm_rows("LLM").values())[4:])]
    assert len(set(keys)) == len(keys)
    assert right("SimCSE").name == RIGHT_SIMCSE


def test_random_hashtags_depend_on_post_and_seed_alone(english_posts: list[Post]) -> None:
    drawn = random_hashtags(english_posts, english_posts, 3, seed=0)
    assert random_hashtags(english_posts[::-1], english_posts, 3, seed=0) == drawn[::-1]
    assert random_hashtags(english_posts, english_posts, 3, seed=1) != drawn
    known = {hashtag for post in english_posts for hashtag in post.hashtags}
    assert all(len(set(hashtags)) == 3 and set(hashtags) <= known for hashtags in drawn)


def test_another_experiment_is_not_mixed_in(plan: Plan, tmp_path: Path) -> None:
    data = write_splits(tmp_path / "data")
    Experiment(plan, data, tmp_path / "work")
    other = write_splits(tmp_path / "other", {"train": 40, "validation": 16, "test": 8})
    with pytest.raises(ValueError, match="other settings or data"):
        Experiment(plan, other, tmp_path / "work")


@pytest.mark.parametrize("name", ["smoke", "tweets-en", "weibo-zh"])
@pytest.mark.parametrize("protocol", ["small", "full"])
def test_the_projects_plans_load(name: str, protocol: str) -> None:
    plan = load_plan(_CONFIGS / f"{name}.yaml", protocol)
    assert plan.recipe.protocol == protocol
    assert plan.simcse.recipe.retriever.type == "dense"
    assert plan.segtrm.recipe.generator.type == "segtrm"
    assert "d_model" not in plan.segtrm.recipe.generator.shape
    # Both arms of a comparison get the same steps.
    assert plan.segtrm.recipe.generator.arguments == plan.recipe.generator.arguments
    assert list(plan.generators) == ["rehearsing"]


def test_the_script_tunes_the_llm_of_the_table() -> None:
    llm = load_plan(_CONFIGS / "tweets-en.yaml", "small").llm
    assert llm is not None
    assert read_recipe_file(_CONFIGS.parent / "tweets-en-llm.yaml") == llm.planned.values


def test_a_plan_must_be_whole(tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text("recipe: {language: en}")
    with pytest.raises(ValueError, match="must hold recipe, simcse, segtrm, protocols, seeds"):
        load_plan(tmp_path / "plan.yaml", "small")


def test_changes_go_into_mappings() -> None:
    assert merged({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}}) == {"a": {"b": 3, "c": 2}}
    assert merged({"shape": {"d_model": 1}}, {"shape": {"hidden_size": 2}}) == {"shape": {"hidden_size": 2}}


@pytest.mark.slow
def test_the_ranker_is_compared_and_kept(experiment: Experiment, tmp_path: Path) -> None:
    pytest.importorskip("lightgbm")
    report = Report(experiment, tmp_path)
    table = TABLES["fusion"](report)
    result = json.loads((tmp_path / "fusion.json").read_text())
    rows = result["rows"]
    baseline = next(iter(rows))
    assert baseline == right(experiment.best_retriever).name
    assert all(f"| {name}" in table for name in rows)
    assert {row.name for row in (WHOLE, *ABLATIONS)} < set(rows) == set(result["validation"])
    assert set(rows[WHOLE.name]["against"]) == {baseline}
    assert set(rows[ABLATIONS[0].name]["against"]) == {baseline, WHOLE.name}
    oracle = rows[ORACLE]["scores"]["f1@1"]
    assert all(max(row["scores"]["f1@1"]) <= max(oracle) for name, row in rows.items() if name != baseline)
    assert all(0 <= tenth["gold"] <= 1 and tenth["hashtags"] > 0 for tenth in result["calibration"])
    before = len(experiment.store.costs())
    assert TABLES["fusion"](report) == table
    assert len(experiment.store.costs()) == before  # nothing is made twice


def test_a_variant_neither_sees_nor_ranks_what_it_is_without() -> None:
    values = np.full((4, len(FEATURES)), np.nan, dtype=np.float32)
    for row, name in enumerate(["dense_rank", "bm25_rank", "generator_rank", "mention_words"]):
        values[row, FEATURES.index(name)] = 1
    values[:, FEATURES.index("corpus_count")] = [1, 1, 0, 0]
    names = ["dense", "bm25", "written", "phrase"]
    pools = Pools(np.asarray([4]), names, values, np.zeros(4, dtype=bool), FEATURES)
    kept = {variant.key: variant.view(pools).hashtags for variant in (WHOLE, *ABLATIONS)}
    assert kept["whole"] == kept["no-votes"] == kept["no-likelihood"] == pools.hashtags
    assert kept["bm25"] == ["bm25", "written", "phrase"]
    assert kept["not-written"] == kept["no-generator"] == ["dense", "bm25", "phrase"]
    assert kept["no-mentions"] == kept["known"] == ["dense", "bm25", "written"]
    assert not [name for name in ABLATIONS[0].features if name.startswith("dense_")]
    assert WHOLE.features == list(FEATURES)
