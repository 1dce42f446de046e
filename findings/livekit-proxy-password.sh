#!/bin/sh
# livekit 1.2.1 (official Python SDK): joining through HTTP_PROXY sends the user and password of the proxy's URL
# percent-encoded, and ignores NO_PROXY.
#
# Expected: they are decoded (RFC 3986 section 2.1), as curl and the SDK's own plain HTTP requests do, and a host in
# NO_PROXY is connected to directly. Seen: `us%40er` arrives as such, so that a password with a reserved character never
# works; and CONNECT for an exempt host. Whoever needs such a password must put it into the URL unencoded.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check livekit==1.2.1

cat >"$folder/show.py" <<'PY'
import asyncio
import base64
import os
from importlib.metadata import version

from livekit import rtc


async def main() -> None:
    heads: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    proxy = await asyncio.start_server(serve, "127.0.0.1", 0)
    os.environ["HTTP_PROXY"] = f"http://us%40er:word@127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
    os.environ["NO_PROXY"] = "exempt.invalid"
    try:
        await rtc.Room().connect("ws://exempt.invalid:7880", "a.b.c")
    except rtc.ConnectError as error:
        print("connect:", error)
    connect = next(head for head in heads if head.startswith("CONNECT exempt.invalid:7880"))
    sent = {name.lower(): value for name, _, value in (line.partition(": ") for line in connect.split("\r\n"))}
    credentials = base64.b64decode(sent["proxy-authorization"].removeprefix("Basic ")).decode()
    print("livekit", version("livekit"), "sent", credentials)
    assert credentials == "us%40er:word"
    print("as described", flush=True)
    os._exit(0)  # without the end of the interpreter, during which the SDK's threads may abort the process


asyncio.run(main())
PY
"$folder/venv/bin/python" "$folder/show.py"
