"""Who may do what: a token, compared in constant time, and never logged."""

from __future__ import annotations

import hmac
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from right_hf.server.refused import RefusedError
from right_hf.server.settings import ServerSettings

_bearer = HTTPBearer(auto_error=False, description="The server's token, RIGHT_HF_TOKEN.")


def shows_token(request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> None:
    """Lets a request through that shows the server's token.

    Raises:
        RefusedError: It does not, or there is none.
    """
    settings: ServerSettings = request.app.state.settings
    if settings.token is None:
        raise RefusedError(
            403,
            "This server has no token, so nobody may change it. Start it with RIGHT_HF_TOKEN or --token-file.",
        )
    if given is None:
        raise RefusedError(401, "This needs the server's token. Send the header Authorization: Bearer TOKEN.")
    if not hmac.compare_digest(given.credentials.encode(), settings.token.encode()):
        raise RefusedError(401, "The token is not the server's. Send the one that it was started with.")
