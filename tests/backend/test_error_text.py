"""The text of an error, read."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit import RpcError
from livekit.backend.error_text import MAX_SEPARATORS_TRIED, ErrorText, parse_error_text, strip_twirp_prefix

CODES = st.integers(min_value=0, max_value=2**32 - 1)


def text_of(code: int, message: str, data: str) -> str:
    """What a LiveKit server makes of an error."""
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
def test_reads(prefix: str, rest: str, expected: tuple[int, str, str | None, bool]) -> None:
    assert parse_error_text(f"{prefix}RpcError {rest}") == ErrorText(*expected)


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
def test_other_texts_are_none(text: str) -> None:
    assert parse_error_text(text) is None


@given(CODES, st.text(), st.text())
def test_the_code_is_exact_and_nothing_is_lost(code: int, message: str, data: str) -> None:
    told = parse_error_text(text_of(code, message, data))
    assert told is not None
    assert told.code == code
    assert text_of(code, told.message, told.data or "") == text_of(code, message, data)
    if told.exact:
        assert (told.message, told.data or "") == (message, data)


@given(CODES, st.text().filter(lambda text: ": " not in text), st.dictionaries(st.text(), st.text()))
def test_data_in_json_is_found(code: int, message: str, data: dict[str, str]) -> None:
    if message.endswith(":"):
        message += "."
    told = parse_error_text(text_of(code, message, json.dumps(data)))
    assert told is not None
    assert (told.message, told.data) == (message, json.dumps(data))


@given(st.sampled_from(RpcError.ErrorCode), st.text(min_size=1))
def test_the_message_of_a_code_is_found(code: RpcError.ErrorCode, data: str) -> None:
    told = parse_error_text(text_of(code, RpcError.ErrorMessage[code], data))
    assert told is not None
    assert (told.message, told.data) == (RpcError.ErrorMessage[code], data)


def test_a_hostile_text_takes_no_time() -> None:
    nested = "[" * 100_000
    text = "RpcError 7: " + ": ".join([nested] * (MAX_SEPARATORS_TRIED + 10))
    started = time.perf_counter()
    told = parse_error_text(text)
    assert time.perf_counter() - started < 2.0
    assert told is not None
    assert told.message == nested


def test_words_without_what_servers_put_before_them() -> None:
    assert strip_twirp_prefix("twirp error unknown: requested room does not exist") == "requested room does not exist"
    assert strip_twirp_prefix("requested room does not exist") == "requested room does not exist"
