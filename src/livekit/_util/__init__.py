"""Helpers that belong to no part in particular: asyncio, logs, text, and names of enum values."""
