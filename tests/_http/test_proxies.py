from __future__ import annotations

import pytest
from yarl import URL

from livekit._http.proxies import find_proxy, is_exempt
from livekit.errors import ProxyError

P = "http://p:3128"


@pytest.mark.parametrize(
    ("url", "environ", "variable"),
    [
        ("ws://h", {"HTTP_PROXY": P}, "HTTP_PROXY"),
        ("http://h", {"http_proxy": P}, "http_proxy"),
        ("wss://h", {"HTTPS_PROXY": P}, "HTTPS_PROXY"),
        ("https://h", {"https_proxy": P}, "https_proxy"),
        ("ws://127.0.0.1:7880", {"HTTP_PROXY": P}, "HTTP_PROXY"),
        ("ws://localhost", {"HTTP_PROXY": P}, "HTTP_PROXY"),
        ("ws://h", {"HTTPS_PROXY": P, "ALL_PROXY": P, "all_proxy": P}, None),
        ("wss://h", {"HTTP_PROXY": P}, None),
        ("ws://h", {"HTTP_PROXY": "", "http_proxy": P}, "http_proxy"),
        ("ws://h", {"HTTP_PROXY": P, "http_proxy": "http://other:1"}, "HTTP_PROXY"),
        ("ws://h", {"HTTP_PROXY": " ", "http_proxy": ""}, None),
        ("ws://h", {"HTTP_PROXY": P, "NO_PROXY": "h"}, None),
        ("ws://h", {"HTTP_PROXY": P, "no_proxy": "h"}, None),
        ("ws://h", {"HTTP_PROXY": "not a proxy", "NO_PROXY": "*"}, None),
        ("ws://h", {"HTTP_PROXY": P, "REQUEST_METHOD": "GET"}, None),
        ("ws://h", {"http_proxy": P, "REQUEST_METHOD": "GET"}, "http_proxy"),
        ("wss://h", {"HTTPS_PROXY": P, "REQUEST_METHOD": "GET"}, "HTTPS_PROXY"),
    ],
)
def test_proxy_is_selected_by_scheme(url: str, environ: dict[str, str], variable: str | None) -> None:
    proxy = find_proxy(URL(url), environ)
    assert (None if proxy is None else proxy.variable) == variable
    if proxy is not None:
        assert (proxy.url.host, proxy.url.port, proxy.headers) == ("p", 3128, {})


@pytest.mark.parametrize(
    ("value", "url", "authorization"),
    [
        ("p:3128", "http://p:3128", None),
        ("HTTP://P:3128/", "http://p:3128", None),
        ("https://p", "https://p", None),
        ("http://[::1]:1", "http://[::1]:1", None),
        ("http://user:secret@p:1", "http://p:1", "Basic dXNlcjpzZWNyZXQ="),
        ("http://us%40er:s%3A%2Ft@p:1", "http://p:1", "Basic dXNAZXI6czovdA=="),
        ("user:secret@p:1", "http://p:1", "Basic dXNlcjpzZWNyZXQ="),
        ("http://user@p:1", "http://p:1", "Basic dXNlcjo="),
        ("http://%C3%BC:x@p:1", "http://p:1", "Basic w7w6eA=="),
    ],
)
def test_credentials_are_decoded_and_not_shown(value: str, url: str, authorization: str | None) -> None:
    proxy = find_proxy(URL("ws://h"), {"HTTP_PROXY": value})
    assert proxy is not None
    assert (str(proxy.url), proxy.authorization) == (url, authorization)
    assert "secret" not in f"{proxy} {proxy!r}"


@pytest.mark.parametrize(
    "value", ["socks5://p:1080", "http://", "http://p:0", "http://p:99999", "http://user:secret@p:x"]
)
def test_value_that_is_no_http_proxy_is_an_error_naming_the_variable(value: str) -> None:
    with pytest.raises(ProxyError, match="HTTPS_PROXY does not name an HTTP proxy") as caught:
        find_proxy(URL("wss://h"), {"HTTPS_PROXY": value})
    assert "secret" not in str(caught.value) + caught.value.proxy


@pytest.mark.parametrize(
    ("exempt", "url", "expected"),
    [
        ("*", "ws://h", True),
        ("", "ws://h", False),
        (" , ", "ws://h", False),
        ("a, h b", "ws://h", True),
        ("EXAMPLE.com", "ws://example.COM", True),
        ("example.com", "ws://a.example.com", True),
        (".example.com", "ws://a.example.com", True),
        (".example.com", "ws://example.com", True),
        ("*.example.com", "ws://a.b.example.com", True),
        ("example.com", "ws://notexample.com", False),
        ("example.com.", "ws://example.com", True),
        ("example.com", "ws://example.com.", True),
        ("example.com:7880", "ws://example.com:7880", True),
        ("example.com:7880", "ws://example.com", False),
        ("example.com:443", "wss://example.com", True),
        ("xn--mnchen-3ya.de", "ws://münchen.de", True),
        ("localhost", "ws://127.0.0.1", False),
        ("127.0.0.1", "ws://127.0.0.1:7880", True),
        ("127.0.0.1:7881", "ws://127.0.0.1:7880", False),
        ("10.0.0.0/8", "ws://10.1.2.3", True),
        ("10.1.2.3/8", "ws://10.9.9.9", True),
        ("10.0.0.0/8", "ws://11.1.2.3", False),
        ("10.0.0.0/8", "ws://10.example.com", False),
        ("::1", "ws://[::1]:7880", True),
        ("[::1]", "ws://[::1]:7880", True),
        ("[::1]:7880", "ws://[::1]:7880", True),
        ("fd00::/8", "ws://[fd12::1]", True),
        ("fe80::/10", "ws://[fe80::1%eth0]", True),
        ("0.0.0.0/0", "ws://[::1]", False),
        ("*.", "ws://h", False),
    ],
)
def test_no_proxy(exempt: str, url: str, expected: bool) -> None:
    assert is_exempt(URL(url), exempt) is expected
