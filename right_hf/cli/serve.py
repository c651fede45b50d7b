"""`right-hf serve`: answer while people write, over HTTP.

POST /recommend gives hashtags for posts, GET /complete those that begin as typed, GET /trending those in use; POST,
PUT and DELETE /posts change an index that is opened with --open; GET /health and /metrics tell how the server is, and
/docs describes it all. Nothing is asked of any other machine.

Whoever changes something shows the token that is in the variable RIGHT_HF_TOKEN or in --token-file; without one
nobody can. Only this machine can ask, unless --host says otherwise. What is asked is not logged.

Examples:
  right-hf serve
  right-hf serve user/right-en --port 8080
  right-hf serve --open my-index --token-file token.txt
  right-hf serve --retriever my-table --refresh 1
  right-hf serve my-checkpoint --cors https://example.org --protect-reading
  curl -H 'Content-Type: application/json' -d '{"posts": "Scaling Erlang cluster"}' http://127.0.0.1:8000/recommend
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from right_hf.cli.options import add_model_options, as_path, load_model, port, positive, say

_LIMITS = {
    "--batch-size": "posts that are answered at once",
    "--max-body": "bytes of a request",
    "--max-posts": "posts of a request",
    "--max-characters": "characters of a post",
    "--max-hashtags": "entries of a list of hashtags",
    "--max-waiting": "posts that wait to be answered; more are told to ask again",
    "--max-connections": "open connections",
}
_TOKEN = "the token that a change has to show, in a file (default: the variable RIGHT_HF_TOKEN)"

_REFRESH = "look so often at what another process changed in a table (--store lance) that this one only reads"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    add = parser.add_argument
    add("checkpoint", nargs="?", metavar="CHECKPOINT", help="as --model")
    add("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1, this machine only)")
    add("--port", type=port, default=8000, help="port to listen on, 0 for a free one (default: 8000)")
    add("--open", type=as_path, metavar="INDEX", help="an index to serve; changes of it are kept there")
    add("--refresh", type=positive, metavar="SECONDS", help=_REFRESH)
    add("--token-file", type=as_path, metavar="FILE", help=_TOKEN)
    add("--protect-reading", action="store_true", help="all requests but /health and /docs have to show the token")
    add("--cors", nargs="+", default=[], metavar="ORIGIN", help="web pages that may ask, such as https://example.org")
    add("--log-posts", action="store_true", help="write what is asked to the log")
    add("--no-demo", dest="demo", action="store_false", help="no demo under /, where it is installed")
    limits = parser.add_argument_group("limits")
    for name, what in _LIMITS.items():
        limits.add_argument(name, type=positive, metavar="N", help=f"{what}, at most")
    seconds = "seconds for a request to come, for an answer to be taken, and to end in (default: 30)"
    limits.add_argument("--timeout", type=positive, metavar="SECONDS", help=seconds)
    add_model_options(parser)


def run(arguments: argparse.Namespace) -> None:
    """Runs the command, until it is told to stop."""
    if arguments.checkpoint is not None:
        if arguments.model is not None:
            raise argparse.ArgumentTypeError("give CHECKPOINT or --model, not both")
        arguments.model = arguments.checkpoint
    if arguments.open is not None and arguments.retriever is not None:
        raise argparse.ArgumentTypeError("give --open, whose changes are kept, or --retriever, not both")
    if arguments.open is not None and arguments.refresh is not None:
        raise argparse.ArgumentTypeError("give --refresh to servers that only read; --open sees its own changes")
    from right_hf.server import ServerSettings, Service, is_local, listen, serve

    given: dict[str, Any] = {
        name: value
        for name in (*(option[2:].replace("-", "_") for option in _LIMITS), "timeout")
        if (value := getattr(arguments, name)) is not None
    }
    settings = ServerSettings(
        token=_token(arguments.token_file),
        protect_reading=arguments.protect_reading,
        origins=tuple(arguments.cors),
        log_posts=arguments.log_posts,
        demo=arguments.demo,
        **given,
    )
    listener = listen(arguments.host, arguments.port)
    model = load_model(arguments)
    if arguments.open is None:
        service = Service(model, refresh=arguments.refresh)
    else:
        service = Service.open(model, arguments.open)
    if not is_local(listener):
        whoever = "ask" if settings.token is None or not settings.protect_reading else "try tokens"
        say(f"warning: other machines can reach {arguments.host}, and whoever does may {whoever}; use a proxy with TLS")
    host, port = listener.getsockname()[:2]
    address = f"[{host}]" if ":" in host else host
    say(f"answering on http://{address}:{port} (described under /docs)")
    serve(service, settings, listener)


def _token(file: Path | None) -> str | None:
    """The token of a file, else of the environment; None where there is none."""
    if file is None:
        return os.environ.get("RIGHT_HF_TOKEN") or None
    if not file.is_file():
        raise FileNotFoundError(f"There is no file {file}. Give a file that holds the token, on one line.")
    return file.read_text(encoding="utf-8").strip()
