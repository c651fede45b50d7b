"""Scores as Markdown tables."""

from __future__ import annotations


def markdown_table(results: dict[str, dict[str, float]]) -> str:
    """The scores of several systems as a Markdown table."""
    columns = {"rouge1": "RG-1", "rouge2": "RG-2", "rougeL": "RG-L", "f1@1": "F1@1", "f1@5": "F1@5"}
    width = max(map(len, results))
    lines = [
        f"| {'system':{width}} | " + " | ".join(f"{title:>5}" for title in columns.values()) + " |",
        f"|{'-' * (width + 2)}|" + "|".join("------:" for _ in columns) + "|",
    ]
    for system, scores in results.items():
        lines.append(f"| {system:{width}} | " + " | ".join(f"{scores[name]:5.2f}" for name in columns) + " |")
    return "\n".join(lines)
