"""Packets encrypted by one participant and decrypted by another."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from livekit.e2ee import E2EEManager, E2EEOptions, KeyProviderOptions
from livekit.e2ee.packet_cipher import ENCRYPTED_KINDS, MissingKeyError, PacketCipher
from livekit.engine.interfaces import RELIABLE, PacketStream, SendOptions
from livekit.engine.packet_filter import PacketFilter
from livekit.enums import KeyDerivationFunction
from livekit.protocol import models
from livekit.rpc import wire
from livekit.streams.framing import text_stream


def make_cipher(
    identity: str, key: bytes | None = b"secret", *, strict: bool = True, server_calls: bool = False, window: int = 4
) -> PacketCipher:
    provider = KeyProviderOptions(
        shared_key=key, key_derivation_function=KeyDerivationFunction.HKDF, ratchet_window_size=window
    )
    cipher = PacketCipher(E2EEManager(E2EEOptions(provider)), strict=strict, accept_server_calls=server_calls)
    cipher.identity = identity
    return cipher


def make_request(request_id: str = "r1") -> models.DataPacket:
    return models.DataPacket(rpc_request=models.RpcRequest(id=request_id, method="add", payload="1"))


def from_(sender: str, packet: models.DataPacket) -> models.DataPacket:
    packet.participant_identity = sender
    return packet


def test_row_32_decrypting_reverses_encrypting() -> None:
    encrypted = make_cipher("alice").encrypt(make_request())
    assert encrypted.WhichOneof("value") == "encrypted_packet"
    assert b"add" not in encrypted.SerializeToString()
    decrypted = make_cipher("bob").decrypt(from_("alice", encrypted))
    assert decrypted is not None
    assert decrypted.rpc_request.method == "add"


def test_row_32_plain_packets_are_dropped(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert make_cipher("bob").decrypt(from_("alice", make_request())) is None
    assert "unencrypted rpc_request" in caplog.text


def test_row_32_every_kind_of_rpc_and_stream_packet_is_encrypted() -> None:
    assert {"rpc_request", "rpc_ack", "rpc_response", "stream_header", "stream_chunk", "stream_trailer"} <= (
        ENCRYPTED_KINDS
    )


def test_kinds_that_official_peers_send_in_plain_are_accepted() -> None:
    packet = models.DataPacket(transcription=models.Transcription(track_id="t"))
    cipher = make_cipher("bob")
    assert cipher.encrypt(packet) is packet
    assert packet.HasField("transcription")
    assert cipher.decrypt(packet) is packet


def test_packet_encrypted_with_another_key_is_dropped(caplog: pytest.LogCaptureFixture) -> None:
    encrypted = make_cipher("alice", b"one").encrypt(make_request())
    with caplog.at_level(logging.WARNING):
        assert make_cipher("bob", b"two").decrypt(from_("alice", encrypted)) is None
    assert "its keys cannot decrypt" in caplog.text
    assert "one" not in caplog.text, "keys are never logged"


def test_ratcheted_key_is_found_within_the_window() -> None:
    alice, bob = make_cipher("alice"), make_cipher("bob")
    provider = alice._manager.key_provider
    assert provider is not None
    for _ in range(3):
        provider.ratchet_shared_key(0)
    assert bob.decrypt(from_("alice", alice.encrypt(make_request()))) is not None
    assert bob.decrypt(from_("alice", alice.encrypt(make_request()))) is not None
    for _ in range(5):
        provider.ratchet_shared_key(0)
    assert bob.decrypt(from_("alice", alice.encrypt(make_request()))) is None


def test_keys_per_participant() -> None:
    alice, bob = make_cipher("alice", None), make_cipher("bob", None)
    for cipher in (alice, bob):
        provider = cipher._manager.key_provider
        assert provider is not None
        provider.set_key("alice", b"alice's", 2)
    assert bob.decrypt(from_("alice", alice.encrypt(make_request()))) is not None
    assert bob.decrypt(from_("carol", alice.encrypt(make_request()))) is None


def test_encrypting_without_a_key_raises() -> None:
    with pytest.raises(MissingKeyError, match="KeyProvider"):
        make_cipher("alice", None).encrypt(make_request())


def test_disabled_encryption_sends_in_plain() -> None:
    cipher = make_cipher("alice")
    cipher._manager.set_enabled(False)
    assert cipher.encrypt(make_request()).HasField("rpc_request")


def test_media_only_encryption_decrypts_but_does_not_encrypt() -> None:
    cipher = make_cipher("bob", strict=False)
    assert cipher.encrypt(make_request()).HasField("rpc_request")
    assert cipher.decrypt(from_("alice", make_request())) is not None
    assert cipher.decrypt(from_("alice", make_cipher("alice").encrypt(make_request()))) is not None


@pytest.mark.parametrize("broken", [b"", b"\xff\xff", bytes(40)])
def test_invalid_ciphertext_is_dropped(broken: bytes) -> None:
    packet = models.DataPacket(
        encrypted_packet=models.EncryptedPacket(encrypted_value=broken, iv=bytes(12), key_index=0)
    )
    assert make_cipher("bob").decrypt(from_("alice", packet)) is None


def test_encrypted_invalid_payload_is_dropped() -> None:
    bob = make_cipher("bob")
    provider = bob._manager.key_provider
    assert provider is not None
    key = provider.ring("alice").get(0)
    assert key is not None
    for plain in (b"\xff\xff\xff", b""):
        encrypted = models.EncryptedPacket(encrypted_value=key.aead.encrypt(bytes(12), plain, None), iv=bytes(12))
        assert bob.decrypt(from_("alice", models.DataPacket(encrypted_packet=encrypted))) is None


def test_row_32_server_calls_are_accepted_by_option() -> None:
    request = from_("r1", make_request("r1"))
    assert make_cipher("bob").decrypt(request) is None
    cipher = make_cipher("bob", server_calls=True)
    assert cipher.decrypt(request) is request
    ack = models.DataPacket(destination_identities=["r1"], rpc_ack=models.RpcAck(request_id="r1"))
    assert cipher.encrypt(ack).HasField("rpc_ack"), "the server has no key to decrypt it"
    reply = models.DataPacket(
        destination_identities=["r1"], rpc_response=models.RpcResponse(request_id="r1", payload="2")
    )
    assert cipher.encrypt(reply).HasField("rpc_response")
    assert cipher.encrypt(reply).HasField("encrypted_packet"), "one reply per call"


@pytest.mark.parametrize("inline", [True, False])
def test_streamed_server_calls_are_accepted_by_option(inline: bool) -> None:
    attributes = wire.request_attributes("r1", "add", 1000)
    request = list(
        as_packets(
            text_stream(
                "1",
                topic=wire.REQUEST_TOPIC,
                destinations=["bob"],
                attributes=attributes,
                stream_id="r1",
                inline=inline,
                timestamp_ms=0,
            )
        )
    )
    other = from_("r2", models.DataPacket(stream_chunk=models.DataStream.Chunk(stream_id="r1", content=b"1")))
    cipher = make_cipher("bob", server_calls=True)
    assert all(cipher.decrypt(from_("r1", packet)) is packet for packet in request)
    assert cipher.decrypt(other) is None, "not part of a call"
    assert cipher.decrypt(from_("mallory", models.DataPacket.FromString(request[0].SerializeToString()))) is None
    reply = list(
        as_packets(
            text_stream(
                "2", topic=wire.RESPONSE_TOPIC, destinations=["r1"], attributes={}, inline=inline, timestamp_ms=0
            )
        )
    )
    assert not any(cipher.encrypt(packet).HasField("encrypted_packet") for packet in reply)
    assert cipher.encrypt(reply[0]).HasField("encrypted_packet"), "one reply per call"


def as_packets(stream: models.DataPacket | Iterator[models.DataPacket]) -> Iterator[models.DataPacket]:
    return iter([stream]) if isinstance(stream, models.DataPacket) else stream


class PacketSink:
    """A packet sender that collects packets."""

    def __init__(self) -> None:
        self.packets: list[models.DataPacket] = []

    def send_packet(self, packet: models.DataPacket, options: SendOptions = RELIABLE) -> None:
        self.packets.append(packet)

    def send_packets(self, packets: Iterator[models.DataPacket], options: SendOptions = RELIABLE) -> PacketStream:
        self.packets.extend(packets)
        return self

    def cancel(self) -> None:
        self.packets.clear()


def test_packet_filter_encrypts_packets_and_streams() -> None:
    sink = PacketSink()
    sender = PacketFilter(sink, make_cipher("alice").encrypt)
    sender.send_packet(make_request())
    sender.send_packets(iter([make_request(), make_request()]))
    assert [packet.WhichOneof("value") for packet in sink.packets] == ["encrypted_packet"] * 3
