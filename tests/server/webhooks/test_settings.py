from __future__ import annotations

import pytest

from livekit.server import DevServer
from livekit.server.webhooks import WebhookSettings


@pytest.mark.parametrize("url", ["", "hook", "ftp://example.com/", "http://", "//host/hook", "http://[::1/hook"])
def test_invalid_urls(url: str) -> None:
    with pytest.raises(ValueError, match="webhooks: "):
        WebhookSettings([url])


def test_urls_must_be_a_list() -> None:
    with pytest.raises(ValueError, match="must be a list"):
        WebhookSettings("http://127.0.0.1/hook")


def test_unknown_signing_key() -> None:
    with pytest.raises(ValueError, match="no API key 'other'"):
        DevServer(webhooks=WebhookSettings(["http://127.0.0.1/hook"], api_key="other"))
