"""RTP and RTCP (RFC 3550, RFC 8285, RFC 2198, RFC 4585), as a sans-I/O core."""
