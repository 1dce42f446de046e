"""Verification, minting and refreshing of tokens."""

from __future__ import annotations

import base64
import hmac
import json
import logging
import time
import warnings
from datetime import timedelta
from types import SimpleNamespace

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from livekit.api import AccessToken, TokenVerifier, VideoGrants
from livekit.protocol import models
from livekit.server import limits
from livekit.server.auth import AuthError, TokenAuthority, check_join
from livekit.server.claims import Claims
from livekit.server.permissions import attributes_size, parse_grants
from tests.server.recording_link import grants

KEY, SECRET = "APIkey", "a-secret-that-is-long-enough-for-hs256"
NOW = 1_800_000_000.0
AUTHORITY = TokenAuthority({KEY: SECRET, "other": "another-secret-that-is-long-enough-too"})


def claims(**changes: object) -> dict[str, object]:
    base: dict[str, object] = {
        "iss": KEY,
        "sub": "alice",
        "nbf": NOW,
        "exp": NOW + 60,
        "video": {"roomJoin": True, "room": "demo"},
    }
    return {key: value for key, value in {**base, **changes}.items() if value is not None}


def signed(payload: dict[str, object], secret: str = SECRET, algorithm: str = "HS256") -> str:
    return jwt.encode(payload, secret, algorithm=algorithm)


def refusal(token: str, *, at: float = NOW) -> str:
    with pytest.raises(AuthError) as caught:
        AUTHORITY.verify(token, at=at)
    assert caught.value.status == 401
    assert SECRET not in str(caught.value)
    return caught.value.message


def test_official_tokens_are_accepted() -> None:
    token = (
        AccessToken(KEY, SECRET)
        .with_identity("alice")
        .with_name("Alice")
        .with_metadata("m")
        .with_attributes({"a": "1"})
        .with_kind("agent")
        .with_ttl(timedelta(minutes=1))
        .with_grants(VideoGrants(room_join=True, room="demo", can_publish=False, hidden=True))
        .to_jwt()
    )
    found = AUTHORITY.verify(token)
    assert (found.identity, found.name, found.metadata, found.attributes) == ("alice", "Alice", "m", {"a": "1"})
    assert (found.api_key, found.room, found.room_join, found.kind) == (KEY, "demo", True, "AGENT")
    assert found.permission.hidden
    assert found.permission.can_publish_data
    assert not found.permission.can_publish
    check_join(found)


def test_minted_tokens_satisfy_the_official_verifier() -> None:
    token = AUTHORITY.mint({"sub": "alice", "video": {"roomJoin": True}}, api_key=KEY, lifetime=60)
    verified = TokenVerifier(KEY, SECRET).verify(token)
    assert verified.identity == "alice"
    assert verified.video is not None
    assert verified.video.room_join


def test_short_development_secret_gives_no_warning() -> None:
    authority = TokenAuthority({"devkey": "secret"})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert authority.verify(authority.mint({"sub": "a"}, api_key="devkey", lifetime=9)).identity == "a"


def test_refreshed_token_has_current_claims() -> None:
    before = grants("alice", hidden=True, canPublishSources=["camera", "no_such"], roomAdmin=True)
    assert list(before.permission.can_publish_sources) == [models.CAMERA, models.TrackSource.UNKNOWN]
    info = models.ParticipantInfo(identity="alice", name="A2", metadata="m2", attributes={"k": "v"}, kind="AGENT")
    info.permission.CopyFrom(before.permission)
    info.permission.can_publish_data = False
    authority = TokenAuthority({"key": SECRET})

    after = authority.verify(authority.refresh(before, info))

    assert (after.identity, after.room, after.room_join, after.room_admin) == ("alice", "demo", True, True)
    assert (after.name, after.metadata, after.attributes, after.kind) == ("A2", "m2", {"k": "v"}, "AGENT")
    assert after.permission == info.permission


def test_refreshed_token_has_the_claims_that_a_livekit_server_keeps() -> None:
    video = {
        "roomJoin": True,
        "room": "demo",
        "roomAdmin": True,
        "roomCreate": True,
        "roomList": True,
        "roomRecord": True,
        "ingressAdmin": True,
        "destinationRoom": "other",
        "canPublish": False,
        "hidden": False,
    }
    others = {"sip": {"admin": True}, "kindDetails": ["cloud_agent"], "sha256": "x", "agent": {"admin": True}}
    kept = {"roomPreset": "p", "roomConfig": {"metadata": "m"}, "kind": "sip", "name": "A", "attributes": {"k": "v"}}
    verified = AUTHORITY.verify(signed(claims(video=video, exp=None, **kept, **others)), at=NOW)
    info = models.ParticipantInfo(identity="alice", name="A", attributes={"k": "v"}, kind="SIP")
    info.permission.CopyFrom(verified.permission)
    refreshed = jwt.decode(AUTHORITY.refresh(verified, info), options={"verify_signature": False})
    assert refreshed.pop("exp") - refreshed.pop("nbf") == limits.TOKEN_LIFETIME
    del refreshed["iat"], video["hidden"]
    assert refreshed == {"iss": KEY, "sub": "alice", "identity": "alice", "video": video, **kept}


@pytest.mark.parametrize(("left", "lifetime"), [(7200, 7200), (599, 600), (-30, 600), (None, 600)])
def test_refreshed_token_lives_as_long_as_the_original(left: int | None, lifetime: int) -> None:
    verified = AUTHORITY.verify(signed(claims(nbf=None, exp=None if left is None else time.time() + left)))
    refreshed = AUTHORITY.verify(AUTHORITY.refresh(verified, models.ParticipantInfo(identity="alice")))
    assert refreshed.expires_at is not None
    assert abs(refreshed.expires_at - time.time() - lifetime) < 10


ACCEPTED: list[dict[str, object]] = [
    {"exp": None},
    {"exp": str(NOW + 60)},
    {"exp": NOW + 60.5},
    {"nbf": None},
    {"iat": NOW + 9999},
    {"aud": "x"},
    {"aud": ["x"]},
    {"sha256": "x"},
    {"unknown": [{}]},
    {"name": None},
    {"kindDetails": None},
    {"video": None, "VIDEO": {"roomjoin": True, "ROOM": "demo"}},
    {"sub": None, "jti": "alice"},
    {"video": {"roomJoin": True, "room": "demo", "canPublish": None, "canPublishSources": None, "unknown": 1}},
]


@pytest.mark.parametrize("changes", ACCEPTED, ids=str)
def test_claims_are_read_as_by_a_livekit_server(changes: dict[str, object]) -> None:
    found = AUTHORITY.verify(signed(claims(**changes)), at=NOW)
    assert (found.identity, found.room, found.room_join, found.permission.can_publish) == ("alice", "demo", True, True)


def test_invalid_unicode_is_replaced() -> None:
    found = AUTHORITY.verify(signed(claims(name="a\ud800b", attributes={"\udfff": None})), at=NOW)
    assert (found.name, found.attributes) == ("a\ufffdb", {"\ufffd": ""})


def test_known_kind_details_are_kept() -> None:
    details = ["cloud_agent", "FORWARDED", "unknown", "cloud_agent"]
    found = AUTHORITY.verify(signed(claims(kind="Sip", kindDetails=details)), at=NOW)
    assert (found.kind, found.kind_details) == ("SIP", ["CLOUD_AGENT", "FORWARDED"])


class TestRefused:
    def test_expired(self) -> None:
        token = signed(claims())
        assert AUTHORITY.verify(token, at=NOW + 59 + limits.TOKEN_LEEWAY).identity == "alice"
        assert "expired" in refusal(token, at=NOW + 60 + limits.TOKEN_LEEWAY)

    def test_not_valid_yet(self) -> None:
        token = signed(claims())
        assert AUTHORITY.verify(token, at=NOW - limits.TOKEN_LEEWAY).identity == "alice"
        assert "not valid yet" in refusal(token, at=NOW - limits.TOKEN_LEEWAY - 1)

    @pytest.mark.parametrize("name", ["exp", "nbf"])
    @pytest.mark.parametrize("value", ["soon", [], True, 10**400, 2**60])
    def test_malformed_time(self, name: str, value: object) -> None:
        payload = json.dumps(claims(**{name: value})).encode()
        token = jwt.PyJWS().encode(payload, SECRET, algorithm="HS256")
        assert f"claim {name}" in refusal(token)

    def test_unknown_key(self) -> None:
        assert refusal(signed(claims(iss="nobody"))) == "invalid API key"
        assert refusal(signed(claims(iss=None))) == "invalid API key"

    def test_issuer_of_wrong_type(self) -> None:
        payload = json.dumps(claims(iss=[KEY])).encode()
        assert refusal(jwt.PyJWS().encode(payload, SECRET, algorithm="HS256")) == "invalid authorization token"

    def test_signed_with_secret_of_another_key(self) -> None:
        assert "signature" in refusal(signed(claims(iss="other")))

    @pytest.mark.parametrize("part", [0, 1, 2])
    def test_tampered(self, part: int) -> None:
        parts = signed(claims()).split(".")
        middle = len(parts[part]) // 2
        flipped = "A" if parts[part][middle] != "A" else "B"
        parts[part] = parts[part][:middle] + flipped + parts[part][middle + 1 :]
        assert refusal(".".join(parts))

    def test_replaced_claims(self) -> None:
        head, _, signature = signed(claims()).split(".")
        _, body, _ = signed(claims(sub="mallory"), "not-the-secret-of-the-server-at-all").split(".")
        assert "signature" in refusal(f"{head}.{body}.{signature}")

    def test_no_algorithm(self) -> None:
        assert refusal(jwt.encode(claims(), "", algorithm="none"))

    @pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
    def test_another_hash(self, algorithm: str) -> None:
        secret = SECRET * 2
        authority = TokenAuthority({KEY: secret})
        with pytest.raises(AuthError, match="alg"):
            authority.verify(signed(claims(), secret, algorithm), at=NOW)

    def test_asymmetric_signature(self) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        assert "alg" in refusal(jwt.encode(claims(), pem, algorithm="RS256"))

    @pytest.mark.parametrize("token", ["", "x", "a.b", "a.b.c", "....", "é.é.é"])
    def test_malformed_token(self, token: str) -> None:
        assert refusal(token) == "invalid authorization token"

    @pytest.mark.parametrize("body", [b"[]", b"1", b"null", b"{", b"\xff", b"[" * 100_000])
    def test_claims_that_are_not_an_object(self, body: bytes) -> None:
        assert refusal(jwt.PyJWS().encode(body, SECRET, algorithm="HS256")) == "invalid authorization token"

    @pytest.mark.parametrize(
        "changes",
        [
            {"sub": 5},
            {"name": {}},
            {"metadata": []},
            {"attributes": {"a": 1}},
            {"attributes": "a"},
            {"video": "all"},
            {"video": {"roomJoin": "yes"}},
            {"video": {"room": 1}},
            {"video": {"canPublishSources": "camera"}},
            *({"jti": 1}, {"identity": 1}, {"sha256": 1}, {"aud": 5}, {"aud": [5]}, {"iat": "x"}, {"roomPreset": 1}),
            *({"kind": 3}, {"kindDetails": "cloud_agent"}, {"kindDetails": [1]}, {"sip": []}, {"sip": {"admin": "x"}}),
            *({"video": {"roomRecord": "x"}}, {"video": {"ingressAdmin": 1}}, {"video": {"canPublishSources": [5]}}),
        ],
        ids=str,
    )
    def test_claims_of_the_wrong_type(self, changes: dict[str, object]) -> None:
        assert "claim" in refusal(signed(claims(**changes)))

    def test_thousands_of_grants(self) -> None:
        video = {"roomJoin": True, "room": "demo", **{f"grant{i}": True for i in range(limits.MAX_GRANTS - 2)}}
        assert AUTHORITY.verify(signed(claims(video=video)), at=NOW).room == "demo"
        assert "entries" in refusal(signed(claims(video={**video, "more": True})))

    def test_thousands_of_sources_are_deduplicated(self) -> None:
        video = {"roomJoin": True, "room": "demo", "canPublishSources": ["camera", "Microphone", "none"] * 5000}
        found = AUTHORITY.verify(signed(claims(video=video)), at=NOW)
        assert list(found.permission.can_publish_sources) == [
            models.CAMERA,
            models.MICROPHONE,
            models.TrackSource.UNKNOWN,
        ]

    def test_signatures_are_compared_in_constant_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        compared: list[bool] = []

        def compare(one: bytes, other: bytes) -> bool:
            compared.append(hmac.compare_digest(one, other))
            return compared[-1]

        monkeypatch.setattr("jwt.algorithms.hmac", SimpleNamespace(compare_digest=compare, new=hmac.new))
        assert AUTHORITY.verify(signed(claims()), at=NOW).identity == "alice"
        assert "signature" in refusal(signed(claims(), "wrong-secret-of-somebody-else-entirely"))
        assert compared == [True, False]


class TestJoining:
    def refusal(self, payload: dict[str, object]) -> tuple[int, str]:
        with pytest.raises(AuthError) as caught:
            check_join(parse_grants(Claims(payload)))
        return caught.value.status, caught.value.message

    def test_without_grants(self) -> None:
        assert self.refusal(claims(video=None)) == (401, "no permissions to access the room")

    def test_without_room_join(self) -> None:
        status, message = self.refusal(claims(video={"room": "demo"}))
        assert (status, "roomJoin" in message) == (401, True)

    def test_without_room(self) -> None:
        assert self.refusal(claims(video={"roomJoin": True})) == (400, "no room name")

    def test_without_identity(self) -> None:
        assert self.refusal(claims(sub="")) == (400, "identity cannot be empty")
        check_join(parse_grants(Claims(claims(sub=None, jti="alice"))))

    @pytest.mark.parametrize(
        ("changes", "allowed"),
        [
            ({"sub": "é" * (limits.MAX_IDENTITY // 2 + 1)}, {"sub": "é" * (limits.MAX_IDENTITY // 2)}),
            (
                {"video": {"roomJoin": True, "room": "r" * (limits.MAX_ROOM_NAME + 1)}},
                {"video": {"roomJoin": True, "room": "r" * limits.MAX_ROOM_NAME}},
            ),
        ],
        ids=["identity", "room"],
    )
    def test_limits(self, changes: dict[str, object], allowed: dict[str, object]) -> None:
        status, message = self.refusal(claims(**changes))
        assert (status, "limits" in message) == (400, True)
        check_join(parse_grants(Claims(claims(**allowed))))


def test_default_permissions() -> None:
    permission = parse_grants(Claims(claims())).permission
    assert (permission.can_publish, permission.can_subscribe, permission.can_publish_data) == (True, True, True)
    assert (permission.can_update_metadata, permission.hidden, permission.agent) == (False, False, False)
    mute = parse_grants(Claims(claims(video={"canPublish": False}))).permission
    assert not mute.can_publish_data


def test_attributes_size_counts_utf8_bytes() -> None:
    assert attributes_size({"é": "é", "": "x"}) == 5


def test_secrets_are_not_in_repr_errors_or_logs(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    refused = refusal(signed(claims(), "wrong-secret-of-somebody-else-entirely"))
    shown = repr(AUTHORITY) + refused + caplog.text
    assert SECRET not in shown
    assert "eyJ" not in shown


@given(header=st.binary(max_size=60), body=st.binary(max_size=60), signature=st.binary(max_size=40))
def test_arbitrary_token_parts_are_refused(header: bytes, body: bytes, signature: bytes) -> None:
    token = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (header, body, signature))
    assert refusal(token)


@given(token=st.text(max_size=100))
def test_arbitrary_text_is_refused(token: str) -> None:
    assert refusal(token)
