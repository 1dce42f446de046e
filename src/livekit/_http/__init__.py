"""Outgoing HTTP: URLs, proxies, sessions, and the errors of failed requests. For signaling, backends and webhooks."""
