"""Benchmarks of this SDK, the official one, grpc.aio and bare UDP in one run. See `python -m bench --help`."""
