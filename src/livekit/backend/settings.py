"""The server and API key that arguments, environment variables and defaults select. No I/O."""

from __future__ import annotations

import os
from collections.abc import Sequence

from livekit._util.loopback import is_loopback_url

DEV_URL = "ws://127.0.0.1:7880"
"""The default URL: that of a server started by `livekit dev`."""
DEV_KEY = "devkey"
DEV_SECRET = "secret"
"""Secret of the publicly known key of development servers, which is the default on this machine only."""


class MissingKeyError(ValueError):
    """The API key or its secret is neither given nor set."""

    def __init__(self, url: str, missing: Sequence[str]) -> None:
        variables = " and ".join(f"LIVEKIT_{name.upper()}" for name in missing)
        self.problem = f"no API key for {url}: set {variables}"
        """The message without the arguments to pass."""
        self.missing = missing
        """`api_key`, `api_secret` or both."""
        super().__init__(f"{self.problem}, or pass {' and '.join(missing)}")


def url_setting(url: str | None) -> str:
    """Return `url`; if it is None LIVEKIT_URL, and by default the URL of `livekit dev`."""
    return os.environ.get("LIVEKIT_URL") or DEV_URL if url is None else url


def key_setting(url: str, api_key: str | None, api_secret: str | None) -> tuple[str, str]:
    """Return API key and secret; LIVEKIT_API_KEY and LIVEKIT_API_SECRET in place of those that are None.

    The default for loopback URLs, if neither is set, is the key of `livekit dev`.

    Raises:
        MissingKeyError: key or secret is missing.
    """
    key = os.environ.get("LIVEKIT_API_KEY") or None if api_key is None else api_key
    secret = os.environ.get("LIVEKIT_API_SECRET") or None if api_secret is None else api_secret
    if key is None and secret is None and is_loopback_url(url):
        return DEV_KEY, DEV_SECRET
    if not key or not secret:
        missing = [name for name, value in (("api_key", key), ("api_secret", secret)) if not value]
        raise MissingKeyError(url, missing)
    return key, secret
