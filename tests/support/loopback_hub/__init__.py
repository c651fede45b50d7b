"""A Hub on 127.0.0.1 for the real client: repositories with history, tokens, and faults on demand."""

from tests.support.loopback_hub.faults import Fault
from tests.support.loopback_hub.server import LoopbackHub
from tests.support.loopback_hub.store import Repo

__all__ = ["Fault", "LoopbackHub", "Repo"]
