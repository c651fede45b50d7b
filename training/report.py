"""Writes what README.md, training/results/README.md and the model cards say about results, from training/results.

python training/report.py           # writes
python training/report.py --check   # exits with 1 if something is stale
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

from everyday import shares_table, topics_table

from right_hf.cards import CARD_FILE, Results, card_files, gather_facts, read_datasheet
from right_hf.embedded import embedded
from right_hf.hub.pull import RELIABILITY_FILE
from right_hf.layout import TRAINING_FILE
from right_hf.persistence import read_json, write_text

ROOT = Path(__file__).parents[1]
_RESULTS = ROOT / "training" / "results"
#: Of what `make run` shows: two everyday posts.
_SHOWN_IN_README = (0, 3)
#: The benchmarks that are shown, in order.
_PIPELINE = "whole_pipeline_speed"
_SPEEDS = (
    *(_PIPELINE, "stage_shares", "retrieval_speed", "retrieval_speed-1000000"),
    *("opening_speed-1000000", "living_speed", "living_speed-1000000", "serving_speed", "server_speed"),
    *("tuning_speed", "table_speed", "table_speed-2000000"),
)
#: How paragraphs begin that belong to one table; others say how to read any. One that ends with a colon has a table.
_OF_TABLE = ("Not run", "Test:", "Validation:", "F1@1 by")
_LICENSED = "tweets-en-licensed"
_TITLE = "The checkpoint of the package, on the openly licensed test posts of tweets-en"
_DATASHEETS = ROOT / "model_cards"
#: The package's checkpoints: name, language, and title in the table.
_CHECKPOINTS = (
    ("right-en-small", "English", "`right-en-small`, the default ([card](model_cards/right-en-small.md))"),
    ("right-zh-small", "Chinese", "`right-zh-small` ([card](model_cards/right-zh-small.md))"),
)
#: The results in their cards: title, and file.
_RESULTS_OF = {
    "right-en-small": (("The posts of all its sources, test split", "right-en-small"), (_TITLE, _LICENSED)),
    "right-zh-small": (("weibo-zh, posts under MIT, test split", "right-zh-small"),),
}
#: What is shown of them by topic.
_BY_TOPIC = ("checkpoint", "KeyBERT, MiniLM", "YAKE", "LLM as it is, 5 examples")


def checkpoints_section() -> str:
    """The package's checkpoints and the default before: size, speed, memory, and scores on the same posts."""
    lines = [
        "| checkpoint | language | size | first answer | a lone post | posts/s | memory | F1@1 | F1@5 |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name, language, title in _CHECKPOINTS:
        for which, row in (("new", title), ("old", f"{name} before")):
            content = read_json(_RESULTS / f"compared-{name}.json")["checkpoints"]
            if (found := content.get(which)) is None:
                continue
            posts = found.get("licensed", found["test"])
            cells = (
                *(
                    row,
                    language,
                    f"{found['size_mb']:.0f} MB",
                    f"{found['load_s']:.1f} s",
                    f"{found['alone_ms']:.1f} ms",
                ),
                *(f"{found['posts_per_s']:.0f}", f"{found['memory_mb']:.0f} MB"),
                *(f"{posts['f1@1']:.2f}", f"{posts['f1@5']:.2f}"),
            )
            lines.append(f"| {' | '.join(cells)} |")
    facts = [_facts(name) for name, _, _ in _CHECKPOINTS]
    return "\n".join(lines) + "\n\n" + "; ".join(facts) + "."


def _facts(name: str) -> str:
    """On how many posts a checkpoint was trained, and what it shows by default."""
    shown = read_json(_RESULTS / f"{name}.json")["calibration"]
    posts = read_json(Path(embedded(name)) / TRAINING_FILE)["selector"]["posts"]
    return (
        f"`{name}` was trained on {posts:,} posts and shows what has a score of at least {shown['threshold']:g}, "
        f"{shown['shown']:.1f} hashtags for a test post"
    )


def everyday_section(topics: bool = True) -> str:
    """How many hashtags for everyday posts a person could post, by system and perhaps by topic."""
    found = read_json(_RESULTS / "everyday.json")
    title = f"Hashtags that a person could post, in percent, of {found['posts']} everyday posts, not used in training:"
    before = read_json(_RESULTS / "everyday-before.json")["rows"]["checkpoint"]
    text = f"{title}\n\n{shares_table({**found['rows'], 'the default before': before})}"
    if not topics:
        return text
    few = {name: row for name, row in found["by_topic"].items() if name in _BY_TOPIC}
    return f"{text}\n\nBy topic, first / first three:\n\n{topics_table(few)}"


def showcase_section() -> str:
    """Some of the posts that `make run` shows."""
    blocks = (_RESULTS / "showcase.txt").read_text(encoding="utf-8").strip().split("\n\n")
    return "```text\n" + "\n\n".join(blocks[place] for place in _SHOWN_IN_README) + "\n```"


def tables_section(*tables: str) -> str:
    """Tables that training/reproduce.py wrote, by data set and protocol: the first of each file, which is linked."""
    parts: list[str] = []
    notes: dict[str, None] = {}  # what stands below several tables, once
    for folder in sorted(path for path in (_RESULTS / "reproduction").glob("*") if path.is_dir()):
        for file in [folder / f"{name}.md" for name in tables if (folder / f"{name}.md").is_file()]:
            title = f"{folder.name}, {file.stem.replace('-', ' ')}"
            paragraphs = file.read_text(encoding="utf-8").strip().split("\n\n")
            table = next(paragraph for paragraph in paragraphs if paragraph.startswith("|"))
            of_table = [
                part
                for paragraph, after in pairwise([*paragraphs, ""])
                if paragraph.startswith(_OF_TABLE)
                for part in ((paragraph, after) if paragraph.endswith(":") else (paragraph,))
            ]
            notes |= dict.fromkeys(note for note in paragraphs if not note.startswith(("|", *_OF_TABLE)))
            parts += [f"[{title}]({_link(file)}): {_setting(file)}.", table, *of_table]
            if (figure := file.with_suffix(".png")).is_file():
                parts.append(f"![{title}]({_link(figure)})")
    return "\n\n".join([*parts, *notes])


def _link(file: Path) -> str:
    return file.relative_to(_RESULTS).as_posix()


def _setting(file: Path) -> str:
    """What the numbers in a table come from."""
    facts = read_json(file.with_suffix(".json"))
    seeds = ", ".join(map(str, facts["seeds"]))
    plural = "s" if len(facts["seeds"]) > 1 else ""
    tuned = f", {facts['llm_posts']:,} of which tune the LLM" if facts.get("llm_posts") else ""
    return f"{facts['training_posts']:,} training posts{tuned}, {facts['posts']:,} test posts, seed{plural} {seeds}"


def costs_section() -> str:
    """What the results of each data set and protocol took to make."""
    return "\n\n".join(part for folder in sorted((_RESULTS / "reproduction").glob("*")) for part in _cost(folder))


def _cost(folder: Path) -> list[str]:
    """What everything in a folder of results took to make, where all of it was noted."""
    made = {entry["made"]: entry for file in sorted(folder.glob("*.json")) for entry in read_json(file).get("made", [])}
    if not made or not all("core_seconds" in entry for entry in made.values()):
        return []
    seconds: Counter[str] = Counter()
    for entry in made.values():
        seconds[entry.get("device", "cpu")] += entry["core_seconds"]
    beside = "".join(f", {seconds[gpu] / 60:.0f} more beside an {gpu}" for gpu in sorted(set(seconds) - {"cpu"}))
    memory = max(entry["peak_mib"] for entry in made.values()) / 1024
    has_base = any(name.startswith("base-seq2seq") for name in made)
    apart = "" if has_base else ", apart from the pretraining of its T5, which was there"
    time = f"{seconds['cpu'] / 60:.0f} minutes of one core{beside}{apart}"
    return [f"{folder.name} took {time}, and {memory:.1f} GiB of memory at most."]


def speeds_section() -> str:
    """What the benchmarks that are shown printed, with the processor they ran on."""
    found = [read_json(_RESULTS / "benchmarks" / f"{name}.json") for name in _SPEEDS]
    lines = "\n\n".join("\n".join(benchmark["lines"]) for benchmark in found)
    processors = ", ".join(dict.fromkeys(benchmark["processor"] for benchmark in found))
    return f"```text\n{lines}\n```\n\nProcessor: {processors}."


def _speeds(benchmark: str) -> list[str]:
    lines: list[str] = read_json(_RESULTS / "benchmarks" / f"{benchmark}.json")["lines"]
    return lines


def rendered() -> dict[Path, str]:
    """Every file this script writes, with its content."""
    sections = {
        ROOT / "README.md": {
            "showcase": showcase_section(),
            "checkpoints": checkpoints_section(),
            "everyday": everyday_section(topics=False),
        },
        _RESULTS / "README.md": {
            "reproduction": tables_section("table-3", "table-4", "figure-3"),
            "costs": costs_section(),
            "fusion": tables_section("fusion", "generators"),
            "emergent": tables_section("emergent"),
            "llm": tables_section("table-llm", "llm-fusion"),
            "speeds": speeds_section(),
            "everyday": everyday_section(),
        },
    }
    pages = {page: filled(page.read_text(encoding="utf-8"), texts) for page, texts in sections.items()}
    return {**pages, **rendered_cards()}


def filled(page: str, texts: Mapping[str, str]) -> str:
    """A page with these texts between their markers, `<!-- NAME -->` and `<!-- /NAME -->`."""
    for marker, text in texts.items():
        opening, closing = f"<!-- {marker} -->", f"<!-- /{marker} -->"
        before, rest = page.split(opening)
        page = f"{before}{opening}\n{text}\n{closing}{rest.split(closing)[1]}"
    return page


def rendered_cards() -> dict[Path, str]:
    """The card of every shipped checkpoint, beside its weights and in model_cards/."""
    found: dict[Path, str] = {}
    for name, _, _ in _CHECKPOINTS:
        folder = Path(embedded(name))
        datasheet = read_datasheet(_DATASHEETS / f"data-{name}.md")
        results = tuple(Results(title, read_json(_RESULTS / f"{file}.json")) for title, file in _RESULTS_OF[name])
        files = card_files(gather_facts(folder, results, datasheet))
        found |= {folder / file: text for file, text in files.items()}
        plot = f"../right_hf/checkpoints/{name}/{RELIABILITY_FILE}"
        found[_DATASHEETS / f"{name}.md"] = files[CARD_FILE].replace(f"({RELIABILITY_FILE})", f"({plot})")
    return found


def main() -> None:
    """Writes the files, or checks that they are fresh."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    stale = [
        path for path, text in rendered().items() if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
    if check and stale:
        names = ", ".join(str(path.relative_to(ROOT)) for path in stale)
        sys.exit(f"Stale: {names}. Run python training/report.py.")
    for path, text in rendered().items():
        path.parent.mkdir(exist_ok=True)
        write_text(path, text)


if __name__ == "__main__":
    main()
