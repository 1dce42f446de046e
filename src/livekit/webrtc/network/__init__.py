"""Sockets below ICE, the I/O half of :mod:`livekit.webrtc.ice`: UDP, ICE-TCP, STUN and TURN clients, gathering."""
