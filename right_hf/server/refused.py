"""What the server answers when it does not do what was asked."""

from __future__ import annotations


class RefusedError(Exception):
    """A request that is refused.

    Args:
        status: The HTTP status.
        detail: A sentence that says what was given, what is expected and what to do.
        retry_after: Seconds after which to ask again; None where that would not help.
    """

    def __init__(self, status: int, detail: str, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.retry_after = retry_after
