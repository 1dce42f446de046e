"""Settings of webhooks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

from yarl import URL

from livekit._http.urls import parse_url


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """URLs and retries of webhooks. Each URL receives all events, in order. Times are in seconds.

    Raises:
        ValueError: a URL is not an http or https URL.
    """

    urls: Sequence[str]
    _: KW_ONLY
    api_key: str = ""
    """The API key whose secret signs; empty for the server's first one."""
    attempts: int = 6
    """Attempts per event, the first one included."""
    first_delay: float = 0.5
    """Delay after the first failed attempt; doubled after each further one."""
    longest_delay: float = 10.0
    """Upper bound of the delay."""
    timeout: float = 5.0
    """Time limit of one attempt."""
    max_age: float = 60.0
    """Events queued for longer are dropped."""

    def __post_init__(self) -> None:
        if isinstance(self.urls, str):
            raise ValueError(f"urls must be a list: [{self.urls!r}]")
        for url in self.urls:
            webhook_url(url)


def webhook_url(text: str) -> URL:
    """Return the URL to post webhooks to, without user information: the signature takes the place of credentials.

    Raises:
        ValueError: not an http or https URL.
    """
    try:
        return parse_url(text, ("http", "https"), "http://127.0.0.1:3000/webhook")
    except ValueError as error:
        raise ValueError(f"webhooks: {error}") from None
