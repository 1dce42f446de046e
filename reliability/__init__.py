"""`make reliability` and `make soak`: RPC's guarantees on bad networks, under load and through process deaths."""
