"""Parsing of LiveKit servers' error texts."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit import RpcError
from livekit.backend.error_text import MAX_SEPARATORS_TRIED, ParsedError, parse_error_text, strip_twirp_prefix

CODES = st.integers(min_value=0, max_value=2**32 - 1)


def text_of(code: int, message: str, data: str) -> str:
    """Return the text that a LiveKit server makes of an error."""
    return f"RpcError {code}: {message}" + (f": {data}" if data else "")


@pytest.mark.parametrize("prefix", ["", "twirp error unknown: ", "twirp error internal: twirp error unknown: "])
@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ("2001: no money", (2001, "no money", None, True)),
        ("5: ", (5, "", None, True)),
        ("4294967295: x", (4294967295, "x", None, True)),
        ("2001: 100% %s\nand more", (2001, "100% %s\nand more", None, True)),
        ("2001: no money: 3", (2001, "no money", "3", False)),
        ("5: : data", (5, "", "data", False)),
        ("1400: Method not supported at destination", (1400, "Method not supported at destination", None, True)),
        ('1401: Recipient not found: {"reason":"x"}', (1401, "Recipient not found", '{"reason":"x"}', False)),
        (
            "1500: Application error in method handler: a: b",
            (1500, "Application error in method handler", "a: b", False),
        ),
        ('7: no: money: {"a": "b: {}"}', (7, "no: money", '{"a": "b: {}"}', False)),
        ("7: bad: [1, 2]", (7, "bad", "[1, 2]", False)),
        ("7: a: b: c", (7, "a", "b: c", False)),
        ("7: a: {b: c", (7, "a", "{b: c", False)),
    ],
)
def test_error_text_is_parsed(prefix: str, rest: str, expected: tuple[int, str, str | None, bool]) -> None:
    assert parse_error_text(f"{prefix}RpcError {rest}") == ParsedError(*expected)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "RpcError",
        "RpcError 5",
        "RpcError x: y",
        "RpcError -1: y",
        "RpcError ٣: y",
        "x RpcError 5: y",
        "rpcerror 5: y",
    ],
)
def test_texts_of_another_form_are_not_parsed(text: str) -> None:
    assert parse_error_text(text) is None


@given(CODES, st.text(), st.text())
def test_code_is_exact_and_no_text_is_lost(code: int, message: str, data: str) -> None:
    parsed = parse_error_text(text_of(code, message, data))
    assert parsed is not None
    assert parsed.code == code
    assert text_of(code, parsed.message, parsed.data or "") == text_of(code, message, data)
    if parsed.exact:
        assert (parsed.message, parsed.data or "") == (message, data)


@given(CODES, st.text().filter(lambda text: ": " not in text), st.dictionaries(st.text(), st.text()))
def test_json_data_is_found(code: int, message: str, data: dict[str, str]) -> None:
    if message.endswith(":"):
        message += "."
    parsed = parse_error_text(text_of(code, message, json.dumps(data)))
    assert parsed is not None
    assert (parsed.message, parsed.data) == (message, json.dumps(data))


@given(st.sampled_from(RpcError.ErrorCode), st.text(min_size=1))
def test_standard_message_is_found(code: RpcError.ErrorCode, data: str) -> None:
    parsed = parse_error_text(text_of(code, RpcError.ErrorMessage[code], data))
    assert parsed is not None
    assert (parsed.message, parsed.data) == (RpcError.ErrorMessage[code], data)


def test_hostile_text_is_parsed_quickly() -> None:
    nested = "[" * 100_000
    text = "RpcError 7: " + ": ".join([nested] * (MAX_SEPARATORS_TRIED + 10))
    started = time.perf_counter()
    parsed = parse_error_text(text)
    assert time.perf_counter() - started < 2.0
    assert parsed is not None
    assert parsed.message == nested


def test_twirp_prefix_is_stripped() -> None:
    assert strip_twirp_prefix("twirp error unknown: requested room does not exist") == "requested room does not exist"
    assert strip_twirp_prefix("requested room does not exist") == "requested room does not exist"
