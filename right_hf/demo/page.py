"""The page: a box to write in, what is suggested for it, and how it is to be suggested."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from right_hf.deferred import Deferred, made
from right_hf.demo.insertion import put
from right_hf.demo.own_corpus import LARGEST_FILE, MOST_POSTS, read_upload, with_posts
from right_hf.demo.suggestions import render
from right_hf.demo.tools import LONGEST_POST, tools
from right_hf.model import RightModel

Models = Mapping[str, RightModel | Deferred[RightModel]]

_FOLDER = Path(__file__).parent
_LANGUAGES = {"right-en-small": "English", "right-zh-small": "Chinese"}
_STYLES = [
    ("As people write it", "common"),
    ("#WindowsVirtualDesktop", "pascal"),
    ("#windowsvirtualdesktop", "lower"),
]
_EMPTY = "Hashtags appear here while you write."
_NOTHING = "No hashtag reaches the threshold yet. Write more, or lower it."
_FROM_CHECKPOINT = "Hashtags come from the checkpoint's posts."
_HOW_LONG = "It stays in this session, for an hour at most."
_TITLE = "Hashtags for your post"
#: Seconds after which a session's own corpus is forgotten.
_KEPT = 3600
#: Requests; more are turned away.
_MOST_WAITING = 200
#: How an event reaches the server: it is none that other clients may send, and of those that wait the last counts.
_EVENT: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": 4}
_LAST: dict[str, Any] = _EVENT | {"trigger_mode": "always_last"}


def serving_settings() -> dict[str, Any]:
    """How Gradio serves the page: without fonts, links or files from elsewhere; runs are not recorded."""
    fonts = {name: gr.themes.Font(name) for name in ("system-ui", "sans-serif", "ui-monospace", "monospace")}
    theme = gr.themes.Default(
        primary_hue="blue",
        font=[fonts["system-ui"], fonts["sans-serif"]],
        font_mono=[fonts["ui-monospace"], fonts["monospace"]],
    ).set(body_text_color_subdued="*neutral_600", body_text_color_subdued_dark="*neutral_300")
    return {
        "theme": theme,
        "css_paths": [_FOLDER / "page.css"],
        "footer_links": [],
        "run_history": False,
        "enable_monitoring": False,
        "mcp_server": True,
        "show_error": False,
        "ssr_mode": False,
        "max_file_size": 1,  # byte
    }


class _Page(gr.Blocks):
    """Takes texts and numbers only.

    Of anything else Gradio lets a client say that it is a file: by an address, which the server would fetch, or, on a
    mounted page, by any path on the server.
    """

    async def preprocess_data(self, block_fn: Any, inputs: list[Any], *others: Any, **settings: Any) -> Any:
        if any(isinstance(given, (dict, list)) for given in inputs):
            raise gr.Error("Expected texts and numbers, got something else.")
        return await super().preprocess_data(block_fn, inputs, *others, **settings)


def page(models: Models, own_corpus: bool) -> gr.Blocks:
    """The page.

    Args:
        models: What can be chosen, by name; the first is loaded at once.
        own_corpus: Whether posts can be uploaded.
    """
    first = next(iter(models))
    blocks: gr.Blocks
    with _Page(title=_TITLE, analytics_enabled=False) as blocks:
        gr.HTML(f"<h1>{_TITLE}</h1><p>The ones that people actually use.</p>", elem_id="head")
        post = gr.Textbox(label="Your post", lines=4, max_length=LONGEST_POST, elem_id="post", autofocus=True)
        shown = gr.HTML(
            render([], made(models[first]).retriever.corpus, _EMPTY),
            elem_id="suggestions",
            apply_default_css=False,
            js_on_load=(_FOLDER / "page.js").read_text(encoding="utf-8"),
        )
        least = made(models[first]).config.threshold
        style = gr.Radio(_STYLES, value="common", label="Spelling")
        with gr.Row():
            count = gr.Slider(1, 20, value=5, step=1, label="Most hashtags", min_width=220)
            threshold = gr.Slider(0, 1, value=least, step=0.01, label="Least score", min_width=220)
        names = [(f"{_LANGUAGES[name]} ({name})" if name in _LANGUAGES else name, name) for name in models]
        name = gr.Radio(names, value=first, label="Checkpoint", visible=len(models) > 1)
        own = gr.State(None, time_to_live=_KEPT)
        asked = [post, style, count, threshold, name, own]

        def suggest(text: str, style: str, count: int, threshold: float, name: str, own: RightModel | None) -> str:
            model = own or made(models[name])
            if not text.strip():
                return render([], model.retriever.corpus, _EMPTY)
            [found] = model.recommend([text[:LONGEST_POST]], top_k=int(count), threshold=threshold, style=style)
            return render(found, model.retriever.corpus, _NOTHING)

        def take(event: gr.EventData, text: str, *others: Any) -> tuple[str, str]:
            text = put(text, str(event._data["posted"]))
            return text, suggest(text, *others)

        shown.input(suggest, asked, shown, **_LAST)
        shown.select(take, asked, [post, shown], **_EVENT)
        for setting in (style, count, threshold, name):
            setting.change(suggest, asked, shown, **_LAST)
        if own_corpus:
            _add_own_corpus(models, name, own)
            own.change(suggest, asked, shown, **_LAST)
        for tool in tools(models):
            gr.api(tool, api_name=tool.__name__, queue=False)
    blocks.queue(max_size=_MOST_WAITING)
    return blocks


def _add_own_corpus(models: Models, name: gr.Radio, own: gr.State) -> None:
    """The part for a corpus of one's own, which sets `own` to a model over it.

    The browser reads the file, so that the server has no files of strangers.
    """

    def take(event: gr.EventData, name: str) -> tuple[RightModel | None, str]:
        file = str(event._data["name"])
        try:
            posts = read_upload(file, str(event._data["text"]))
            return with_posts(made(models[name]), posts), escape(
                f"Hashtags come from {file} now. Posts: {len(posts):,}."
            )
        except ValueError as error:
            return None, escape(f"Not taken: {error}")

    with gr.Accordion("Suggest from posts of your own", open=False, elem_id="own"):
        most = f"{LARGEST_FILE // 1_000_000} MB and {MOST_POSTS:,} posts"
        line = '{"text": "Bread at last", "hashtags": ["baking"]}'
        gr.HTML(f"<p>A file of lines such as <code>{line}</code>, up to {most}. {_HOW_LONG}</p>")
        file = gr.HTML(
            html_template='<label>Your file <input type="file" accept=".jsonl"></label>',
            js_on_load=(_FOLDER / "own_corpus.js").read_text(encoding="utf-8"),
            most=LARGEST_FILE,
        )
        forget = gr.Button("Forget it")
        said = gr.HTML("", elem_id="own-said", html_template='<p role="status">${value}</p>')
    file.upload(take, name, [own, said], **_EVENT | {"concurrency_limit": 1})
    for event in (forget.click, name.change):  # another checkpoint reads other languages
        event(lambda: (None, _FROM_CHECKPOINT), None, [own, said], **_EVENT)
