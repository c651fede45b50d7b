"""The server behind Ray Serve, for measuring: `python ray_serve_app.py REPLICAS PORT TABLE`; ends with its input."""

from __future__ import annotations

import sys

import ray
from fastapi import FastAPI
from ray import serve

from right_hf import DEFAULT_CHECKPOINT, RightModel
from right_hf.server import ServerSettings, Service, create_app

REPLICAS, PORT, TABLE = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]


def app() -> FastAPI:
    """The app of a replica, which only reads the table."""
    model = RightModel.from_pretrained(DEFAULT_CHECKPOINT, retriever=TABLE)
    return create_app(Service(model, refresh=1), ServerSettings(demo=False))


@serve.deployment(num_replicas=REPLICAS, max_ongoing_requests=64, ray_actor_options={"num_cpus": 0.5})
@serve.ingress(app)
class Right:
    """A replica."""


ray.init(num_cpus=4, include_dashboard=False, log_to_driver=False)
serve.start(http_options={"host": "127.0.0.1", "port": PORT})
serve.run(Right.bind())
print("answering", flush=True)
sys.stdin.read()
serve.shutdown()
