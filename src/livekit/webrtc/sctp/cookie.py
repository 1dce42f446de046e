"""The state cookie: the responder's state during the handshake, held by the initiator (RFC 9260 section 5.1.3)."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from struct import Struct

_FIELDS = Struct("!dLLLLLLLHHB")
_MAC_SIZE = 16
_FORWARD_TSN = 1
_RECONFIG = 2


class CookieError(ValueError):
    """A cookie that this association did not issue, or that was altered."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cookie:
    """The parameters of both sides from INIT and INIT ACK, with a message authentication code."""

    created_at: float
    """Seconds on the clock of `now`."""
    local_tag: int
    peer_tag: int
    local_tie_tag: int = 0
    peer_tie_tag: int = 0
    local_initial_tsn: int
    peer_initial_tsn: int
    peer_window: int
    outbound_streams: int
    inbound_streams: int
    forward_tsn: bool
    reconfig: bool

    def encode(self, key: bytes) -> bytes:
        """Return the cookie, authenticated with a secret key."""
        fields = _FIELDS.pack(
            self.created_at,
            self.local_tag,
            self.peer_tag,
            self.local_tie_tag,
            self.peer_tie_tag,
            self.local_initial_tsn,
            self.peer_initial_tsn,
            self.peer_window,
            self.outbound_streams,
            self.inbound_streams,
            _FORWARD_TSN * self.forward_tsn | _RECONFIG * self.reconfig,
        )
        return fields + _mac(fields, key)

    @classmethod
    def parse(cls, data: bytes, key: bytes) -> Cookie:
        """Verify and parse a cookie.

        Raises:
            CookieError: The cookie was not issued with this key.
        """
        fields, mac = data[: _FIELDS.size], data[_FIELDS.size :]
        if len(fields) != _FIELDS.size or not hmac.compare_digest(mac, _mac(fields, key)):
            raise CookieError("the state cookie was not issued by this association")
        created, local, peer, local_tie, peer_tie, local_tsn, peer_tsn, window, out, into, flags = _FIELDS.unpack(
            fields
        )
        return cls(
            created_at=created,
            local_tag=local,
            peer_tag=peer,
            local_tie_tag=local_tie,
            peer_tie_tag=peer_tie,
            local_initial_tsn=local_tsn,
            peer_initial_tsn=peer_tsn,
            peer_window=window,
            outbound_streams=out,
            inbound_streams=into,
            forward_tsn=bool(flags & _FORWARD_TSN),
            reconfig=bool(flags & _RECONFIG),
        )


def _mac(fields: bytes, key: bytes) -> bytes:
    return hashlib.blake2b(fields, key=key, digest_size=_MAC_SIZE).digest()
