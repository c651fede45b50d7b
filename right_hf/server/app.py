"""The app: endpoints, who may ask, and what is told of it."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from right_hf import __version__
from right_hf.server.errors import answer_errors
from right_hf.server.observing import Observed
from right_hf.server.routes import Endpoints
from right_hf.server.service import Service
from right_hf.server.settings import ServerSettings

_DESCRIPTION = """\
Hashtags for a post: the ones that people actually use. Changes need the server's token as `Authorization: Bearer …`.
Every error is `{"detail": "a sentence that says what to do"}`."""


def create_app(service: Service, settings: ServerSettings | None = None) -> FastAPI:
    """An ASGI app that answers for a service; `app.state.endpoints` can be told to [`Endpoints.stop`].

    Args:
        service: What answers; it is closed when the app is.
        settings: What is allowed; None for the defaults, under which nobody may change anything.
    """
    settings = settings or ServerSettings()
    endpoints = Endpoints(service, settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        endpoints.close()

    app = FastAPI(title="right_hf", version=__version__, description=_DESCRIPTION, redoc_url=None, lifespan=lifespan)
    app.state.settings = settings
    app.state.endpoints = endpoints
    answer_errors(app)
    router = endpoints.router()
    app.state.routes = router.routes
    app.include_router(router)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=["Authorization", "Content-Type"],
        )
    app.add_middleware(Observed, metrics=endpoints.metrics)
    if settings.demo and not settings.protect_reading:
        mount_demo(app, service)
    return app


def mount_demo(app: FastAPI, service: Service) -> None:
    """Shows the demo under /, behind all endpoints, where it and Gradio are installed."""
    if find_spec("gradio") and find_spec("right_hf.demo"):
        importlib.import_module("right_hf.demo").mount(app, service.model)
