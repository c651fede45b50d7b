"""The tables, figures and cases that can be asked for by name."""

from __future__ import annotations

from collections.abc import Callable

from reproduction.llm_ranker import llm_fusion_table
from reproduction.ranker_table import fusion_table
from reproduction.report import Report
from reproduction.stream_table import stream_table

#: What `reproduce.py --table` can ask for; each returns what it writes, in Markdown.
TABLES: dict[str, Callable[[Report], str]] = {
    "3": Report.table_3,
    "4": Report.table_4,
    "llm": Report.table_llm,
    "llm-fusion": llm_fusion_table,
    "generators": Report.generators,
    "figure-3": Report.figure_3,
    "case-study": Report.cases,
    "fusion": fusion_table,
    "emergent": stream_table,
}
