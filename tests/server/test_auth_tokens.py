"""Invalid tokens on every route, with the statuses of LiveKit's server.

Unlike LiveKit's server, this one refuses tokens with thousands of grants.
"""

from __future__ import annotations

import base64
import hmac
import json
import logging
import time
from typing import NamedTuple

import aiohttp
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from livekit.protocol import models, rtc
from livekit.server import DevServer, limits
from tests.server.client import http_url, join_request

KEY, SECRET = "devkey", "secret"
OTHER_KEY, OTHER_SECRET = "otherkey", "another-secret-that-is-long-enough"
KEYS = {KEY: SECRET, OTHER_KEY: OTHER_SECRET}
LONG = 3600
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PRIVATE = RSA.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
PUBLIC = RSA.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


class Case(NamedTuple):
    """A token and the status of the response."""

    token: str
    status: int


def claims(*, video: object = None, **changes: object) -> dict[str, object]:
    now = int(time.time())
    base: dict[str, object] = {
        "iss": KEY,
        "sub": "mallory",
        "nbf": now - LONG,
        "exp": now + LONG,
        "video": {"roomJoin": True, "room": "demo"} if video is None else video,
    }
    return {key: value for key, value in {**base, **changes}.items() if value is not None}


def signed(payload: dict[str, object], secret: str = SECRET, algorithm: str = "HS256", **headers: object) -> str:
    return jwt.encode(payload, secret, algorithm=algorithm, headers=headers)


def by_hand(header: dict[str, object], payload: dict[str, object], secret: bytes) -> str:
    """Sign with HMAC-SHA256 whatever the header claims, with keys that libraries refuse too."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, payload)]
    digest = hmac.digest(secret, b".".join(parts), "sha256")
    return b".".join((*parts, base64.urlsafe_b64encode(digest).rstrip(b"="))).decode()


def tampered(token: str, **changes: object) -> str:
    """Change claims and keep the signature."""
    head, body, signature = token.split(".")
    payload = {**json.loads(base64.urlsafe_b64decode(body + "==")), **changes}
    return f"{head}.{base64.urlsafe_b64encode(json.dumps(payload).encode()).decode().rstrip('=')}.{signature}"


def _badly_signed() -> dict[str, str]:
    good = signed(claims())
    head, body, signature = good.split(".")
    return {
        "empty": "",
        "not a token": "nonsense",
        "unknown key": signed(claims(iss="nobody")),
        "without key": signed(claims(iss=None)),
        "wrong secret": signed(claims(), OTHER_SECRET),
        "key of another secret": signed(claims(iss=OTHER_KEY)),
        "alg none": jwt.encode(claims(), "", algorithm="none"),
        "alg none, with a signature": by_hand({"alg": "none", "typ": "JWT"}, claims(), SECRET.encode()),
        "alg NonE": by_hand({"alg": "NonE", "typ": "JWT"}, claims(), b""),
        "without alg": by_hand({"typ": "JWT"}, claims(), SECRET.encode()),
        "signed with RSA": signed(claims(), PRIVATE, "RS256"),
        "RSA in name, signed with the secret": by_hand({"alg": "RS256", "typ": "JWT"}, claims(), SECRET.encode()),
        "signed with a public key as secret": by_hand({"alg": "HS256", "typ": "JWT"}, claims(), PUBLIC),
        "signed with an embedded key": by_hand(
            {"alg": "HS256", "typ": "JWT", "jwk": {"kty": "oct", "k": "bWluZQ"}}, claims(), b"mine"
        ),
        "empty secret": by_hand({"alg": "HS256", "typ": "JWT"}, claims(), b""),
        "no signature": f"{head}.{body}.",
        "half a signature": f"{head}.{body}.{signature[:20]}",
        "two parts": f"{head}.{body}",
        "another identity": tampered(good, sub="admin"),
        "another room": tampered(good, video={"roomJoin": True, "room": "secret"}),
        "more grants": tampered(good, video={"roomJoin": True, "room": "demo", "roomAdmin": True}),
        "longer life": tampered(signed(claims(exp=int(time.time()) - LONG)), exp=int(time.time()) + LONG),
    }


def _not_permitted() -> dict[str, str]:
    now = int(time.time())
    many = {f"grant{number}": True for number in range(5000)}
    return {
        "expired": signed(claims(exp=now - LONG)),
        "not valid yet": signed(claims(nbf=now + LONG)),
        "expiry of the wrong type": signed(claims(exp="never")),
        "claims of the wrong type": signed(claims(video={"roomJoin": "yes", "room": "demo"})),
        "thousands of grants": signed(claims(video={"roomJoin": True, "room": "demo", **many})),
        "without grants": signed(claims(video=[])),
        "without roomJoin": signed(claims(video={"room": "demo"})),
        "roomJoin false": signed(claims(video={"roomJoin": False, "room": "demo", "roomAdmin": True})),
    }


def _malformed() -> dict[str, str]:
    return {
        "empty identity": signed(claims(sub="")),
        "over-long identity": signed(claims(sub="m" * (limits.MAX_IDENTITY + 1))),
        "no room": signed(claims(video={"roomJoin": True})),
        "over-long room": signed(claims(video={"roomJoin": True, "room": "r" * (limits.MAX_ROOM_NAME + 1)})),
    }


def _good() -> dict[str, str]:
    nested: object = 1
    for _ in range(500):
        nested = [nested]
    return {
        "valid": signed(claims()),
        "without data grant": signed(claims(video={"roomJoin": True, "room": "demo", "canPublishData": False})),
        "deeply nested unused claims": signed(claims(deep=nested)),
    }


def _cases() -> dict[str, Case]:
    tokens = {401: {**_badly_signed(), **_not_permitted()}, 400: _malformed(), 200: _good()}
    return {name: Case(token, status) for status, group in tokens.items() for name, token in group.items()}


CASES = _cases()


async def status_of(http: aiohttp.ClientSession, url: str, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with http.get(url, headers=headers) as response:
        text = await response.text()
        assert token == "" or token not in text
        assert SECRET not in text
        return response.status


@pytest.mark.parametrize("name", CASES)
async def test_every_route_gives_the_same_status(name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    token, status = CASES[name]
    query = {"/rtc": {}, "/rtc/v1": {"join_request": join_request(rtc.JoinRequest(client_info=models.ClientInfo()))}}
    async with DevServer(port=0, keys=KEYS) as server, aiohttp.ClientSession() as http:
        for path, parameters in query.items():
            assert await status_of(http, http_url(server, f"{path}/validate", **parameters), token) == status
            assert (
                await status_of(http, http_url(server, f"{path}/validate", access_token=token, **parameters), "")
                == status
            )
            if status != 200:
                with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                    _ = await http.ws_connect(http_url(server, path, access_token=token, **parameters))
                assert caught.value.status == status
        assert server.rooms.rooms == []
    shown = caplog.text + "".join(str(record.__dict__) for record in caplog.records)
    for part in (token, *token.split(".")[1:], SECRET):
        assert len(part) < 8 or part not in shown


async def test_token_admits_to_its_room_only(server: DevServer) -> None:
    """The room of the token is joined, whatever the query names."""
    token = server.token("mallory", room="demo")
    url = http_url(server, "/rtc", room="secret", room_name="secret", access_token=token)
    async with aiohttp.ClientSession() as http, http.ws_connect(url) as socket:
        joined = rtc.SignalResponse.FromString(await socket.receive_bytes()).join
        assert joined.room.name == "demo"
        assert [room.name for room in server.rooms.rooms] == ["demo"]


async def test_header_token_and_first_parameter_win(server: DevServer) -> None:
    """The token that is verified is the one in the header, or the first one in the query."""
    valid, invalid = server.token("alice", room="demo"), CASES["wrong secret"].token
    async with aiohttp.ClientSession() as http:
        url = http_url(server, "/rtc/validate", access_token=valid)
        assert await status_of(http, url, invalid) == 401
        assert (
            await status_of(http, f"{http_url(server, '/rtc/validate', access_token=invalid)}&access_token={valid}", "")
            == 401
        )
