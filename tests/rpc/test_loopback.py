from __future__ import annotations

import asyncio

import pytest

from livekit.engine.interfaces import SendOptions
from livekit.protocol import models
from livekit.rpc import wire
from livekit.rpc.loopback import LoopbackSender
from livekit.streams.framing import text_stream
from tests.rpc.core_fixtures import V1, V2
from tests.rpc.shell_fixtures import Endpoint, Link


def packet(*destinations: str) -> models.DataPacket:
    return models.DataPacket(destination_identities=destinations, rpc_ack=models.RpcAck(request_id="id"))


async def drain() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.mark.parametrize("destinations", [["bob"], [], ["alice", "bob"]])
async def test_packets_to_others_are_sent_through_the_session(destinations: list[str]) -> None:
    line, received, delivered = Link("alice"), list[models.DataPacket](), list[bool]()
    sender = LoopbackSender(line, received.append)
    sender.identity = "alice"
    sender.send_packet(packet(*destinations), SendOptions(on_delivered=lambda: delivered.append(True)))
    sender.send_packets(iter([packet(*destinations), packet(*destinations)]))
    await drain()
    assert len(line.sent) == 3
    assert (received, delivered) == ([], [True])


async def test_row_09_packets_to_oneself_arrive_on_the_next_loop_iteration() -> None:
    line, received, delivered = Link("alice"), list[models.DataPacket](), list[int]()
    sender = LoopbackSender(line, received.append)
    sender.identity = "alice"
    options = SendOptions(on_delivered=lambda: delivered.append(len(received)))
    sender.send_packet(packet("alice"), options)
    stream = sender.send_packets(iter([packet("alice"), packet("alice")]), options)
    stream.cancel()
    sender.send_packet(packet("alice"))
    sender.send_packets(iter([packet("alice")]))
    assert received == []
    await drain()
    assert [got.participant_identity for got in received] == ["alice"] * 5
    assert delivered == [1, 3]
    assert line.sent == []


async def test_loopback_reports_packets_as_sent() -> None:
    link, errors = Link("alice"), list[Exception | None]()
    sender = LoopbackSender(link, lambda packet: None)
    sender.identity = "alice"
    sender.send_packet(packet("alice"), SendOptions(on_sent=errors.append))
    sender.send_packets(iter([packet("alice"), packet("alice")]), SendOptions(on_sent=errors.append))
    assert errors == [None, None]


async def test_no_loopback_before_joining() -> None:
    line, received = Link(""), list[models.DataPacket]()
    LoopbackSender(line, received.append).send_packet(packet(""))
    await drain()
    assert received == []
    assert len(line.sent) == 1


@pytest.mark.parametrize("peer", [V1, V2])
@pytest.mark.parametrize("size", [0, 100, 100_000])
async def test_row_09_a_call_to_oneself_uses_the_normal_path(peer: object, size: int) -> None:
    from livekit.rpc.callee import RpcCallee
    from livekit.rpc.client import RpcClient
    from livekit.rpc.invocation import RpcCallInfo

    end = Endpoint("alice", alice=peer)  # type: ignore[arg-type]
    sender = LoopbackSender(end.link, end.receive)
    sender.identity = "alice"
    end.client = RpcClient(sender, end.peers, end.options)
    end.callee = RpcCallee(sender, end.peers, end.registry, end.options)
    for topic, open_stream in (
        (wire.REQUEST_TOPIC, end.callee.open_request),
        (wire.RESPONSE_TOPIC, end.client.open_response),
    ):
        end.streams.unregister(topic)
        end.streams.register(topic, open_stream)
    end.client.set_online(True)
    end.registry.register(
        "m", lambda invocation: invocation.caller_identity + invocation.payload, replace=False, executor=None
    )
    assert await end.client.perform(RpcCallInfo("alice", "m", "x" * size, 5.0)) == "alice" + "x" * size
    assert end.link.sent == []
    assert isinstance(
        text_stream("", topic="t", destinations=["alice"], attributes={}, inline=True, timestamp_ms=0),
        models.DataPacket,
    )
