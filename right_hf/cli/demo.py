"""`right-hf demo`: a page that suggests hashtags while you write.

Opens a page on this machine, until it is interrupted: hashtags are suggested while a post is written, with their
scores and the posts that support them. Nothing is sent anywhere else, and no post is kept.

Assistants reach the same by the Model Context Protocol, at /gradio_api/mcp/: recommend_hashtags, find_posts and
complete_hashtag. Needs pip install 'right_hf[demo]'.

Examples:
  right-hf demo
  right-hf demo right-zh-small
  right-hf demo user/right-en --revision v1.0 --port 8080
  right-hf demo my-checkpoint --host 0.0.0.0 --no-own-corpus    # for others, too: they can read the whole corpus
"""

from __future__ import annotations

import argparse

from right_hf.cli.options import add_hub_options, hub_options, port


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    add = parser.add_argument
    where = "a folder, a Hub id or right-zh-small (default: the English checkpoint that comes with the package)"
    add("checkpoint", nargs="?", metavar="CHECKPOINT", help=where)
    add("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1, this machine only)")
    add("--port", type=port, help="port (default: 7860; 0 for any free one)")
    add("--no-own-corpus", dest="own_corpus", action="store_false", help="no upload of posts to suggest from")
    add_hub_options(parser.add_argument_group("model"))


def run(arguments: argparse.Namespace) -> None:
    """Runs the command."""
    from right_hf import DEFAULT_CHECKPOINT
    from right_hf.demo import launch

    where = {"host": arguments.host, "port": arguments.port, "own_corpus": arguments.own_corpus}
    launch(arguments.checkpoint or DEFAULT_CHECKPOINT, **where, **hub_options(arguments))
