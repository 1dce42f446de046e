"""Join requests in URLs, encoded and as query parameters: raises nothing but AuthError.

Run as `python -m fuzz.fuzz_join [COUNT] [SEED]`.
"""

from __future__ import annotations

import base64
import gzip
import json
from urllib.parse import parse_qsl, urlencode

from fuzz.mutate import Fuzzer, always
from livekit.protocol import models, rtc
from livekit.server.auth import AuthError
from livekit.server.claims import Claims
from livekit.server.join_request import check_allowed, parse_join
from livekit.server.permissions import parse_grants

ALLOWED = (AuthError,)
GRANTS = parse_grants(Claims({"iss": "key", "sub": "alice", "video": {"roomJoin": True, "canUpdateOwnMetadata": True}}))
_QUERY = b"?"
_PLAIN, _GZIP = b"p", b"z"


def target(data: bytes) -> None:
    """Parse an input whose first byte selects a query, a plain or compressed join request, or any wrapped one."""
    kind, rest = data[:1], data[1:]
    if kind == _QUERY:
        query = dict(parse_qsl(rest.decode("utf-8", "replace"), keep_blank_values=True))
    elif kind == _PLAIN:
        query = {"join_request": _wrapped(rest, rtc.WrappedJoinRequest.NONE)}
    elif kind == _GZIP:
        query = {"join_request": _wrapped(gzip.compress(rest, 1), rtc.WrappedJoinRequest.GZIP)}
    else:
        query = {"join_request": base64.urlsafe_b64encode(rest).decode()}
    check_allowed(GRANTS, parse_join(query, single_peer_connection=kind != _QUERY))


def _wrapped(data: bytes, compression: rtc.WrappedJoinRequest.Compression) -> str:
    wrapped = rtc.WrappedJoinRequest(join_request=data, compression=compression)
    return base64.urlsafe_b64encode(wrapped.SerializeToString()).decode()


def _seeds() -> list[bytes]:
    request = rtc.JoinRequest(
        client_info=models.ClientInfo(sdk="PYTHON", protocol=17, capabilities=["CAP_COMPRESSION_DEFLATE_RAW"]),
        metadata="m",
        participant_attributes={"k": "v", "empty": ""},
        publisher_offer=rtc.SessionDescription(type="offer", sdp="v=0", id=1),
        sync_state=rtc.SyncState(
            datachannel_receive_states=[rtc.DataChannelReceiveState(publisher_sid="s", last_seq=1)]
        ),
        reconnect=True,
        participant_sid="PA_1",
    ).SerializeToString()
    wrapped = rtc.WrappedJoinRequest(join_request=gzip.compress(request), compression=rtc.WrappedJoinRequest.GZIP)
    attributes = base64.urlsafe_b64encode(json.dumps({"k": "v", "n": 1}).encode()).decode()
    parameters = {
        "sdk": "js",
        "version": "2",
        "protocol": "17",
        "client_protocol": "2",
        "reconnect": "1",
        "sid": "PA_1",
        "capabilities": "CAP_COMPRESSION_DEFLATE_RAW,X",
        "attributes": attributes,
    }
    query = urlencode(parameters).encode()
    return [_QUERY + query, _PLAIN + request, _GZIP + request, b"w" + wrapped.SerializeToString()]


SEEDS = _seeds()
FUZZER = Fuzzer("join", SEEDS, ALLOWED, always(target))

if __name__ == "__main__":
    FUZZER.main()
