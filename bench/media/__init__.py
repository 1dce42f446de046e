"""Benchmarks of audio: `make bench-media`."""
