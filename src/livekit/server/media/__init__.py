"""Forwarding of media: RTP and RTCP between participants. No I/O, no clock, no codec."""
