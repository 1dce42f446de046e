from __future__ import annotations

import copy
import enum
import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.rpc.errors import (
    MAX_ERROR_DATA_BYTES,
    MAX_ERROR_MESSAGE_BYTES,
    OVERLOADED_DATA,
    RpcArgumentTypeError,
    RpcError,
    RpcNotConnectedError,
    RpcOverloadedError,
    built_in_error,
    overloaded_error,
    reason,
)

Code = RpcError.ErrorCode


class QuotaError(RpcError):
    """An application's subclass with other arguments."""

    def __init__(self, left: int) -> None:
        super().__init__(4290, f"{left} left", "data")
        self.left = left


def test_row_22_fields_are_as_given_and_read_only() -> None:
    class Mine(enum.IntEnum):
        BUSY = 4711

    error = RpcError(Mine.BUSY, "busy")
    assert error.code is Mine.BUSY
    assert (error.message, error.data, str(error)) == ("busy", None, "busy")
    assert RpcError(1, "", "data").data == "data"
    for name in ("code", "message", "data"):
        with pytest.raises(AttributeError):
            setattr(error, name, "other")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "error",
    [
        RpcError(4711, "no"),
        RpcError(Code.APPLICATION_ERROR, "no", "data"),
        RpcOverloadedError._built_in(Code.APPLICATION_ERROR, OVERLOADED_DATA),
        RpcNotConnectedError(Code.SEND_FAILED, "not connected"),
        QuotaError(3),
    ],
)
def test_row_22_errors_are_picklable_and_copyable(error: RpcError, protocol: int) -> None:
    for twin in (pickle.loads(pickle.dumps(error, protocol)), copy.copy(error), copy.deepcopy(error)):
        assert type(twin) is type(error)
        assert vars(twin) == vars(error)
        assert (twin.code, twin.message, twin.data, str(twin)) == (error.code, error.message, error.data, str(error))


def test_row_22_a_received_code_is_an_enum_member_if_one_exists() -> None:
    for code in Code:
        assert RpcError._from_proto(RpcError(int(code), "")._to_proto()).code is code
    other = RpcError._from_proto(RpcError(4711, "no", "data")._to_proto())
    assert (other.code, type(other.code), other.message, other.data) == (4711, int, "no", "data")
    assert RpcError._from_proto(RpcError(4711, "no")._to_proto()).data is None


def test_row_23_all_codes_have_a_message() -> None:
    assert set(RpcError.ErrorMessage) == set(Code)
    assert len(Code) == 11
    assert RpcError.ErrorMessage[Code.RECIPIENT_NOT_FOUND] == "Recipient not found"
    assert RpcError.ErrorMessage[Code.UNSUPPORTED_METHOD] == "Method not supported at destination"
    for code in Code:
        error = RpcError._built_in(code, "data")
        assert (error.code, error.message, error.data) == (code, RpcError.ErrorMessage[code], "data")


def test_row_30_overload_has_a_type_of_its_own() -> None:
    proto = RpcOverloadedError._built_in(Code.APPLICATION_ERROR, OVERLOADED_DATA)._to_proto()
    assert type(RpcError._from_proto(proto)) is RpcOverloadedError
    for code in (Code.RESPONSE_TIMEOUT, 4711):
        assert type(RpcError._from_proto(RpcError(code, "", OVERLOADED_DATA)._to_proto())) is RpcError


@given(st.text(), st.text())
def test_messages_and_data_are_truncated_between_characters(message: str, data: str) -> None:
    message, data = message * 50, data * 4000
    error = RpcError(1, message, data)
    proto = error._to_proto()
    for cut, whole, limit in (
        (proto.message, message, MAX_ERROR_MESSAGE_BYTES),
        (proto.data, data, MAX_ERROR_DATA_BYTES),
    ):
        assert whole.startswith(cut)
        assert len(cut.encode()) <= limit
        assert cut == whole or len(whole[: len(cut) + 1].encode()) > limit


def test_the_repr_has_all_fields() -> None:
    assert repr(RpcError(Code.SEND_FAILED, "no", "why")) == "RpcError(code=1505, message='no', data='why')"
    assert repr(QuotaError(1)).startswith("QuotaError(code=4290")


def test_the_class_hierarchy() -> None:
    assert issubclass(RpcNotConnectedError, RpcError)
    assert issubclass(RpcNotConnectedError, RuntimeError)
    assert issubclass(RpcOverloadedError, RpcError)
    assert issubclass(RpcArgumentTypeError, TypeError)
    assert issubclass(RpcArgumentTypeError, ValueError)


def test_reasons_are_json() -> None:
    assert reason("not_listed") == '{"reason":"not_listed"}'
    assert json.loads(reason('a "quoted" ä')) == {"reason": 'a "quoted" ä'}


def test_built_in_errors_have_the_official_messages() -> None:
    error = built_in_error(Code.UNSUPPORTED_METHOD, "data")
    assert (type(error), error.code, error.data) == (RpcError, Code.UNSUPPORTED_METHOD, "data")
    assert error.message == "Method not supported at destination"
    overloaded = overloaded_error()
    assert (type(overloaded), overloaded.code, overloaded.data) == (
        RpcOverloadedError,
        Code.APPLICATION_ERROR,
        OVERLOADED_DATA,
    )
    assert overloaded.message == "Application error in method handler"


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("5", "x"), "code"),
        ((True, "x"), "code"),
        ((5.0, "x"), "code"),
        ((5, None), "message"),
        ((5, b"x"), "message"),
        ((5, "x", {"a": 1}), "data"),
        ((5, "x", b"y"), "data"),
    ],
)
def test_arguments_of_a_wrong_type_are_refused_where_the_error_is_made(arguments: Any, name: str) -> None:
    with pytest.raises(TypeError, match=f"^{name} must be"):
        RpcError(*arguments)
