"""The paper's own numbers (Tables 3 and 4), in percent. They are of other data, and no measurement of this package."""

from __future__ import annotations

from right_hf.evaluation import BM25, SEQ2SEQ

METRICS = ("rouge1", "rouge2", "rougeL", "f1@1", "f1@5")

#: Names of the systems, with BM25 and SEQ2SEQ the keys of the rows in Tables 3 and 4.
SIMCSE, CHAT, SEGTRM = "SimCSE", "Chat model", "SEGTRM Soft"
RIGHT_CHAT, RIGHT_BM25, RIGHT_SIMCSE = "RIGHT, chat model", "RIGHT, BM25", "RIGHT, SimCSE"
FULL, NO_RETRIEVER, NO_SELECTOR, NO_GENERATOR = "RIGHT", "w/o retriever", "w/o selector", "w/o generator"


def _rows(rows: dict[str, tuple[float, ...]]) -> dict[str, dict[str, float]]:
    return {name: dict(zip(METRICS, values, strict=False)) for name, values in rows.items()}


#: Table 3 by data set, system and metric; the paper reports no F1@5 on WHG.
TABLE_3 = {
    "THG": _rows(
        {
            BM25: (16.23, 4.17, 15.11, 5.92, 9.84),
            SIMCSE: (28.43, 10.34, 26.38, 12.40, 15.15),
            CHAT: (44.60, 27.67, 39.29, 9.72, 26.08),
            SEGTRM: (51.18, 37.15, 47.05, 27.17, 29.02),
            SEQ2SEQ: (59.90, 41.39, 59.15, 29.75, 41.71),
            RIGHT_CHAT: (47.54, 25.63, 44.47, 22.39, 31.09),
            RIGHT_BM25: (61.60, 43.77, 60.85, 30.27, 42.98),
            RIGHT_SIMCSE: (62.11, 43.86, 61.39, 30.58, 43.23),
        }
    ),
    "WHG": _rows(
        {
            BM25: (61.98, 58.76, 61.81, 48.20),
            SIMCSE: (59.71, 55.81, 59.54, 47.65),
            CHAT: (32.27, 24.54, 31.80, 7.9),
            SEGTRM: (55.51, 51.28, 54.30, 30.72),
            SEQ2SEQ: (66.64, 61.71, 66.39, 48.60),
            RIGHT_CHAT: (48.17, 41.51, 47.75, 26.15),
            RIGHT_BM25: (70.62, 66.12, 70.35, 53.85),
            RIGHT_SIMCSE: (68.84, 64.19, 68.56, 51.50),
        }
    ),
}

#: Table 4, which is of THG alone.
TABLE_4 = {
    "THG": _rows(
        {
            FULL: (62.11, 43.86, 61.39, 30.58, 43.23),
            NO_RETRIEVER: (59.91, 41.63, 59.23, 29.66, 41.70),
            NO_SELECTOR: (60.49, 42.06, 59.76, 30.22, 41.95),
            NO_GENERATOR: (36.24, 16.02, 32.86, 24.61, 26.73),
        }
    )
}
