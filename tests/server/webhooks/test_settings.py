from __future__ import annotations

import pytest

from livekit.server import DevServer
from livekit.server.webhooks import WebhookSettings


@pytest.mark.parametrize("url", ["", "hook", "ftp://example.com/", "http://", "//host/hook", "http://[::1/hook"])
def test_urls_are_checked(url: str) -> None:
    with pytest.raises(ValueError, match="a webhook needs a URL such as"):
        WebhookSettings([url])


def test_one_url_is_no_list_of_them() -> None:
    with pytest.raises(ValueError, match="must be a list"):
        WebhookSettings("http://127.0.0.1/hook")


def test_who_signs_must_be_known() -> None:
    with pytest.raises(ValueError, match="no API key 'other'"):
        DevServer(webhooks=WebhookSettings(["http://127.0.0.1/hook"], api_key="other"))
