"""Scores as a Markdown table."""

from __future__ import annotations

#: Titles of the metrics in tables, in their order.
TITLES = {"rouge1": "RG-1", "rouge2": "RG-2", "rougeL": "RG-L", "f1@1": "F1@1", "f1@5": "F1@5"}


def markdown_table(results: dict[str, dict[str, float]]) -> str:
    """The scores of several systems, one run each, as a Markdown table."""
    width = max(map(len, results))
    lines = [
        f"| {'system':{width}} | " + " | ".join(f"{title:>5}" for title in TITLES.values()) + " |",
        f"|{'-' * (width + 2)}|" + "|".join("------:" for _ in TITLES) + "|",
    ]
    for system, scores in results.items():
        lines.append(f"| {system:{width}} | " + " | ".join(f"{scores[name]:5.2f}" for name in TITLES) + " |")
    return "\n".join(lines)
