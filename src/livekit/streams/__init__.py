"""Data streams: text and bytes of any length, carried by data packets.

The modules here are sans-I/O, without asyncio, sockets, files or a clock:

- `framing`: content to packets (header, chunks, trailer);
- `reassembly`: packets to content, with limits;
- `deflate`: bounded raw DEFLATE for both;
- `info`: the header's fields as applications see them.

`aio` is the asyncio side built on them.
"""
