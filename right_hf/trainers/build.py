"""From a job to the folder of a component or of a whole checkpoint, each with a record of its making.

A run that was stopped goes on where it was: beside its `output` lies the folder `…-checkpoints` of the Trainer.
"""

from __future__ import annotations

import csv
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from right_hf.layout import TRAINING_FILE
from right_hf.model import RightModel
from right_hf.persistence import atomic_folder, read_object, write_json
from right_hf.provenance import provenance
from right_hf.registry import component_class, load_component
from right_hf.trainers.job import Job
from right_hf.trainers.linear import LinearTraining

#: What codecarbon (`report_to: codecarbon` in a recipe's `arguments`) leaves in the Trainer's folder: one row for each
#: run, so several where one was stopped and went on.
_EMISSIONS = "emissions.csv"


def build_component(role: str, job: Job) -> None:
    """Trains a component as its class says, and writes it and `training.json` into the job's output, all or nothing.

    Args:
        role: "retriever", "selector", "generator" or "ranker".
        job: What it is made of.

    Raises:
        TypeError: Components of this type are not trained.
        ValueError: The recipe has no such component, lacks what its training starts from, or the output belongs to
            another run.
    """
    settings = getattr(job.recipe, role)
    if settings is None:
        raise ValueError(f"The recipe says `{role}: null`, so there is none to train. Give its settings.")
    origin = provenance(asdict(job.recipe), job.recipe.seed)
    component, record = component_class(role, settings.type).trainer().train(job)
    if component is None:
        return
    with atomic_folder(job.output) as folder:
        component.save_into(folder)
        facts = {"posts": len(job.posts), **measured_emissions(job.checkpoints)}
        write_json(folder / TRAINING_FILE, {**origin, **facts, **record})


def build_checkpoint(job: Job) -> None:
    """Puts a checkpoint together: index of the training posts, selector, generator and ranker of the job's folders.

    Where no ranker was trained, the linear one is fitted on the validation posts, which takes a moment. With
    `ranker: null` in the recipe there is none, with `generator: null` there is no generator.

    Raises:
        ValueError: A part is missing, or is not of this recipe and these posts.
    """
    origin = provenance(asdict(job.recipe), job.recipe.seed)
    parts = job.parts()
    ranker = None
    if "ranker" in job.folders:
        ranker = load_component("ranker", job.folders["ranker"])
    elif job.recipe.ranker is not None:
        ranker = LinearTraining().fit(job, parts)
    model = RightModel(*parts, ranker)
    history = {role: read_object(folder / TRAINING_FILE) for role, folder in job.folders.items()}
    model.records[TRAINING_FILE] = json.dumps({**origin, **history}, indent=2) + "\n"
    model.save_pretrained(job.output)


def measured_emissions(checkpoints: Path) -> dict[str, Any]:
    """The entry `emissions` of a training record, in the form of the Hub's cards (grams); empty without them.

    Args:
        checkpoints: The Trainer's folder.

    Raises:
        ValueError: codecarbon's file is damaged.
    """
    file = checkpoints / _EMISSIONS
    rows = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines())) if file.is_file() else []
    if not rows:
        return {}
    try:
        grams = sum(1000 * float(row["emissions"]) for row in rows)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{file} is not what codecarbon writes ({error!r}). Remove it, or train anew.") from error
    last = rows[-1]
    stated = {
        "source": f"codecarbon {last.get('codecarbon_version') or ''}".strip(),
        "geographical_location": last.get("country_name"),
        "hardware_used": last.get("gpu_model") or last.get("cpu_model"),
    }
    return {"emissions": {"emissions": round(grams, 3), **{name: value for name, value in stated.items() if value}}}
