"""The keys of a room and the switch of its encryption."""

from __future__ import annotations

import pytest

from livekit import E2EEManager, E2EEOptions, KeyProvider, KeyProviderOptions
from livekit.enums import KeyDerivationFunction


def make_provider(shared_key: bytes | None = None) -> KeyProvider:
    hkdf = KeyDerivationFunction.HKDF  # fast
    return KeyProvider(KeyProviderOptions(shared_key=shared_key, key_derivation_function=hkdf))


def test_shared_key_applies_to_all_participants() -> None:
    provider = make_provider(b"shared")
    provider.set_key("alice", b"hers", 1)
    for identity in ("alice", "bob"):
        key = provider.ring(identity).get(0)
        assert key is not None
        assert key.material == b"shared"
        assert provider.ring(identity).get(1) is None
    assert provider.export_shared_key(0) == b"shared"
    assert provider.export_shared_key(1) == b""


def test_own_keys_take_precedence_without_a_shared_key() -> None:
    provider = make_provider()
    provider.set_shared_key(b"later", 0)
    provider.set_key("alice", b"hers", 1)
    key = provider.ring("alice").get(1)
    assert key is not None
    assert key.material == provider.export_key("alice", 1) == b"hers"
    assert provider.ring("alice").get(0) is None
    fallback = provider.ring("bob").get(0)
    assert fallback is not None
    assert fallback.material == b"later"


def test_keys_that_are_not_set_export_as_empty() -> None:
    provider = make_provider()
    provider.set_key("alice", b"hers", 0)
    assert provider.export_key("alice", 1) == provider.export_key("bob", 0) == provider.export_shared_key(0) == b""


def test_packets_are_sent_with_the_index_set_last() -> None:
    provider = make_provider(b"shared")
    assert provider.latest_index == 0
    provider.set_shared_key(b"new", 3)
    assert provider.latest_index == 3
    provider.set_key("alice", b"hers", 2)
    assert provider.latest_index == 2
    with pytest.raises(ValueError, match="from 0 to 15"):
        provider.set_shared_key(b"new", 16)
    assert provider.latest_index == 2


def test_ratcheting_replaces_shared_and_own_keys() -> None:
    provider = make_provider()
    provider.set_shared_key(b"k", 0)
    provider.set_key("alice", b"k", 0)
    assert provider.ratchet_shared_key(0) == provider.export_shared_key(0) != b"k"
    assert provider.ratchet_key("alice", 0) == provider.export_key("alice", 0) == provider.export_shared_key(0)
    with pytest.raises(ValueError, match="no key at index 1"):
        provider.ratchet_key("alice", 1)


def test_manager_has_keys_and_encrypts_with_options_only() -> None:
    options = E2EEOptions(KeyProviderOptions(shared_key=b"k", key_derivation_function=KeyDerivationFunction.HKDF))
    manager = E2EEManager(options)
    provider = manager.key_provider
    assert provider is not None
    assert provider.options is options.key_provider_options
    switched = [manager.enabled]
    manager.set_enabled(False)
    assert [*switched, manager.enabled] == [True, False]
    assert manager.frame_cryptors() == []
    plain = E2EEManager(None)
    assert (plain.enabled, plain.key_provider) == (False, None)
