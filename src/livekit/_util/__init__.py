"""Shared helpers: asyncio, callbacks, logs, lazy imports, UTF-8 and protobuf enum names."""
