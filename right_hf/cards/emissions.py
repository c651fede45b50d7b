"""What a card says about emissions: what was measured in training, part by part, and nothing else."""

from __future__ import annotations

from typing import Any

from right_hf.hub.component import COMPONENTS


def _measured(record: Any) -> dict[str, Any] | None:
    """The entry of a training record, in the form of the Hub: grams under "emissions", and who measured them."""
    entry = record.get("emissions") if isinstance(record, dict) else None
    return entry if isinstance(entry, dict) and isinstance(entry.get("emissions"), (int, float)) else None


def _by_part(training: dict[str, Any]) -> dict[str, dict[str, Any] | None]:
    """What was measured of each part with a record of its own; of the whole where that was measured at once."""
    if (whole := _measured(training)) is not None:
        return {"": whole}
    return {name: _measured(training[name]) for name in COMPONENTS if name in training}


def total_emissions(training: dict[str, Any]) -> dict[str, Any] | None:
    """The card's metadata `co2_eq_emissions`; None unless every part was measured."""
    parts = list(_by_part(training).values())
    entries = [entry for entry in parts if entry is not None]
    if not entries or len(entries) < len(parts):
        return None
    total: dict[str, Any] = {"emissions": round(sum(entry["emissions"] for entry in entries), 3)}
    for key in ("source", "training_type", "geographical_location", "hardware_used"):
        if stated := list(dict.fromkeys(entry[key] for entry in entries if entry.get(key))):
            total[key] = ", ".join(stated)
    return total


def emissions_text(training: dict[str, Any]) -> str:
    """The same for people, part by part."""
    sentences = []
    for name, entry in _by_part(training).items():
        of_part = f" the {name}" if name else ""
        if entry is None:
            sentences.append(f"Not measured in training{of_part}.")
        else:
            source = f", measured by {entry['source']}" if entry.get("source") else ""
            sentences.append(f"{entry['emissions']:,} g of CO2 equivalents in training{of_part}{source}.")
    return " ".join(sentences) if any(_by_part(training).values()) else "Not measured."
