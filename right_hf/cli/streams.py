"""Standard input, output and error, whatever the locale: UTF-8, and there even where the caller closed them."""

from __future__ import annotations

import codecs
import os
import re
import sys

#: Surrogates that stand for no byte of what the system gave.
_LONE = re.compile("[\ud800-\udc7f\udd00-\udfff]")


def restart_in_utf8() -> None:
    """Begins again in Python's UTF-8 mode where the locale has nothing but ASCII, as under `LC_ALL=C PYTHONUTF8=0`.

    What is not written in Python (the readers of Parquet and of tokenizers) opens paths in UTF-8 only.
    """
    if os.name == "posix" and sys.executable and codecs.lookup(sys.getfilesystemencoding()).name == "ascii":
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])


def set_up_streams() -> None:
    """Makes output UTF-8 in every locale, and replaces streams that are closed from the start.

    A closed output becomes one that nobody reads. Its descriptor is taken: the next file that is opened would get it,
    and with it whatever a library prints.
    """
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115
    if sys.stdout is None:
        reader, writer = os.pipe()
        os.close(reader)
        os.dup(writer)  # takes the lowest free number, that of the output
        sys.stdout = open(writer, "w", encoding="utf-8")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if (stream.encoding or "").lower().replace("-", "") != "utf8" and hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def leave_output() -> None:
    """To be called when nobody reads on, as after `head`: else the interpreter complains when it flushes at its end."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)


def restored(text: str) -> str:
    """A text that can be written as UTF-8.

    Bytes that the locale could not decode (an argument, a path) become the characters that they are in UTF-8; what is
    none, and surrogates that came from elsewhere, become U+FFFD.
    """
    return _LONE.sub("\ufffd", text).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
