"""Twirp on the wire: routes, bodies and tokens, valid and invalid."""

from __future__ import annotations

import asyncio
import io
import json

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from yarl import URL

from livekit.protocol import room as room_pb
from livekit.server import DEV_KEYS, limits
from livekit.server.auth import TokenAuthority
from livekit.server.permissions import Grants
from livekit.server.services import TwirpError, TwirpRoutes
from livekit.server.services.twirp import STATUSES, TIMEOUT_HEADER, fill_json, fill_protobuf, method
from livekit.testing import RunningServer
from tests.support.backend import JSON, PROTOBUF, SERVICE, Backend
from tests.support.rooms import ANNOUNCED_WITHIN

LIST = SERVICE + "ListRooms"
CREATE = SERVICE + "CreateRoom"
FIELDS = ("name", "names", "emptyTimeout", "agents", "egress", "permission", "attributes", "can_publish_sources")
REQUESTS = (room_pb.CreateRoomRequest, room_pb.ListRoomsRequest, room_pb.UpdateParticipantRequest)
JSON_BODIES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS) | st.text(), inner, max_size=3),
    max_leaves=8,
).map(lambda value: json.dumps(value).encode())
embedded_only = pytest.mark.skipif(RunningServer.from_environment() is not None, reason="other servers differ in this")


@pytest.fixture
def token(backend: Backend) -> str:
    return backend.token(room_create=True, room_list=True)


@pytest.mark.parametrize("path", [SERVICE + "Nope", SERVICE, SERVICE + "ListRooms/more"])
async def test_unknown_methods(backend: Backend, token: str, path: str) -> None:
    answer = await backend.post(path, token=token)
    assert answer.error == (404, "bad_route", f'no handler for path "{path}"')
    assert answer.json["meta"] == {"twirp_invalid_route": f"POST {path}"}


@embedded_only
@pytest.mark.parametrize("path", ["/twirp/", "/twirp/livekit.Nope/ListRooms", "/twirp/RoomService/ListRooms"])
async def test_unknown_services(backend: Backend, token: str, path: str) -> None:
    assert (await backend.post(path, token=token)).error == (404, "bad_route", f'no handler for path "{path}"')


@embedded_only
@pytest.mark.parametrize("service", ["Egress", "Ingress", "SIP", "Connector"])
async def test_media_services_are_unimplemented(backend: Backend, token: str, service: str) -> None:
    answer = await backend.post(f"/twirp/livekit.{service}/Anything", token=token)
    assert answer.error == (501, "unimplemented", f"no {service} on this server")


@pytest.mark.parametrize("verb", ["GET", "PUT", "DELETE"])
async def test_other_http_methods(backend: Backend, token: str, verb: str) -> None:
    answer = await backend.post(LIST, token=token, verb=verb)
    assert answer.error == (404, "bad_route", f'unsupported method "{verb}" (only POST is allowed)')


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""])
async def test_other_content_types(backend: Backend, token: str, content_type: str) -> None:
    """No content type is accepted that web pages may send without a CORS preflight"""
    answer = await backend.post(LIST, b"{}", token=token, content_type=content_type)
    assert answer.error == (404, "bad_route", f'unexpected Content-Type: "{content_type}"')


@embedded_only
async def test_names_that_are_not_utf8(server: RunningServer) -> None:
    url = URL(server.url)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(b"POST " + LIST.encode() + b"%ff HTTP/1.1\r\nHost: " + (url.host or "").encode() + b"\r\n")
    writer.write(b"Content-Type: \xff\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(), ANNOUNCED_WITHIN)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b'"bad_route"' in answer


async def test_json_with_unknown_fields(backend: Backend, token: str, room_name: str) -> None:
    request = {"name": room_name, "emptyTimeout": 5, "departure_timeout": "6", "metadata": "é", "of": {"later": [1]}}
    answer = await backend.post(CREATE, json.dumps(request).encode(), token=token, content_type=JSON)
    assert (answer.status, answer.content_type.split(";")[0]) == (200, JSON)
    made = answer.json
    assert (made["name"], made["empty_timeout"], made["departure_timeout"]) == (room_name, 5, 6)
    assert (made["metadata"], made["max_participants"]) == ("é", 0), "JSON includes fields with default values"
    assert made["sid"].startswith("RM_")


async def test_content_types_with_parameters(backend: Backend, token: str) -> None:
    answer = await backend.post(LIST, b'{"names": ["-"]}', token=token, content_type="Application/JSON; charset=utf-8")
    assert (answer.status, answer.json) == (200, {"rooms": []})


async def test_response_has_the_format_of_the_request(backend: Backend, token: str) -> None:
    answer = await backend.post(LIST, room_pb.ListRoomsRequest(names=["-"]).SerializeToString(), token=token)
    assert (answer.status, answer.content_type, answer.body) == (200, PROTOBUF, b"")


async def test_base_url_with_a_trailing_slash(backend: Backend, token: str) -> None:
    assert (await backend.post("/" + LIST, token=token)).status == 200


async def test_token_in_the_query(backend: Backend, token: str) -> None:
    assert (await backend.post(f"{LIST}?access_token={token}")).status == 200


BAD_JSON = (
    b"",
    b"[]",
    b"null",
    b"{nope",
    b'{"name": 5}',
    b'{"name": "\\ud800"}',
    b'{"name": "\xff"}',
    b'{"emptyTimeout": -1}',
    b'{"of": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
)


@pytest.mark.parametrize("body", BAD_JSON, ids=lambda body: repr(body[:20]))
async def test_invalid_json(backend: Backend, token: str, body: bytes) -> None:
    answer = await backend.post(CREATE, body, token=token, content_type=JSON)
    assert answer.error == (400, "malformed", "the json request could not be decoded")


@pytest.mark.parametrize("body", [b"\xff\xff\xff", b"\x0a\x02\xff\xfe", b"\x0a\x7fshort"], ids=repr)
async def test_invalid_protobuf(backend: Backend, token: str, body: bytes) -> None:
    answer = await backend.post(CREATE, body, token=token)
    assert answer.error == (400, "malformed", "the protobuf request could not be decoded")


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(REQUESTS), st.binary() | JSON_BODIES)
def test_any_body_is_a_request_or_malformed(request_type: type[Message], body: bytes) -> None:
    codes: list[str] = []
    for fill in (fill_json, fill_protobuf):
        try:
            fill(request_type(), body)
        except TwirpError as error:
            codes.append(error.code)
    assert set(codes) <= {"malformed"}


@embedded_only
async def test_huge_body(backend: Backend, token: str) -> None:
    answer = await backend.post(LIST, io.BytesIO(bytes(limits.MAX_REQUEST_BODY + 1)), token=token)
    assert answer.status == 413
    assert (await backend.post(LIST, token=token)).status == 200, "the next one is served"


@embedded_only
async def test_invalid_tokens(backend: Backend) -> None:
    authority, stranger = TokenAuthority(dict(DEV_KEYS)), TokenAuthority({"stranger": "secret", "devkey": "other"})
    video = {"video": {"roomList": True}}
    tokens = {
        "nonsense": "invalid authorization token",
        stranger.mint(video, api_key="stranger", lifetime=60): "invalid API key",
        stranger.mint(video, api_key="devkey", lifetime=60): (
            "invalid authorization token: the signature does not match the API key"
        ),
        authority.mint(video, api_key="devkey", lifetime=60, at=1.0): (
            "invalid authorization token: the token is expired (exp)"
        ),
    }
    for token, message in tokens.items():
        assert (await backend.post(LIST, token=token)).error == (401, "unauthenticated", message)
    answer = await backend.post(LIST, headers={"Authorization": "Basic abc"})
    assert answer.error[:2] == (401, "unauthenticated")


async def test_missing_token(backend: Backend) -> None:
    assert (await backend.post(LIST)).error == (401, "unauthenticated", "permissions denied")


@pytest.mark.parametrize("code", STATUSES)
async def test_errors_of_a_method(code: str) -> None:
    def refuse(grants: Grants, request: room_pb.ListRoomsRequest) -> Message:
        raise TwirpError(code, "no ✗", {"why": "é"})

    def fail(grants: Grants, request: room_pb.ListRoomsRequest) -> Message:
        raise ValueError("a secret")

    methods = {"Refuse": method(room_pb.ListRoomsRequest, refuse), "Fail": method(room_pb.ListRoomsRequest, fail)}
    app = web.Application()
    TwirpRoutes(TokenAuthority(dict(DEV_KEYS)), {"Test": methods}).add_to(app)
    async with TestServer(app) as http, aiohttp.ClientSession() as session:
        server = RunningServer(str(http.make_url("")).rstrip("/"), *next(iter(DEV_KEYS.items())))
        refused = await Backend(session, server).post("/twirp/livekit.Test/Refuse")
        assert refused.json == {"code": code, "msg": "no ✗", "meta": {"why": "é"}}
        assert (refused.status, refused.content_type) == (STATUSES[code], JSON)
        failed = await Backend(session, server).post("/twirp/livekit.Test/Fail")
        assert failed.error == (500, "internal", "the server failed; its log says how")


async def test_invalid_timeout_header(backend: Backend, token: str) -> None:
    for value in ("soon", "-1", "1e3", "9" * 5_000):
        assert (await backend.post(LIST, token=token, headers={TIMEOUT_HEADER: value})).status == 200
