"""Parsing of argument values, valid and invalid."""

from __future__ import annotations

import argparse
from datetime import timedelta

import pytest

from livekit.cli.arguments import attribute, duration, grant, ip_address, key_pair, nonempty, port


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("45s", 45), ("30m", 1800), ("6h", 21_600), ("2d", 172_800)])
def test_duration_has_an_optional_unit(text: str, seconds: int) -> None:
    assert duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "0", "0h", "-1", "1.5h", "1w", "h", "1h30m", "9999999999"])
def test_invalid_duration_is_rejected(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="30m"):
        duration(text)


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("7880", 7880), ("65535", 65_535)])
def test_port_is_an_integer(text: str, number: int) -> None:
    assert port(text) == number


@pytest.mark.parametrize("text", ["", "-1", "65536", "http", "78 80", "٣"])
def test_invalid_port_is_rejected(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="a port from 0 to 65535"):
        port(text)


def test_key_pair_is_split_at_the_first_colon() -> None:
    assert key_pair("key:secret:with:colons") == ("key", "secret:with:colons")
    assert key_pair(" key : secret ") == ("key", "secret")


@pytest.mark.parametrize("text", ["", ":", "key", "key:", ":secret", " : "])
def test_invalid_key_pair_is_rejected(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="KEY:SECRET"):
        key_pair(text)


def test_attribute_is_split_at_the_first_equals_sign() -> None:
    assert attribute("key=a=b") == ("key", "a=b")
    assert attribute("key=") == ("key", "")


@pytest.mark.parametrize("text", ["", "key", "=value"])
def test_invalid_attribute_is_rejected(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="KEY=VALUE"):
        attribute(text)


def test_empty_text_is_rejected() -> None:
    assert nonempty("alice") == "alice"
    with pytest.raises(argparse.ArgumentTypeError, match="empty"):
        nonempty("")


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("hidden", ("hidden", True)),
        ("hidden=true", ("hidden", True)),
        ("canPublishData=False", ("canPublishData", False)),
        ("can_publish_data=false", ("canPublishData", False)),
        ("canPublishSources=camera,microphone", ("canPublishSources", ["camera", "microphone"])),
        ("destinationRoom=other", ("destinationRoom", "other")),
    ],
)
def test_grant_is_a_field_and_its_value(text: str, field: tuple[str, object]) -> None:
    assert grant(text) == field


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hiden", "unknown grant 'hiden'; valid grants: .*hidden"),
        ("room=x", "unknown grant 'room'"),
        ("hidden=maybe", "must be true or false"),
        ("destinationRoom", "needs a value"),
    ],
)
def test_invalid_grant_is_rejected(text: str, message: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=message):
        grant(text)


def test_ip_address_is_canonical() -> None:
    assert [ip_address(text) for text in ("192.0.2.1", "2001:DB8:0::1")] == ["192.0.2.1", "2001:db8::1"]


@pytest.mark.parametrize("text", ["", "localhost", "192.0.2", "192.0.2.1:80", "[::1]", "0.0.0.0", "::"])
def test_invalid_ip_address_is_rejected(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="must be an"):
        ip_address(text)
