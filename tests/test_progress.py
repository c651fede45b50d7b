"""Progress bars are switched in one place, whoever draws them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import datasets
import pytest
import transformers
from huggingface_hub.utils.tqdm import are_progress_bars_disabled

from right_hf import progress_bars
from right_hf.progress import bar, batches, batches_of_like_length, shows_progress


@pytest.fixture(autouse=True)
def shown_again() -> Iterator[None]:
    before = shows_progress()
    yield
    progress_bars(before)


@pytest.mark.parametrize("enabled", [False, True])
def test_all_bars_are_shown_or_hidden(capsys: pytest.CaptureFixture[str], enabled: bool) -> None:
    progress_bars(not enabled)
    progress_bars(enabled)
    assert list(batches("abcde", 2, "going")) == ["ab", "cd", "e"]
    with bar(None, "told", "post", total=1) as told:
        told.update(1)
    shown = capsys.readouterr().err
    assert ["going" in shown, "told" in shown] == [enabled, enabled]
    assert shows_progress() is enabled
    assert datasets.utils.are_progress_bars_disabled() is not enabled
    assert are_progress_bars_disabled() is not enabled
    assert transformers.utils.logging.is_progress_bar_enabled() is enabled


def test_libraries_that_are_imported_later_know(monkeypatch: pytest.MonkeyPatch) -> None:
    script = (
        "import sys\nfrom right_hf.progress import progress_bars\nprogress_bars(False)\n"
        "assert not {'datasets', 'transformers', 'huggingface_hub'} & set(sys.modules)\n"
        "import datasets, huggingface_hub.utils, transformers\n"
        "assert datasets.utils.are_progress_bars_disabled()\n"
        "assert huggingface_hub.utils.are_progress_bars_disabled()\n"
        "assert not transformers.utils.logging.is_progress_bar_enabled()\n"
        "print('ok')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout == "ok\n", done.stderr


def test_texts_of_like_length_come_together() -> None:
    texts = ["ccc", "a", "dddd", "bb"]
    assert [list(rows) for rows in batches_of_like_length(texts, 2, "going")] == [[1, 3], [0, 2]]
