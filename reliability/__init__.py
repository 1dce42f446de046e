"""`make reliability` and `make soak`: what the SDK promises on bad networks, under load and when processes die."""
