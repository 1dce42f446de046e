"""Clients at the wire level: WebSocket and peer connections."""

from __future__ import annotations

import aiohttp
import pytest

from livekit.protocol import models, rtc
from livekit.server import DevServer, limits
from livekit.server.events import ParticipantLeft
from livekit.server.responses import DisconnectReason
from tests.server.client import WireClient, expect_event, open_client
from tests.server.recording_link import user_packet

ACTIVE, DISCONNECTED = models.ParticipantInfo.ACTIVE, models.ParticipantInfo.DISCONNECTED

both_ways = pytest.mark.parametrize("single", [True, False], ids=["one_peer_connection", "two_peer_connections"])


@both_ways
async def test_forwards_packets(server: DevServer, single: bool) -> None:
    async with (
        open_client(server, "alice", single=single) as alice,
        open_client(server, "bob", single=not single) as bob,
    ):
        assert alice.join.subscriber_primary is not single
        assert [other.identity for other in bob.join.other_participants] == ["alice"]
        for sender, receiver in ((alice, bob), (bob, alice)):
            for reliable in (True, False):
                sender.send(user_packet(b"x" * 10_000, sequence=1), reliable=reliable)
                packet, arrived_reliable = await receiver.next_packet()
                assert packet.participant_sid == sender.sid
                assert packet.user.payload == b"x" * 10_000
                assert arrived_reliable is reliable


@both_ways
async def test_join_and_leave_are_announced_at_once(server: DevServer, single: bool) -> None:
    async with open_client(server, "alice") as alice, open_client(server, "bob", single=single) as bob:
        _ = await alice.until_update(bob.sid, ACTIVE)
        leave = rtc.LeaveRequest(reason=DisconnectReason.CLIENT_INITIATED)
        await bob.send_signal(rtc.SignalRequest(leave=leave))
        info = await alice.until_update(bob.sid, DISCONNECTED)
        assert info.disconnect_reason == DisconnectReason.CLIENT_INITIATED
        assert await bob.until_closed() == aiohttp.WSCloseCode.OK


async def test_refresh_token_follows_join_and_is_valid(server: DevServer) -> None:
    async with open_client(server, "alice", connect=False) as alice:
        await alice.open_socket()
        token = (await alice.next_signal("refresh_token")).refresh_token
        async with open_client(server, "bob", connect=False) as bob:
            bob._token = token
            await bob.open_socket()
            assert (await bob.next_signal("join")).join.participant.identity == "alice"


async def test_pings_are_answered(server: DevServer) -> None:
    async with open_client(server, "alice", connect=False) as alice:
        await alice.open_socket()
        await alice.send_signal(rtc.SignalRequest(ping_req=rtc.Ping(timestamp=5)))
        assert (await alice.next_signal("pong_resp")).pong_resp.last_ping_timestamp == 5


async def test_repeated_offers_are_answered(server: DevServer) -> None:
    async with open_client(server, "alice") as alice, open_client(server, "bob") as bob:
        for _ in range(3):
            await alice.send_signal(rtc.SignalRequest(offer=await alice.make_offer()))
            await alice.take_answer()
        alice.send(user_packet(b"still here"))
        assert (await bob.next_packet())[0].user.payload == b"still here"


async def test_same_identity_replaces_the_older_one(server: DevServer) -> None:
    async with (
        open_client(server, "alice") as alice,
        open_client(server, "bob") as older,
        open_client(server, "bob", single=False) as newer,
    ):
        assert (await older.next_signal("leave")).leave.reason == DisconnectReason.DUPLICATE_IDENTITY
        _ = await older.until_closed()
        _ = await alice.until_update(newer.sid, ACTIVE)
        alice.send(user_packet(b"x", "bob"))
        assert (await newer.next_packet())[0].user.payload == b"x"
        assert older.packets.empty()


class TestResume:
    @both_ways
    async def test_packets_flow_before_during_and_after(self, server: DevServer, single: bool) -> None:
        async with open_client(server, "alice") as alice, open_client(server, "bob", single=single) as bob:
            bob.send(user_packet(b"1", sequence=1))
            assert (await alice.next_packet())[0].sequence == 1
            await self.lose_signal(bob)
            bob.send(user_packet(b"2", sequence=2))
            alice.send(user_packet(b"a"))
            assert (await alice.next_packet())[0].sequence == 2
            assert (await bob.next_packet())[0].user.payload == b"a"

            await bob.open_socket(reconnect=True)

            assert (await bob.next_signal("reconnect")).reconnect.last_message_seq == 2
            infos = (await bob.next_signal("update")).update.participants
            assert {info.sid for info in infos} == {alice.sid, bob.sid}
            await bob.send_signal(rtc.SignalRequest(sync_state=rtc.SyncState()))
            await bob.send_signal(rtc.SignalRequest(offer=await bob.make_offer()))
            await bob.take_answer()
            alice.send(user_packet(b"b"))
            assert (await bob.next_packet())[0].user.payload == b"b"

    @both_ways
    async def test_unknown_sid_is_sent_a_full_reconnect(self, server: DevServer, single: bool) -> None:
        async with open_client(server, "bob", single=single, connect=False) as bob:
            bob.sid = "PA_gone"
            await bob.open_socket(reconnect=True)
            leave = (await bob.next_signal("leave")).leave
            assert (leave.reason, leave.action) == (DisconnectReason.STATE_MISMATCH, rtc.LeaveRequest.RECONNECT)
            assert await bob.until_closed() == aiohttp.WSCloseCode.OK

    async def test_resume_closes_older_websocket(self, server: DevServer) -> None:
        async with open_client(server, "bob") as bob:
            older = bob.socket
            await bob.open_socket(reconnect=True)
            _ = await bob.next_signal("reconnect")
            newer, bob.socket = bob.socket, older
            assert await bob.until_closed() == aiohttp.WSCloseCode.OK
            bob.socket = newer
            await bob.send_signal(rtc.SignalRequest(ping_req=rtc.Ping(timestamp=1)))
            _ = await bob.next_signal("pong_resp")

    async def test_participant_that_does_not_resume_is_removed(
        self, server: DevServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "RESUME_WINDOW", 0.2)
        async with open_client(server, "alice") as alice, open_client(server, "bob") as bob:
            await self.lose_signal(bob)
            info = await alice.until_update(bob.sid, DISCONNECTED)
            assert info.disconnect_reason == DisconnectReason.SIGNAL_CLOSE

    async def test_replaced_transport_receives_lost_packets(self, server: DevServer) -> None:
        async with open_client(server, "alice") as alice, open_client(server, "bob") as bob:
            alice.send(user_packet(b"1", sequence=1))
            assert (await bob.next_packet())[0].sequence == 1
            await self.lose_signal(bob)
            await bob.replace_transport()
            alice.send(user_packet(b"2", sequence=2))
            state = rtc.DataChannelReceiveState(publisher_sid=alice.sid, last_seq=0)
            sync = rtc.SyncState(datachannel_receive_states=[state])

            await bob.open_socket(reconnect=True, publisher_offer=await bob.make_offer())

            _ = await bob.next_signal("reconnect")
            await bob.send_signal(rtc.SignalRequest(sync_state=sync))
            await bob.take_answer()
            assert [(await bob.next_packet())[0].user.payload for _ in range(2)] == [b"1", b"2"]

    async def lose_signal(self, client: WireClient) -> None:
        assert client.socket is not None
        await client.socket.close()


class TestMisbehaviour:
    """Invalid input removes the client and does not affect the server."""

    async def test_signal_message_over_the_limit(self, server: DevServer) -> None:
        async with open_client(server, "alice", connect=False) as alice:
            await alice.open_socket()
            assert alice.socket is not None
            await alice.socket.send_bytes(bytes(limits.MAX_SIGNAL_MESSAGE + 1))
            assert await alice.until_closed() == aiohttp.WSCloseCode.MESSAGE_TOO_BIG

    @pytest.mark.parametrize("text", [True, False])
    async def test_invalid_signal_request(self, server: DevServer, text: bool) -> None:
        async with open_client(server, "alice", connect=False) as alice:
            await alice.open_socket()
            assert alice.socket is not None
            await (alice.socket.send_str("{}") if text else alice.socket.send_bytes(b"\xff\xff"))
            assert await alice.until_closed() == aiohttp.WSCloseCode.OK

    @pytest.mark.parametrize("sdp", ["", "nonsense", "v=0\r\n", "v=0\r\nm=application\r\n"])
    async def test_invalid_offer(self, server: DevServer, sdp: str) -> None:
        async with open_client(server, "alice", connect=False) as alice:
            async with expect_event(server, ParticipantLeft, "alice"):
                await alice.open_socket(publisher_offer=rtc.SessionDescription(type="offer", sdp=sdp, id=1))
            assert (await alice.next_signal("leave")).leave.reason == DisconnectReason.JOIN_FAILURE

    async def test_too_many_offers(self, server: DevServer) -> None:
        async with open_client(server, "alice") as alice:
            offer = await alice.make_offer()
            for _ in range(limits.MAX_OFFERS_PER_SECOND + 1):
                await alice.send_signal(rtc.SignalRequest(offer=offer))
            assert (await alice.next_signal("leave")).leave.reason == DisconnectReason.STATE_MISMATCH

    async def test_answer_without_offer_and_invalid_candidates(self, server: DevServer) -> None:
        async with open_client(server, "alice") as alice:
            await alice.send_signal(rtc.SignalRequest(answer=rtc.SessionDescription(type="answer", sdp="x", id=9)))
            for candidate in ("", "{", "[]", '{"candidate": 5}', '{"candidate": "candidate:1 1 tcp 1 ::1 9 typ host"}'):
                for target in (rtc.PUBLISHER, rtc.SUBSCRIBER):
                    trickle = rtc.TrickleRequest(candidateInit=candidate, target=target)
                    await alice.send_signal(rtc.SignalRequest(trickle=trickle))
            await alice.send_signal(rtc.SignalRequest(ping_req=rtc.Ping(timestamp=1)))
            _ = await alice.next_signal("pong_resp")

    async def test_join_timeout(self, server: DevServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "JOIN_TIMEOUT", 0.2)
        async with open_client(server, "alice", connect=False) as alice:
            await alice.open_socket()
            assert (await alice.next_signal("leave")).leave.reason == DisconnectReason.JOIN_FAILURE

    async def test_ping_timeout(self, server: DevServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "PING_TIMEOUT", 0)
        async with open_client(server, "alice", connect=False) as alice:
            await alice.open_socket()
            assert await alice.until_closed() == aiohttp.WSCloseCode.OK

    async def test_slow_reader_is_removed(self, server: DevServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "MAX_RELIABLE_BACKLOG", -1)
        async with open_client(server, "alice") as alice, open_client(server, "bob") as bob:
            async with expect_event(server, ParticipantLeft, "bob"):
                alice.send(user_packet(b"x"))
            leave = (await bob.next_signal("leave")).leave
            assert (leave.reason, leave.action) == (DisconnectReason.STATE_MISMATCH, rtc.LeaveRequest.RECONNECT)
