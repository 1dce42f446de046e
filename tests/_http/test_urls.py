from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit._http.urls import SERVER_EXAMPLE, SERVER_SCHEMES, parse_url, redacted


def parse(text: str) -> str:
    return str(parse_url(text, SERVER_SCHEMES, SERVER_EXAMPLE))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ws://user:password@h:1/x", "ws://h:1/x"),
        ("ws://user@h", "ws://h"),
        ("ws://a@b@h", "ws://h"),
        (" WSS://Host \n", "wss://host"),
        ("ws://h:", "ws://h"),
        ("ws://h#fragment", "ws://h"),
        ("ws://h/a%2Fb/ä b", "ws://h/a%2Fb/%C3%A4%20b"),
        ("ws://münchen.de", "ws://xn--mnchen-3ya.de"),
        ("ws://[fe80::1%25eth0]:1", "ws://[fe80::1%eth0]:1"),
        ("ws://[fe80::1%eth0]:1", "ws://[fe80::1%eth0]:1"),
        ("ws://[::ffff:1.2.3.4]", "ws://[::ffff:1.2.3.4]"),
        ("ws://127.1:1", "ws://127.0.0.1:1"),
        ("ws://127.0.0.1.:1", "ws://127.0.0.1:1"),
        ("ws://a_b.example", "ws://a_b.example"),
    ],
)
def test_usual_forms_are_accepted(text: str, expected: str) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("localhost:7880", "'localhost:7880' has no scheme"),
        ("//h:1", "no scheme"),
        ("ws:h", "no scheme"),
        ("ftp://h", "must be one of ws, wss, http, https"),
        ("ws://", "no host"),
        ("ws:///x", "no host"),
        ("ws://:7880", "no host"),
        ("ws://h:0", "port 0"),
        ("ws://h:99999", "Port out of range"),
        ("ws://h:-1", "invalid host or port"),
        ("ws://h:x", "invalid host or port"),
        ("ws://h: 7880", "invalid host or port"),
        ("ws://h\x00", "invalid host or port"),
        ("ws://h\\x", "invalid host or port"),
        ("ws://%31", "invalid host or port"),
        ("ws://::1:7880", "brackets"),
        ("ws://[::1", "not a URL"),
        ("ws://[127.0.0.1]", "not a URL"),
        ("ws://256.1.1.1", "not an IPv4 address"),
        ("ws://a..b", "empty part"),
        ("ws://" + "a" * 64, "too long"),
        ("ws://" + "a." * 130 + "b", "too long"),
        ("ws://\ud800", "not allowed"),
        ('"ws://h"', "quotation marks"),
        ("'ws://h'", "quotation marks"),
        ("<ws://h>", "quotation marks"),
        ("eyJhbGc.eyJzdWI.c2ln", "looks like an access token"),
        ("Bearer eyJhbGc.eyJzdWI.c2ln", "looks like an access token"),
    ],
)
def test_other_texts_raise_an_error_that_says_what_is_wrong(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "ws://user:hidden@h:0",
        "ws://user:hid/den@h",
        "ws://user:hid#den@h:x",
        "user:hidden@h",
        "ftp://h/?access_token=hidden",
        "h?access_token=hidden",
        "ftp://h/eyJoaWRkZW4.hidden.hidden",
    ],
)
def test_errors_contain_no_secrets(text: str) -> None:
    with pytest.raises(ValueError, match="h") as caught:
        parse(text)
    assert "hid" not in str(caught.value)
    assert "den" not in str(caught.value)


@given(st.text(), st.sampled_from(["", "ws://", "ws://[", "ws://h:"]))
def test_any_text_is_a_url_or_a_value_error(text: str, prefix: str) -> None:
    redacted(prefix + text)
    try:
        url = parse_url(prefix + text, SERVER_SCHEMES, SERVER_EXAMPLE)
    except ValueError:
        return
    assert url.scheme in SERVER_SCHEMES
    assert url.host
    assert url.user is None
    assert url.port
