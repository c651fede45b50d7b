"""What a server allows, and how much of it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from right_hf.checks import whole_number


@dataclass(frozen=True)
class ServerSettings:
    """What a server allows, and how much of it.

    Attributes:
        token: What a request has to show to change the corpus; None lets nobody.
        protect_reading: Whether all other requests but /health and /docs have to show it, too.
        origins: Of web pages that browsers let ask ("https://example.org"); "*" for any.
        log_posts: Whether posts and what is typed are written to the log.
        demo: Whether the demo is shown under /, where it is installed. It asks for no token, so never with
            `protect_reading`.
        batch_size: Posts that are answered at once.
        max_body: Bytes of a request.
        max_posts: Posts of a request.
        max_characters: Characters of a post, and of each of its other fields.
        max_hashtags: Entries of a list of hashtags.
        max_waiting: Posts that wait to be answered, and changes that wait to be made.
        max_connections: Open connections, idle ones included.
        timeout: Seconds that a client may take to send a request or to take an answer, and that a server which is
            told to stop waits for what it has begun.

    Raises:
        ValueError: A number is out of range, or reading is protected by no token.
    """

    token: str | None = field(default=None, repr=False)
    protect_reading: bool = False
    origins: tuple[str, ...] = ()
    log_posts: bool = False
    demo: bool = True
    batch_size: int = 32
    max_body: int = 4 << 20
    max_posts: int = 256
    max_characters: int = 10_000
    max_hashtags: int = 10_000
    max_waiting: int = 1_024
    max_connections: int = 512
    timeout: float = 30.0

    def __post_init__(self) -> None:
        for name in (one.name for one in fields(self) if one.type == "int"):
            whole_number(getattr(self, name), name)
        if self.max_posts > self.max_waiting:
            raise ValueError(
                f"max_posts is {self.max_posts} and max_waiting {self.max_waiting}: such a request could never wait. "
                "Raise max_waiting, or lower max_posts."
            )
        if not self.timeout > 0:
            raise ValueError(f"timeout must be more than 0 seconds, got {self.timeout!r:.40}.")
        if self.token is not None and not (self.token and self.token.isascii() and self.token.isprintable()):
            raise ValueError("The token must be ASCII characters without line ends, at least one. Choose another.")
        if self.protect_reading and self.token is None:
            raise ValueError("Reading is to be protected, and there is no token. Set RIGHT_HF_TOKEN or --token-file.")
