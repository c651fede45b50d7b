"""The page as a server of its own, or as part of somebody else's."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from typing_extensions import Unpack

from right_hf.deferred import Deferred
from right_hf.embedded import DEFAULT_CHECKPOINT, EMBEDDED
from right_hf.hub.arguments import HubArguments, show_arguments
from right_hf.listening import bind
from right_hf.model import RightModel

logger = logging.getLogger(__name__)

#: Seconds that open pages are given when the server ends.
_FAREWELL = 3
#: What this machine calls itself.
_LOOPBACK = ["127.0.0.1", "localhost", "::1"]


def mount(app: Any, model: RightModel, *, path: str = "/", own_corpus: bool = False) -> Any:
    """Adds the page, and its tools under `gradio_api/mcp/`, to a FastAPI app, behind the routes that it has so far.

    What guards the app's own routes (a token that they ask for, say) does not guard the page.

    Args:
        app: The app. Its lifespan is wrapped, so that the page starts and ends with it.
        model: Answers all sessions.
        path: Where the page lies in the app.
        own_corpus: Whether a session may upload posts of its own, which only its own suggestions come from.

    Returns:
        The app.

    Raises:
        ImportError: Gradio is not installed.
    """
    return _mount(app, {"default": model}, path, own_corpus)


def launch(
    checkpoint: str | Path = DEFAULT_CHECKPOINT,
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    own_corpus: bool = True,
    **hub: Unpack[HubArguments],
) -> None:
    """Serves the page until the process is told to end (SIGINT, SIGTERM).

    Args:
        checkpoint: A folder, a Hub id, or the name of one that comes with the package; with one of the latter the
            others can be chosen on the page, too.
        host: The address to listen on; "0.0.0.0" for all of this machine.
        port: The port; 0 for any free one, which a log record names; None for that of the variable
            GRADIO_SERVER_PORT, by default 7860.
        own_corpus: See [`mount`].
        hub: See [`right_hf.hub.arguments.HubArguments`].

    Raises:
        ImportError: Gradio is not installed.
        OSError: The port is taken or may not be opened.
        FileNotFoundError, ValueError, PermissionError, ConnectionError: See [`RightModel.from_pretrained`].
    """
    check_installed()
    models = _models(str(checkpoint), hub)
    if port is None:
        port = int(os.environ.get("GRADIO_SERVER_PORT", "7860"))
    with _bound(host, port) as bound:
        import uvicorn
        from fastapi import FastAPI
        from fastapi.middleware.trustedhost import TrustedHostMiddleware

        # What is wrong with it is said before anybody asks; its first answer, which takes long, is nobody's.
        next(iter(models.values())).get().recommend(["Hello world"])
        app = _mount(FastAPI(openapi_url=None), models, "/", own_corpus)
        if host in _LOOPBACK:  # a site that calls itself by another name here could read along (DNS rebinding)
            app.add_middleware(TrustedHostMiddleware, allowed_hosts=_LOOPBACK)
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=_FAREWELL)
        logger.info("The page is at http://%s:%d", host, bound.getsockname()[1])
        server = uvicorn.Server(config)
        # In the end pages that are open are cut off, which is no error.
        logging.getLogger("uvicorn.error").addFilter(lambda record: not server.should_exit)
        server.run(sockets=[bound])


show_arguments(launch, HubArguments)


def check_installed() -> None:
    """Refuses to go on without Gradio, which is told to send nothing anywhere.

    Raises:
        ImportError: It is not installed.
    """
    if any(find_spec(name) is None for name in ("gradio", "mcp")):
        raise ImportError("The page needs Gradio and mcp: pip install 'right_hf[demo]'")
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when it is imported


def _models(checkpoint: str, hub: HubArguments) -> dict[str, Deferred[RightModel]]:
    """What can be chosen, by name, the named one first."""
    name = Path(checkpoint).name if checkpoint == DEFAULT_CHECKPOINT else checkpoint
    if name in EMBEDDED and (checkpoint == DEFAULT_CHECKPOINT or not Path(checkpoint).exists()):
        names = sorted(EMBEDDED, key=lambda other: other != name)
    else:
        names = [checkpoint]
    return {each: Deferred(RightModel.from_pretrained, pretrained_model_name_or_path=each, **hub) for each in names}


def _bound(host: str, port: int) -> socket.socket:
    """A socket that has the port, and accepts nothing yet."""
    try:
        return bind(host, port)
    except OSError as error:
        raise OSError(f"Cannot listen on port {port} of {host} ({error}). Choose another host or port.") from error


def _mount(app: Any, models: Mapping[str, RightModel | Deferred[RightModel]], path: str, own_corpus: bool) -> Any:
    check_installed()
    import gradio

    from right_hf.demo.page import page, serving_settings

    mounted: Any = gradio.mount_gradio_app(app, page(models, own_corpus), path, **serving_settings())
    return mounted
