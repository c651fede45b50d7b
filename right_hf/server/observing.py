"""What the server tells of itself: metrics for Prometheus, and a line a request in the log, without what it says."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from fastapi.routing import APIRoute
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)
from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger(__name__)

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics:
    """The counts of one server.

    Args:
        posts: Tells how many posts the corpus has.
        waiting: Tells how many posts and changes wait.
    """

    def __init__(self, posts: Callable[[], int], waiting: Callable[[], int]) -> None:
        self.registry = registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=registry)
        self.requests = Counter(
            "right_hf_requests", "Requests answered.", ("method", "endpoint", "status"), registry=registry
        )
        self.seconds = Histogram(
            "right_hf_request_seconds", "Time to answer.", ("endpoint",), buckets=_SECONDS, registry=registry
        )
        self.batches = Histogram("right_hf_batch_posts", "Posts answered at once.", buckets=_SIZES, registry=registry)
        Gauge("right_hf_posts", "Posts of the corpus.", registry=registry).set_function(posts)
        Gauge("right_hf_waiting", "Posts and changes that wait.", registry=registry).set_function(waiting)


class Observed:
    """Counts and logs what another app answers. What was asked is in neither: of an address only its pattern.

    Args:
        app: The other app.
        metrics: Where it is counted.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        start, status = time.perf_counter(), 0

        async def seen(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._app(scope, receive, seen)
        finally:
            elapsed = time.perf_counter() - start
            route = scope.get("route")
            endpoint = route.path_format if isinstance(route, APIRoute) else "other"
            method = scope["method"] if endpoint != "other" else "any"  # which anybody could make up
            self._metrics.requests.labels(method, endpoint, status or "none").inc()
            self._metrics.seconds.labels(endpoint).observe(elapsed)
            logger.info("%s %s: %s in %.1f ms", method, endpoint, status or "gone", 1000 * elapsed)
