"""The HTTP proxy of a URL, from the environment: HTTP_PROXY, HTTPS_PROXY and NO_PROXY. No I/O.

ws and http URLs use HTTP_PROXY, wss and https URLs HTTPS_PROXY, as in the official SDK; upper case takes precedence.
Not read: ALL_PROXY, and, in a CGI program, HTTP_PROXY in upper case, which any client can set there by a header.
"""

from __future__ import annotations

import base64
import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from yarl import URL

from livekit.errors import ProxyError

from .urls import parse_url, redacted

__all__ = ["Proxy", "find_proxy", "is_exempt"]

_VARIABLES = {"ws": "HTTP_PROXY", "http": "HTTP_PROXY", "wss": "HTTPS_PROXY", "https": "HTTPS_PROXY"}
_EXAMPLE = "http://proxy.example.com:3128"


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy."""

    url: URL
    """With scheme http or https, without user information."""
    variable: str
    """The environment variable that names it."""
    authorization: str | None = field(default=None, repr=False)
    """The value of Proxy-Authorization."""

    def __str__(self) -> str:
        """The proxy for error messages, without its password."""
        return f"{str(self.url).removesuffix('/')} ({self.variable})"

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.authorization is None else {"Proxy-Authorization": self.authorization}


def find_proxy(url: URL, environ: Mapping[str, str] = os.environ) -> Proxy | None:
    """Return the proxy for requests to `url`; None to connect directly.

    Raises:
        ProxyError: the variable does not name an HTTP proxy.
    """
    variable = _VARIABLES[url.scheme]
    is_cgi = variable == "HTTP_PROXY" and "REQUEST_METHOD" in environ
    names = [variable.lower()] if is_cgi else [variable, variable.lower()]
    found = next((name for name in names if environ.get(name, "").strip()), None)
    exempt = environ.get("NO_PROXY") or environ.get("no_proxy") or ""
    if found is None or is_exempt(url, exempt):
        return None
    return _parse(environ[found].strip(), found)


def is_exempt(url: URL, exempt: str) -> bool:
    """Return whether NO_PROXY's value `exempt` lists the host of `url`.

    Entries are separated by commas or spaces: ``*``; a name, which includes its subdomains, with or without a dot
    before it; an address; a network in CIDR notation. Names and addresses may have a port.
    """
    host = (url.raw_host or "").lower().removesuffix(".")
    return any(_matches(entry, host, url.port) for entry in re.split(r"[\s,]+", exempt.lower()) if entry)


def _matches(entry: str, host: str, port: int | None) -> bool:
    if entry == "*":
        return True
    with_port = re.fullmatch(r"(\[.*\]|[^:]*):([0-9]+)", entry)
    if with_port is not None:
        entry, wanted = with_port.groups()
        if int(wanted) != port:
            return False
    entry = entry.strip("[]").removesuffix(".")
    try:
        return ipaddress.ip_address(host.partition("%")[0]) in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        name = entry.removeprefix("*").removeprefix(".")
        return bool(name) and (host == name or host.endswith("." + name))


def _parse(text: str, variable: str) -> Proxy:
    if "://" not in text:
        text = f"http://{text}"
    try:
        url = parse_url(text, ("http", "https"), _EXAMPLE).origin()
        credentials = URL(text)
    except ValueError as error:
        raise ProxyError(f"{variable} does not name an HTTP proxy: {error}", redacted(text)) from None
    authorization = None
    if credentials.user is not None or credentials.password is not None:
        pair = f"{credentials.user or ''}:{credentials.password or ''}"
        authorization = "Basic " + base64.b64encode(pair.encode()).decode()
    return Proxy(url, variable, authorization)
