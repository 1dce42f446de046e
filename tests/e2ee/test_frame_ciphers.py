"""The encryption of a room's tracks, and their `FrameCryptor`s."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

from livekit import E2EEManager, E2EEOptions, FrameCryptor, KeyProvider, KeyProviderOptions
from livekit.e2ee.key_derivation import BackgroundDerivation
from livekit.e2ee.keys import Key
from livekit.enums import EncryptionState, EncryptionType, KeyDerivationFunction

OK, RATCHETED = EncryptionState.OK, EncryptionState.KEY_RATCHETED
FRAME = b"\x78" + bytes(40)


def make_manager(function: KeyDerivationFunction.ValueType = KeyDerivationFunction.HKDF) -> E2EEManager:
    return E2EEManager(E2EEOptions(KeyProviderOptions(shared_key=b"abc", key_derivation_function=function)))


def keys_of(manager: E2EEManager) -> KeyProvider:
    provider = manager.key_provider
    assert provider is not None
    return provider


def is_prepared(manager: E2EEManager) -> bool:
    key = keys_of(manager).ring("a").get(0)
    return key is not None and key.derived_successor() is not None


async def test_tracks_have_frame_cryptors_until_they_end() -> None:
    manager = make_manager()
    assert manager.frame_cryptors() == []
    assert manager.encryption_type == EncryptionType.GCM
    sealer = manager.frames.sealer("alice", "TR_a")
    opener = manager.frames.opener("bob", "TR_b", encrypted=True)
    assert sealer is not None
    assert opener is not None
    assert manager.frame_cryptors() == [sealer.cryptor, opener.cryptor]
    again = manager.frames.opener("bob", "TR_b", encrypted=True)
    assert again is not None
    assert again.cryptor is opener.cryptor, "subscribed to again"
    manager.frames.remove("bob", "TR_b")
    manager.frames.remove("bob", "TR_b")
    assert manager.frame_cryptors() == [sealer.cryptor]


async def test_switch_applies_to_tracks_before_and_after() -> None:
    manager = make_manager()
    before = manager.frames.sealer("alice", "TR_a")
    manager.set_enabled(False)
    after = manager.frames.sealer("alice", "TR_b")
    assert before is not None
    assert after is not None
    assert [before.seal(FRAME, 1, 2), after.seal(FRAME, 1, 2)] == [FRAME, FRAME]
    manager.set_enabled(True)
    assert before.seal(FRAME, 1, 2) != FRAME
    assert after.seal(FRAME, 1, 2) != FRAME
    other = make_manager()
    other.set_enabled(False)
    late = other.frames.sealer("alice", "TR_a")
    assert late is not None
    assert not late.cryptor.enabled


async def test_rooms_without_encryption_open_plain_tracks_without_a_cipher() -> None:
    for manager in (E2EEManager(None), E2EEManager(E2EEOptions(encryption_type=EncryptionType.NONE))):
        assert manager.encryption_type == EncryptionType.NONE
        assert manager.frames.sealer("alice", "TR_a") is None
        assert manager.frames.opener("alice", "TR_a", encrypted=False) is None
        opener = manager.frames.opener("alice", "TR_a", encrypted=True)
        sealer = make_manager().frames.sealer("alice", "TR_a")
        assert opener is not None
        assert sealer is not None
        sealed = sealer.seal(FRAME, 1, 2)
        assert sealed is not None
        assert opener.open(sealed) is None
        assert manager.frame_cryptors() == []


async def test_results_are_reported_with_participant_and_track() -> None:
    reported: list[tuple[str, str, EncryptionState.ValueType]] = []
    manager = make_manager()
    opener = manager.frames.opener("alice", "TR_a", encrypted=True)
    manager.on_frame_state = lambda identity, sid, state: reported.append((identity, sid, state))
    assert opener is not None
    opener.open(FRAME)
    manager.sif_trailer = b"trailer"
    silence = bytes.fromhex("f8fffe")
    assert opener.open(silence + b"trailer") == silence
    assert reported == [("alice", "TR_a", EncryptionState.DECRYPTION_FAILED)]


async def test_next_key_is_derived_in_a_thread_before_the_sender_ratchets(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[threading.Thread] = []
    derive = Key.derive_successor

    def derive_successor(key: Key) -> Key:
        threads.append(threading.current_thread())
        return derive(key)

    monkeypatch.setattr(Key, "derive_successor", derive_successor)
    states: list[EncryptionState.ValueType] = []
    local, remote = (make_manager(KeyDerivationFunction.PBKDF2) for _ in range(2))
    remote.on_frame_state = lambda identity, sid, state: states.append(state)
    sealer, opener = local.frames.sealer("a", "TR"), remote.frames.opener("a", "TR", encrypted=True)
    assert sealer is not None
    assert opener is not None
    for _ in range(3):
        sealed = sealer.seal(FRAME, 1, 2)
        assert sealed is not None
        assert opener.open(sealed) == FRAME
        await _until(lambda: is_prepared(remote) and is_prepared(local))
        keys_of(local).ratchet_shared_key(0)
    assert states == [OK, RATCHETED, OK, RATCHETED, OK]
    assert threading.main_thread() not in threads


async def test_one_key_is_derived_at_a_time() -> None:
    derivation = BackgroundDerivation()
    keys = [Key(b"abc", b"salt", KeyDerivationFunction.PBKDF2) for _ in range(2)]
    assert [derivation.successor(key) for key in keys] == [None, None]
    await _until(lambda: derivation.successor(keys[0]) is not None)
    assert keys[1].derived_successor() is None
    assert derivation.successor(keys[1]) is None
    await _until(lambda: derivation.successor(keys[1]) is not None)


async def _until(condition: Callable[[], bool]) -> None:
    for _ in range(10_000):
        if condition():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("the condition did not come true")


def test_frame_cryptor_has_the_official_members() -> None:
    cryptor = FrameCryptor("alice", "TR_a", 2, True, key_ring_size=4)
    assert (cryptor.participant_identity, cryptor.track_sid, cryptor.key_index, cryptor.enabled) == (
        *("alice", "TR_a"),
        *(2, True),
    )
    cryptor.set_key_index(3)
    cryptor.set_enabled(False)
    assert (cryptor.key_index, cryptor.enabled) == (3, False)
    for index in (-1, 4):
        with pytest.raises(ValueError, match="from 0 to 3"):
            cryptor.set_key_index(index)
    assert "key_index=3" in repr(cryptor)
