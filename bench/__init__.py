"""Benchmarks: this SDK beside the official one, grpc.aio and bare UDP, in one run. See `python -m bench --help`."""
