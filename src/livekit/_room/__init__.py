"""Internals of a joined room: its session, its participants and its events."""
