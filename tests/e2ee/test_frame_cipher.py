"""Frames sealed as official clients seal them, and opened again."""

from __future__ import annotations

import pytest

from livekit.e2ee import KeyProvider, KeyProviderOptions
from livekit.e2ee.frame_cipher import FrameOpener, FrameSealer
from livekit.e2ee.frame_cryptor import FrameCryptor
from livekit.e2ee.frame_format import H264, OPUS, VP8, FrameFormat
from livekit.e2ee.keys import Key
from livekit.enums import EncryptionState, KeyDerivationFunction

OK, FAILED = EncryptionState.OK, EncryptionState.DECRYPTION_FAILED
MISSING, RATCHETED = EncryptionState.MISSING_KEY, EncryptionState.KEY_RATCHETED
TRAILER = b"t" * 43
SILENCE = bytes.fromhex("f8fffe")
VP8_DELTA = (
    "110600e4c8d89b37a747a7d88517f219c02fa030b0efe8025d60593fd300002020404217620025d8147bfe5e47d5bc3a7bf700feeefa40"
)
SEALED_VP8_DELTA = (
    "110600f4a67bb3ae67e5332489f93c7c75271ff227d007a459390079d06ab09f815fb4b05869e56d5ee7992e05447aac28ea756c11b8bc80"
    "dca006e160b33a81c9de8df4f1c3a350b0d1be0ef21b0820c45eb80c00"
)
H264_SLICE = "0000000161e000be40fe4821c287e143f0a1f850fc287e143f0a1f850fc287e143f0a1f850fc287e143c908c"
SEALED_H264_SLICE = (
    "0000000161e01df90000030174dc0054aee61913510b8c19e9b96d57af1cd3ac06d4500eae4eecb6add63e55fd2ed086030f42b76f2e504e"
    "0aa1facb23d7ce5eb0de1322c840018b9e0c00"
)

States = list[EncryptionState.ValueType]


def make_provider(
    key: bytes | None = b"abc",
    *,
    pbkdf2: bool = False,
    window: int = 4,
    tolerance: int = -1,
) -> KeyProvider:
    function = KeyDerivationFunction.PBKDF2 if pbkdf2 else KeyDerivationFunction.HKDF
    return KeyProvider(
        KeyProviderOptions(
            shared_key=key,
            key_derivation_function=function,
            ratchet_window_size=window,
            failure_tolerance=tolerance,
        )
    )


def make_sealer(provider: KeyProvider, states: States | None = None, frame_format: FrameFormat = OPUS) -> FrameSealer:
    report = (states if states is not None else []).append
    return FrameSealer(FrameCryptor("alice", "TR_a"), provider, report, frame_format)


def make_opener(
    provider: KeyProvider | None, states: States | None = None, frame_format: FrameFormat = OPUS
) -> FrameOpener:
    report = (states if states is not None else []).append
    return FrameOpener(FrameCryptor("alice", "TR_a"), provider, report, frame_format, sif_trailer=lambda: TRAILER)


@pytest.mark.parametrize(
    ("frame_format", "sealed", "clear"),
    [
        (OPUS, "781b25df8990f0eaeab4309b57cbe76a59332dc63611049df411049dea0c00", "78"),
        (OPUS, "f802a77f49c495df8f79a6bbcdb7b62258618e11223344000003e8000003e10c00", "f8fffe"),
        (VP8, SEALED_VP8_DELTA, VP8_DELTA),
        (H264, SEALED_H264_SLICE, H264_SLICE),
    ],
)
def test_frames_of_official_clients_are_opened(frame_format: FrameFormat, sealed: str, clear: str) -> None:
    states: States = []
    opener = make_opener(make_provider(pbkdf2=True, window=0), states, frame_format)
    assert opener.open(bytes.fromhex(sealed)) == bytes.fromhex(clear)
    assert states == [OK]


def test_opus_is_sealed_byte_for_byte_as_by_official_clients() -> None:
    sealer = make_sealer(make_provider(pbkdf2=True))
    for _ in range(7):
        sealer.seal(SILENCE, 0x11223344, 0)
    expected = "f802a77f49c495df8f79a6bbcdb7b62258618e11223344000003e8000003e10c00"
    assert sealer.seal(SILENCE, 0x11223344, 1000) == bytes.fromhex(expected)


@pytest.mark.parametrize(
    ("frame_format", "frame"),
    [
        (OPUS, b"\x78"),  # discontinuous transmission
        (OPUS, bytes(400)),
        (VP8, b"\x10" + bytes(9)),
        (VP8, b"\x10" + bytes(range(100))),
        (VP8, b"\x11" + bytes(100)),
        (H264, bytes.fromhex(H264_SLICE)),
        (H264, b"\0\0\0\1\x67\x42\0\0\0\1\x65\x88" + bytes(2000)),
        (H264, b"\0\0\0\1\x67\x42"),  # without a slice
    ],
)
def test_opening_reverses_sealing(frame_format: FrameFormat, frame: bytes) -> None:
    provider = make_provider()
    sealer, opener = make_sealer(provider, frame_format=frame_format), make_opener(provider, frame_format=frame_format)
    for timestamp in range(0, 960 * 300, 960):
        sealed = sealer.seal(frame, 7, timestamp)
        assert sealed is not None
        assert opener.open(sealed, 8, 9) == frame


def test_a_packet_of_discontinuous_transmission_is_sealed_too() -> None:
    sealed = make_sealer(make_provider()).seal(b"\x78", 1, 2)
    assert sealed is not None
    assert len(sealed) == 31


def test_initialization_vectors_are_unique_within_a_timestamp() -> None:
    sealer = make_sealer(make_provider())
    sealed = [sealer.seal(SILENCE, 1, timestamp) for timestamp in (0, 0, 1, 1, 0xFFFFFFFF, 0)]
    ivs = [frame[-14:-2] for frame in sealed if frame]
    assert len(set(ivs)) == len(sealed)
    assert ivs[1] == bytes.fromhex("00000001 00000000 ffffffff".replace(" ", ""))


def test_initialization_vectors_of_h264_need_no_escapes() -> None:
    sealer, opener = make_sealer(make_provider(), frame_format=H264), make_opener(make_provider(), frame_format=H264)
    frame = bytes.fromhex(H264_SLICE)
    sealed = sealer.seal(frame, 1, 0)  # ssrc and timestamp have zero bytes
    assert sealed is not None
    assert sealed[-14:-2] != bytes.fromhex("00000001" + "00000000" * 2)
    assert b"\0\0\1" not in sealed[4:]
    assert opener.open(sealed) == frame


def test_wrong_key_is_silence() -> None:
    states: States = []
    sealed = make_sealer(make_provider(b"abc")).seal(SILENCE, 1, 2)
    opener = make_opener(make_provider(b"wrong"), states)
    assert sealed is not None
    assert [opener.open(sealed) for _ in range(3)] == [None] * 3
    assert states == [FAILED] * 3


def test_attempts_with_a_wrong_key_derive_each_key_once(monkeypatch: pytest.MonkeyPatch) -> None:
    derived = 0
    provider = make_provider(b"wrong", window=8)
    sealed = make_sealer(make_provider()).seal(SILENCE, 1, 2)
    original = Key.derive_successor
    assert sealed is not None

    def derive(key: Key) -> Key | None:
        nonlocal derived
        following = key.derived_successor()
        if following is None:
            derived += 1
            original(key)
        return following

    opener = FrameOpener(FrameCryptor("alice", "TR_a"), provider, lambda state: None, successor=derive)
    for _ in range(100):
        assert opener.open(sealed) is None
    assert derived == 8
    key = provider.ring("alice").get(0)
    assert key is not None
    assert key.material == b"wrong"


def test_right_key_set_after_failures_opens_at_once() -> None:
    states: States = []
    provider = make_provider(b"wrong")
    sealed = make_sealer(make_provider()).seal(SILENCE, 1, 2)
    opener = make_opener(provider, states)
    assert sealed is not None
    opener.open(sealed)
    provider.set_shared_key(b"abc", 0)
    assert opener.open(sealed) == SILENCE
    assert states == [FAILED, OK]


def test_ratcheting_sender_is_followed_without_a_gap() -> None:
    states: States = []
    local, remote = make_provider(), make_provider()
    sealer, opener = make_sealer(local), make_opener(remote, states)
    for _ in range(3):
        sealed = sealer.seal(SILENCE, 1, 2)
        assert sealed is not None
        assert opener.open(sealed) == SILENCE
        local.ratchet_shared_key(0)
    assert states == [OK, RATCHETED, OK, RATCHETED, OK]


def test_a_sender_that_ratchets_leaves_the_keys_of_others() -> None:
    local, remote = make_provider(), make_provider()
    opener = make_opener(remote)
    before = make_sealer(local).seal(SILENCE, 1, 2)
    local.ratchet_shared_key(0)
    after = make_sealer(local).seal(SILENCE, 1, 2)
    assert before is not None
    assert after is not None
    assert opener.open(after) == SILENCE
    assert opener.open(before) is None, "the ratchet goes forward only"
    other = FrameOpener(FrameCryptor("bob", "TR_b"), remote, lambda state: None)
    assert other.open(before) == SILENCE
    assert remote.export_shared_key(0) == b"abc", "what the receiver itself sends is not ratcheted"


def test_receiver_that_ratcheted_hears_senders_that_did_not() -> None:
    local, remote = make_provider(), make_provider()
    opener = make_opener(remote)
    sealer = make_sealer(local)
    first = sealer.seal(SILENCE, 1, 2)
    assert first is not None
    assert opener.open(first) == SILENCE
    for _ in range(10):
        remote.ratchet_shared_key(0)
    second = sealer.seal(SILENCE, 1, 3)
    assert second is not None
    assert opener.open(second) == SILENCE
    for _ in range(12):
        local.ratchet_shared_key(0)
    third = sealer.seal(SILENCE, 1, 4)
    assert third is not None
    assert opener.open(third) == SILENCE, "within the window after the receiver's own key"


def test_key_outside_the_ratchet_window_is_silence() -> None:
    local = make_provider()
    for _ in range(5):
        local.ratchet_shared_key(0)
    sealed = make_sealer(local).seal(SILENCE, 1, 2)
    assert sealed is not None
    assert make_opener(make_provider(window=4)).open(sealed) is None
    assert make_opener(make_provider(window=5)).open(sealed) == SILENCE


def test_nothing_is_reported_while_a_key_is_derived() -> None:
    states: States = []
    local = make_provider()
    local.ratchet_shared_key(0)
    sealed = make_sealer(local).seal(SILENCE, 1, 2)
    assert sealed is not None
    opener = FrameOpener(FrameCryptor("alice", "TR_a"), make_provider(), states.append, successor=Key.derived_successor)
    assert opener.open(sealed) is None
    assert states == []


def test_missing_key_is_silence_until_it_is_set() -> None:
    sent: States = []
    received: States = []
    local, remote = make_provider(None), make_provider(None)
    sealer, opener = make_sealer(local, sent), make_opener(remote, received)
    assert sealer.seal(SILENCE, 1, 2) is None
    local.set_key("alice", b"abc", 0)
    sealed = sealer.seal(SILENCE, 1, 2)
    assert sealed is not None
    assert opener.open(sealed) is None
    remote.set_key("bob", b"abc", 0)
    assert opener.open(sealed) is None
    remote.set_key("alice", b"abc", 0)
    assert opener.open(sealed) == SILENCE
    assert (sent, received) == ([MISSING, OK], [MISSING, MISSING, OK])


def test_receivers_follow_the_index_of_the_trailer() -> None:
    states: States = []
    local, remote = make_provider(), make_provider()
    sealer, opener = make_sealer(local), make_opener(remote, states)
    local.set_shared_key(b"new", 1)
    sealed = sealer.seal(SILENCE, 1, 2)
    assert sealed is not None
    assert sealed[-1] == 0, "setting a key does not switch sending"
    sealer.cryptor.set_key_index(1)
    sealed = sealer.seal(SILENCE, 1, 2)
    assert sealed is not None
    assert sealed[-1] == 1
    assert opener.open(sealed) is None
    remote.set_shared_key(b"new", 1)
    assert opener.open(sealed) == SILENCE
    assert states == [MISSING, OK]


def test_failures_beyond_the_tolerance_drop_the_key_of_that_sender() -> None:
    states: States = []
    remote = make_provider(tolerance=2)
    sealed, forged = make_sealer(make_provider()).seal(SILENCE, 1, 2), make_sealer(make_provider(b"x")).seal(b"x", 1, 2)
    assert sealed is not None
    assert forged is not None
    opener = make_opener(remote, states)
    for frame in (forged, forged, sealed, forged, forged, forged, sealed):
        opener.open(frame)
    assert states == [FAILED, FAILED, OK, FAILED, FAILED, FAILED, MISSING]
    assert FrameOpener(FrameCryptor("bob", "TR_b"), remote, lambda state: None).open(sealed) == SILENCE
    remote.set_shared_key(b"abc", 0)
    assert opener.open(sealed) == SILENCE


def test_plain_frame_in_an_encrypted_room_is_silence() -> None:
    states: States = []
    opener = make_opener(make_provider(), states)
    assert [opener.open(frame) for frame in (SILENCE, b"", bytes(200))] == [None] * 3
    assert states == [FAILED] * 3


def test_sealed_frame_in_a_room_without_encryption_is_silence() -> None:
    states: States = []
    opener = make_opener(None, states)
    sealed = make_sealer(make_provider()).seal(SILENCE, 1, 2)
    assert sealed is not None
    assert opener.open(sealed) is None
    assert opener.open(SILENCE) == SILENCE
    assert states == [MISSING]


def test_disabled_encryption_passes_plain_frames_only() -> None:
    states: States = []
    sealer, opener = make_sealer(make_provider()), make_opener(make_provider(), states)
    sealed = sealer.seal(SILENCE, 1, 2)
    assert sealed is not None
    sealer.cryptor.set_enabled(False)
    assert sealer.seal(SILENCE, 1, 2) == SILENCE
    opener.cryptor.set_enabled(False)
    assert opener.open(SILENCE) == SILENCE
    assert opener.open(sealed) is None
    assert states == [MISSING]


@pytest.mark.parametrize("provider", [make_provider(), None])
def test_silence_of_the_server_is_taken_in_plaintext(provider: KeyProvider | None) -> None:
    states: States = []
    opener = make_opener(provider, states)
    blank = SILENCE + bytes(77)
    assert opener.open(blank + TRAILER) == blank
    assert states == []
    assert opener.open(b"\x78" + bytes(100) + TRAILER) is None, "anything else could be injected"
    assert states == [FAILED]


@pytest.mark.parametrize("position", [0, 1, -1, -2, -3, -14, -15])
def test_changed_frame_is_silence(position: int) -> None:
    sealed = make_sealer(make_provider()).seal(b"\x78" + bytes(50), 1, 2)
    assert sealed is not None
    changed = bytearray(sealed)
    changed[position] ^= 1
    assert make_opener(make_provider()).open(bytes(changed)) is None
