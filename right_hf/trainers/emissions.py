"""Emissions of a training, where codecarbon measured them: `report_to: codecarbon` in a recipe's `arguments`."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

#: What codecarbon leaves in the Trainer's folder: one row for each run, so several where one was stopped and went on.
_FILE = "emissions.csv"


def measured_emissions(checkpoints: Path) -> dict[str, Any]:
    """The entry `emissions` of a training record, in the form of the Hub's cards (grams); empty if nothing measured.

    Args:
        checkpoints: The Trainer's folder.

    Raises:
        ValueError: codecarbon's file is damaged.
    """
    file = checkpoints / _FILE
    if not file.is_file():
        return {}
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    try:
        grams = sum(1000 * float(row["emissions"]) for row in rows)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{file} is not what codecarbon writes ({error!r}). Remove it, or train anew.") from error
    if not rows:
        return {}
    last = rows[-1]
    stated = {
        "source": f"codecarbon {last.get('codecarbon_version') or ''}".strip(),
        "geographical_location": last.get("country_name"),
        "hardware_used": last.get("gpu_model") or last.get("cpu_model"),
    }
    return {"emissions": {"emissions": round(grams, 3), **{name: value for name, value in stated.items() if value}}}
