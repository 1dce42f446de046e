"""Codecs, on libraries that are optional."""
