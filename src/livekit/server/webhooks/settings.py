"""Where webhooks go, and how stubbornly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

from yarl import URL


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """Webhooks are posted to every URL, each URL in the order of events. Times are seconds.

    Raises:
        ValueError: a URL is not one of http or https.
    """

    urls: Sequence[str]
    _: KW_ONLY
    api_key: str = ""
    """The API key that signs; the server's first one if empty."""
    attempts: int = 6
    """How often an event is posted, at most, before it is dropped."""
    first_delay: float = 0.5
    """What is waited after the first failure; twice as much after each further one."""
    longest_delay: float = 10.0
    timeout: float = 5.0
    """How long a receiver may take to answer."""
    max_age: float = 60.0
    """Events that wait for longer are dropped."""

    def __post_init__(self) -> None:
        if isinstance(self.urls, str):
            raise ValueError(f"urls must be a list: [{self.urls!r}]")
        for url in self.urls:
            _check(url)


def _check(url: str) -> None:
    try:
        parsed = URL(url)
        is_usable = parsed.scheme in ("http", "https") and bool(parsed.host)
    except ValueError:
        is_usable = False
    if not is_usable:
        raise ValueError(f"a webhook needs a URL such as http://127.0.0.1:3000/webhook, not {url!r}")
