from __future__ import annotations

from types import MappingProxyType

import pytest

from livekit._util.arguments import check_attributes, check_identities, check_optional_str, check_str


@pytest.mark.parametrize("value", [None, [], ["a", "b"], ("a", "b"), dict.fromkeys("ab"), iter(("a", "b"))])
def test_collections_of_identities(value: object) -> None:
    assert check_identities(value) in ([], ["a", "b"])


@pytest.mark.parametrize("value", ["bob", "", b"bob", bytearray(b"bob"), 5, [1], ["a", None], [b"a"], ["a", ["b"]]])
def test_other_identities_are_a_type_error(value: object) -> None:
    with pytest.raises(TypeError, match="destination_identities must be a "):
        check_identities(value)


def test_texts() -> None:
    check_str("", "topic")
    check_optional_str(None, "topic")
    check_optional_str("", "topic")


@pytest.mark.parametrize("value", [b"a", bytearray(b"a"), 5, 1.5, True, ["a"], {"a": 1}])
def test_other_texts_are_a_type_error(value: object) -> None:
    with pytest.raises(TypeError, match=f"^topic must be a str, not {type(value).__name__}$"):
        check_str(value, "topic")
    with pytest.raises(TypeError, match=f"^topic must be a str or None, not {type(value).__name__}$"):
        check_optional_str(value, "topic")


@pytest.mark.parametrize("value", [{}, {"a": ""}, MappingProxyType({"a": "b"})])
def test_attributes(value: object) -> None:
    check_attributes(value)


@pytest.mark.parametrize("value", [None, 5, "ab", b"ab", ["ab"], {"a": 1}, {"a": None}, {"a": b"b"}, {1: "a"}])
def test_other_attributes_are_a_type_error(value: object) -> None:
    with pytest.raises(TypeError, match="attributes"):
        check_attributes(value)
