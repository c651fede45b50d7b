r"""Makes a checkpoint that comes with the package: posts, selector, ranker, index, threshold, spellings, in one go.

    python training/train_embedded.py --recipe training/configs/right-en-small.yaml --data DATA \
        --work runs/right-en-small --output right_hf/checkpoints/right-en-small

DATA is the folder in which the files lie that the recipe's section `sources` names. What is made on the way is kept
under --work, and a run that was stopped goes on where it was; remove the folder to begin anew. `training/report.py`
then writes the card.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from dataclasses import asdict
from pathlib import Path

from data_report.spelling_counts import read_surfaces
from embedded.posts import SECTION, Sources, assemble
from embedded.threshold import choose_threshold
from recipes import build, make_job

from right_hf import RightModel
from right_hf.analysis import get_analyser
from right_hf.data import load_split
from right_hf.hub.shim import SHIM_FILE
from right_hf.layout import TRAINING_FILE
from right_hf.persistence import atomic_folder
from right_hf.posts import Post
from right_hf.spelling.counts import SpellingCounts
from right_hf.spelling.variant_table import VARIANTS_FILE, write_table
from right_hf.spelling.variants import propose_merges
from right_hf.text.hashtags import hashtag_key
from right_hf.trainers.recipe import build_settings, read_recipe_file


def write_splits(splits: dict[str, list[Post]], target: Path) -> None:
    """Writes posts as a folder of JSONL files, all of them or none."""
    with atomic_folder(target) as folder:
        for split, posts in splits.items():
            lines = (json.dumps(asdict(post), ensure_ascii=False) for post in posts)
            (folder / f"{split}.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def main() -> None:
    """Reads the command line, trains, builds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--work", type=Path, required=True, metavar="FOLDER", help="for what is made on the way")
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    values, work = read_recipe_file(arguments.recipe), arguments.work
    sources: Sources = build_settings(Sources, values[SECTION], f"{arguments.recipe}, {SECTION}")
    posts = work / "posts"
    if not posts.is_dir():
        analyse = get_analyser(values["retriever"]["analyser"])
        write_splits(assemble(arguments.data, sources, values["licenses"], analyse), posts)
    folders: dict[str, Path | None] = {}
    for part in ("selector", "ranker", "checkpoint"):
        folder = work / part
        if not folder.is_dir():
            build(part, make_job(part, values, str(arguments.recipe), posts, folder, folders))
        folders[part] = folder
    finish(
        work / "checkpoint", posts, arguments.data / sources.surfaces if sources.surfaces else None, arguments.output
    )
    sys.stdout.write(f"{arguments.output}\n")


def finish(built: Path, posts: Path, surfaces: Path | None, output: Path) -> None:
    """Gives a built checkpoint its spellings, variants and threshold, and saves it.

    Args:
        built: The checkpoint.
        posts: Its posts, in splits.
        surfaces: Spellings of hashtags, see `data_report.spelling_counts`; None for none.
        output: Where it is saved.
    """
    model = RightModel.from_pretrained(built)
    corpus = model.retriever.corpus
    with atomic_folder(built.with_name("index")) as folder:
        model.retriever.save_into(folder)
        keys = {hashtag_key(hashtag) for hashtag in corpus.hashtags}
        counts = read_surfaces(surfaces, "licensed", keys) if surfaces else SpellingCounts()
        counts.save(folder)
        write_table(folder / VARIANTS_FILE, propose_merges(list(corpus)))
    model = RightModel.from_pretrained(built, retriever=built.with_name("index"))
    choice = choose_threshold(model, load_split(posts, "validation"))
    model.config.threshold = choice["threshold"]
    record = json.loads(model.records[TRAINING_FILE])
    model.records[TRAINING_FILE] = json.dumps({**record, "threshold": choice}, indent=2) + "\n"
    model.save_pretrained(output)
    (output / SHIM_FILE).unlink()  # where the package is, nobody needs it


if __name__ == "__main__":
    main()
