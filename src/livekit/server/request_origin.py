"""Access control by the origin of an HTTP request, in addition to its token.

A browser sends requests to this machine on behalf of any page that it shows, and names the page in `Origin` and
`Sec-Fetch-Site` and the requested host in `Host`. Other programs send no `Origin`; tokens protect against them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from livekit._util.loopback import is_loopback, parse_address

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_CORS_PATHS = ("/rtc", "/twirp/")
"""Paths open to pages of any origin, as on LiveKit's server: tokens protect them, and there are no cookies."""
_CORS = {hdrs.ACCESS_CONTROL_ALLOW_ORIGIN: "*"}
_PREFLIGHT = {**_CORS, hdrs.ACCESS_CONTROL_ALLOW_METHODS: "GET, POST", hdrs.ACCESS_CONTROL_MAX_AGE: "86400"}
_HEADERS = "Authorization, Content-Type"
_WEB = frozenset({"http", "https", ""})
"""Schemes of web pages. Sandboxed frames and files have the origin `null`, without a scheme."""
_LOCAL_NAMES = ("localhost", "local", "test", "internal", "lan", "home.arpa", "localdomain")
"""Domains that cannot be registered (RFC 6761, 6762 and 8375, and common use)."""
_FORWARDED = (hdrs.FORWARDED, hdrs.X_FORWARDED_FOR, hdrs.VIA)


def is_private_host(host: str) -> bool:
    """Return whether `host` is a name or address of this machine or a private network, and not of the internet."""
    name = host.strip("[]").rstrip(".").lower()
    address = parse_address(name)
    if address is not None:
        return not address.is_global
    return bool(name) and ("." not in name or name.endswith(tuple(f".{local}" for local in _LOCAL_NAMES)))


def is_local(request: web.Request) -> bool:
    """Return whether a request comes from this machine directly and names it in `Host`.

    `Host` reveals DNS rebinding, where a foreign name resolves to a loopback address; forwarding headers reveal a
    proxy on this machine.
    """
    if any(name in request.headers for name in _FORWARDED):
        return False
    return is_loopback(request.remote or "") and is_loopback(_host_of(f"//{request.host}"))


def is_cross_site(request: web.Request) -> bool:
    """Return whether a page of another origin sent the request; following a link from there does not count."""
    origin = request.headers.get(hdrs.ORIGIN)
    if origin is not None:
        return _authority_of(origin) != request.host.lower()
    site = request.headers.get("Sec-Fetch-Site", "none")
    return site not in ("none", "same-origin") and request.headers.get("Sec-Fetch-Dest") != "document"


def local_only(handler: Handler) -> Handler:
    """Wrap a handler that needs no token: only programs on this machine and pages of this server may call it."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        if not is_local(request):
            raise web.HTTPForbidden(
                text="only for requests from this machine to http://127.0.0.1 or http://localhost, with the port"
            )
        if is_cross_site(request):
            raise web.HTTPForbidden(text="not for pages of another origin")
        return await handler(request)

    return guarded


class OriginGuard:
    """Keeps pages of the internet from using a server with a publicly known key.

    Pages of this machine and private networks are admitted, and so are programs, apps and browser extensions.
    """

    def __init__(self, allowed: Collection[str] = ()) -> None:
        """`allowed` are additional origins, such as `https://app.example.com`; `*` allows all."""
        self._allowed = frozenset(origin.rstrip("/").lower() for origin in allowed)

    def allows(self, request: web.Request) -> bool:
        """Return whether a request may use a publicly known key."""
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is None or not self._allowed.isdisjoint(("*", origin.lower())):
            return True
        host = _host_of(origin)
        try:
            scheme = urlsplit(origin).scheme
        except ValueError:
            return False
        if scheme not in _WEB or is_private_host(host):
            return True
        return parse_address(host) is not None and host == _host_of(f"//{request.host}")

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not self.allows(request):
            origin = request.headers[hdrs.ORIGIN]
            raise web.HTTPForbidden(
                text=f"pages of {origin} may not use the publicly known development key: "
                f"start the server with a key of your own, or with allowed_origins=[{origin!r}] (--allow-origin)"
            )
        return await handler(request)


@web.middleware
async def cors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let pages of any origin read the responses of the token-protected paths (CORS)."""
    if not request.path.startswith(_CORS_PATHS):
        return await handler(request)
    if request.method == hdrs.METH_OPTIONS:
        wanted = request.headers.get(hdrs.ACCESS_CONTROL_REQUEST_HEADERS, _HEADERS)
        return web.Response(status=204, headers={**_PREFLIGHT, hdrs.ACCESS_CONTROL_ALLOW_HEADERS: wanted})
    try:
        response = await handler(request)
    except web.HTTPException as refusal:
        refusal.headers.update(_CORS)
        raise
    if not response.prepared:
        response.headers.update(_CORS)
    return response


def _host_of(url: str) -> str:
    """Return the host of an origin or of `//host:port`; empty if there is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _authority_of(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""
