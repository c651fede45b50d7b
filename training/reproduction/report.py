"""From the answers of an experiment to its tables, figures and cases, as plain results and as files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from reproduction import systems
from reproduction.analysis.cases import case_study
from reproduction.analysis.figures import hashtag_count_figure, strata_figure
from reproduction.analysis.paper import FULL, NO_GENERATOR, RIGHT_BM25, TABLE_3, TABLE_4
from reproduction.analysis.significance import compare_all, mean_over_seeds
from reproduction.analysis.strata import (
    by_gold_in_text,
    by_origin,
    by_overlap,
    by_seen_gold,
    nearest_overlaps,
    score_strata,
)
from reproduction.analysis.tables import results_table, strata_table, validation_table
from reproduction.experiment import SAMPLE, Experiment
from reproduction.systems import FIGURE_3, TUNED, System
from right_hf.analysis import get_analyser
from right_hf.evaluation import BM25, SEQ2SEQ, Answer, Statistics, answer_statistics, percent
from right_hf.metrics import PerPost
from right_hf.persistence import write_json, write_text
from right_hf.provenance import provenance

#: The paper's data set that stands beside a language's results.
_PAPER_DATA = {"en": "THG", "zh": "WHG"}
_NO_CHAT = "needs a chat model (--chat-model)"
_NO_LLM = "the plan has no llm"
_SKIPPED = "left out by --rows"
_OPEN_LICENSES = frozenset({"MIT", "CC-BY-4.0"})


class Report:
    """Writes an experiment's results into a folder.

    Args:
        experiment: Whose answers are shown.
        folder: Where results are written.
        rows: Names of the systems to run; None for all. The others stand in the tables as not run.
    """

    def __init__(self, experiment: Experiment, folder: Path, rows: Sequence[str] | None = None) -> None:
        self.experiment = experiment
        self.folder = folder
        self.rows = rows
        self.language = experiment.plan.recipe.language
        self.posts = experiment.posts["test"]

    def table_3(self) -> str:
        """Every system, and RIGHT's gain over each other one; returns the table in Markdown."""
        rows, means = self._rows(systems.TABLE_3)
        rights = [row.name for row in systems.TABLE_3 if row.name in means and row.ranking is not None]
        others = {name: scores for name, scores in means.items() if name not in rights}
        for name in means:
            baselines = others if name in rights else {SEQ2SEQ: others[SEQ2SEQ]} if SEQ2SEQ in others else {}
            self.compare(rows, means, name, {key: base for key, base in baselines.items() if key != name})
        paper_data = _PAPER_DATA[self.language]
        strata = {strata.title: score_strata(strata, means) for strata in self._strata()}
        strata_figure(self.folder / "strata.png", next(iter(strata.values())))
        table = results_table(rows, [SEQ2SEQ], TABLE_3[paper_data], paper_data)
        return self.write("table-3", table, {"rows": rows, "strata": strata})

    def table_4(self) -> str:
        """RIGHT without each of its parts; returns the table in Markdown."""
        shown = systems.ablations(self.experiment.best_retriever)
        rows, means = self._rows(shown)
        for name in means:
            self.compare(rows, means, name, {FULL: means[FULL]} if name != FULL and FULL in means else {})
        table = results_table(rows, [FULL], TABLE_4.get(_PAPER_DATA[self.language]), _PAPER_DATA[self.language])
        return self.write("table-4", table, {"rows": rows, "retriever": self.experiment.best_retriever})

    def table_llm(self) -> str:
        """The plan's LLM with and without retrieval, as it is and tuned, beside the T5; the table in Markdown.

        All rows are of the posts of the split `sample`.
        """
        llm = self.experiment.plan.llm
        shown = systems.llm_rows("LLM" if llm is None else llm.name)
        rows, means = self._rows(list(shown.values()), SAMPLE)
        others = [shown[key].name for key in (RIGHT_BM25, NO_GENERATOR, "tuned", "right")]
        pairs = {"right prompted": "prompted", "right shots": "shots"}
        for key, system in shown.items():
            against = [shown[pairs[key]].name] if key in pairs else others
            if system.name in means:
                known = {name: means[name] for name in against if name in means and name != system.name}
                self.compare(rows, means, system.name, known)
        validation = self._validation(row for row in shown.values() if row.kind in TUNED and row.name in means)
        result = {"rows": rows, "validation": validation, **self.llm_facts()}
        table = results_table(rows, others)
        if (right := shown["right"]).name in means:
            seed, asked = self.experiment.plan.seeds[0], self.experiment
            strata = by_origin(asked.answers(right, seed, SAMPLE), asked.contexts(right, seed, SAMPLE))
            result["first"] = score_strata(strata, means)
            compared = [name for name in (shown[NO_GENERATOR].name, right.name) if name in means]
            table += f"\n\nF1@1 by where the first hashtag of {right.name} comes from:\n\n"
            table += strata_table(result["first"], compared)
        return self.write("table-llm", table, result)

    def llm_facts(self) -> dict[str, Any]:
        """How many posts the LLM's rows are of, and learn from; none where the plan has no LLM."""
        llm = self.experiment.plan.llm
        return {} if llm is None else {"posts": len(self.experiment.posts[SAMPLE]), "llm_posts": llm.posts}

    def generators(self) -> str:
        """RIGHT with the generators that the plan trains otherwise, beside its own and none; the table in Markdown.

        Validation is that of the kept epochs, on the posts on which they were chosen.
        """
        whole = systems.right(self.experiment.best_retriever)
        trained = [systems.otherwise_trained(whole, name) for name in self.experiment.plan.generators]
        without = systems.ablations(self.experiment.best_retriever)[-1]
        rows, means = self._rows([whole, *trained, without])
        for name in means:
            others = {whole.name, without.name} & means.keys() - {name}
            self.compare(rows, means, name, {other: means[other] for other in sorted(others)})
        validation = {
            name: [{metric: 100 * score for metric, score in run.items()} for run in runs]
            for name, runs in self._validation(row for row in (whole, *trained) if row.name in means).items()
        }
        table = f"{results_table(rows, [whole.name, without.name])}\n\n{validation_table(validation)}"
        return self.write("generators", table, {"rows": rows, "validation": validation})

    def figure_3(self) -> str:
        """RIGHT with more and fewer hashtags beside the post, with the first seed; returns the numbers in Markdown."""
        usual, seed = self.experiment.plan.recipe.selector.hashtags, self.experiment.plan.seeds[0]
        points: dict[int, dict[str, list[float]]] = {}
        for number in FIGURE_3:
            system = systems.with_hashtags(self.experiment.best_retriever, number, usual)
            scores = self._statistics(system, seed)
            points[number] = {name: [percent(scores)[name]] for name in ("rouge1", "f1@1")}
        hashtag_count_figure(self.folder / "figure-3.png", {self.folder.name: points})
        lines = ["| hashtags | RG-1 | F1@1 |", "|---:|---:|---:|"]
        lines += [f"| {k} | {point['rouge1'][0]:.2f} | {point['f1@1'][0]:.2f} |" for k, point in points.items()]
        return self.write("figure-3", "\n".join(lines), {"points": points, "seed": seed, "seeds": [seed]})

    def cases(self) -> str:
        """Posts that RIGHT does better, as well and worse than Seq2Seq, with the first seed, in Markdown.

        Only openly licensed posts are shown.
        """
        experiment, seed = self.experiment, self.experiment.plan.seeds[0]
        whole = systems.right(experiment.best_retriever)
        baseline = next(row for row in systems.TABLE_3 if row.name == SEQ2SEQ)
        answers = {row.name: experiment.answers(row, seed) for row in (baseline, whole)}
        votes = whole._replace(ranking="votes")
        retrieved, selected = (experiment.contexts(row, seed, "test") for row in (votes, whole))
        text = case_study(
            self.posts, retrieved, selected, answers, whole.name, SEQ2SEQ, seed=seed, licenses=_OPEN_LICENSES
        )
        return self.write("case-study", text, {"seed": seed, "seeds": [seed]})

    def _rows(
        self, shown: Sequence[System], split: str = "test"
    ) -> tuple[dict[str, Any], dict[str, dict[str, PerPost]]]:
        """The rows of a table, and of those that were run the statistics averaged over the seeds."""
        wanting = {system.name: reason for system in shown if (reason := self._wanting(system))}
        return self.scored_rows({system.name: partial(self._runs, system, split) for system in shown}, wanting)

    def _runs(self, system: System, split: str) -> list[Statistics]:
        return [self._statistics(system, seed, split) for seed in self._seeds(system)]

    def scored_rows(
        self, shown: Mapping[str, Callable[[], Sequence[Statistics]]], wanting: Mapping[str, str] | None = None
    ) -> tuple[dict[str, Any], dict[str, Statistics]]:
        """Rows of a table, and of those that were run the statistics averaged over the seeds.

        Args:
            shown: What gives the statistics of a row with each seed, by the row's name.
            wanting: Why a row cannot be run, by its name.

        Raises:
            ValueError: The table lacks a row that was asked for.
        """
        self.check_rows(shown)
        rows: dict[str, Any] = {}
        means: dict[str, Statistics] = {}
        for name, run in shown.items():
            if reason := (wanting or {}).get(name) or self.skipped(name):
                rows[name] = {"not_run": reason}
                continue
            runs = run()
            scores = [percent(each) for each in runs]
            rows[name] = {"scores": {metric: [score[metric] for score in scores] for metric in scores[0]}}
            means[name] = {metric: mean_over_seeds([each[metric] for each in runs]) for metric in runs[0]}
        return rows, means

    def _wanting(self, system: System) -> str | None:
        if system.kind == "chat" and self.experiment.chat is None:
            return _NO_CHAT
        if system.kind in ("prompted", *TUNED) and self.experiment.plan.llm is None:
            return _NO_LLM
        return None

    def check_rows(self, names: Iterable[str]) -> None:
        """Sees that the table whose rows have these names has all that were asked for.

        Raises:
            ValueError: It has not.
        """
        known = list(names)
        if unknown := [name for name in self.rows or () if name not in known]:
            raise ValueError(f"The table has no row {unknown[0]!r}. Its rows: {'; '.join(known)}.")

    def skipped(self, name: str) -> str | None:
        """Why a row is not run, if it is left out."""
        return _SKIPPED if self.rows is not None and name not in self.rows else None

    def _seeds(self, system: System) -> Sequence[int]:
        """The seeds of a system: one where nothing about it depends on a seed."""
        return self.experiment.plan.seeds[: 1 if system.kind in ("retriever", "chat") else None]

    def _validation(self, shown: Iterable[System]) -> dict[str, list[dict[str, float]]]:
        """Of trained systems the validation scores with each seed, in [0, 1]."""
        return {
            system.name: [self.experiment.validation_scores(system, seed) for seed in self._seeds(system)]
            for system in shown
        }

    def _statistics(self, system: System, seed: int, split: str = "test") -> dict[str, PerPost]:
        answers: list[Answer] = self.experiment.answers(system, seed, split)
        return answer_statistics(answers, self.experiment.posts[split], self.language)

    def compare(
        self, rows: dict[str, Any], means: dict[str, dict[str, PerPost]], name: str, baselines: dict[str, Any]
    ) -> None:
        """Notes in the row of a system how it compares with others."""
        found = compare_all(means[name], baselines)
        rows[name]["against"] = {
            baseline: {metric: comparison.to_dict() for metric, comparison in metrics.items()}
            for baseline, metrics in found.items()
        }

    def _strata(self) -> list[Any]:
        train = self.experiment.posts["train"]
        known = {hashtag for post in train for hashtag in post.hashtags}
        analyse = get_analyser(self.experiment.plan.recipe.retriever.analyser)
        overlaps = nearest_overlaps(self.experiment.retriever(BM25), self.posts, analyse)
        return [by_seen_gold(self.posts, known), by_overlap(overlaps), by_gold_in_text(self.posts)]

    def write(self, name: str, markdown: str, result: dict[str, Any]) -> str:
        """Writes a result with where it comes from as JSON and Markdown; returns the Markdown."""
        plan = self.experiment.plan
        origin = provenance(plan.right.as_dict(), plan.recipe.seed)
        facts = {"protocol": plan.recipe.protocol, "seeds": list(plan.seeds), "posts": len(self.posts)}
        self.folder.mkdir(parents=True, exist_ok=True)
        made = {"training_posts": len(self.experiment.posts["train"]), "made": self.experiment.store.costs()}
        write_json(self.folder / f"{name}.json", {**origin, **facts, **result, **made})
        write_text(self.folder / f"{name}.md", f"{markdown}\n")
        return markdown
