"""Where messages may be sent to: nowhere inside the network that the service stands in.

An address that a user gives is called by the server, from within its network (server-side request
forgery). So only public addresses are called, and those alone that a name was looked up to be: it
is looked up once for each attempt, every address must be public, and that address is connected to.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable

import httpx

from serving.hosts import is_global

# Where https is spoken; a request to another port may speak to something else.
PORTS = (None, 443, 8443)
# Names that are never public (RFC 6761, 6762, 8375 and ICANN's .internal).
INNER = ("localhost", "local", "internal", "home.arpa", "invalid", "test", "onion")
PRIVATE = "Give a public address, or allow private ones with HOLDFAST_PRIVATE_WEBHOOKS."
# Host and port -> addresses, as text.
Resolve = Callable[[str, int], Awaitable[list[str]]]


class AddressError(ValueError):
    """A URL that no message may be sent to; the message says why and what to do."""


def checked(url: str, allow_private: bool) -> httpx.URL:
    """A URL that messages may be sent to, if its name stands for a public address.

    Raises
    ------
    AddressError
        If it is none.
    """
    try:
        found = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise AddressError(f"must be a URL: {error}. Write https://host/path.") from None
    schemes = ("https", "http") if allow_private else ("https",)
    if found.scheme not in schemes or not found.host:
        raise AddressError("must be an https URL with a host. Write https://host/path.")
    if "%" in found.host or "" in found.host.rstrip(".").split("."):
        raise AddressError(f"must have a host that can be looked up; got {found.host!r}. Check it.")
    if found.userinfo:
        raise AddressError("must have no user and password. Check the signature instead.")
    if found.fragment:
        raise AddressError("must have no fragment: it is never sent. Leave it out.")
    if not allow_private and found.port not in PORTS:
        raise AddressError(f"must have port 443 or 8443; got {found.port}. {PRIVATE}")
    if not allow_private and _is_inner(found.host):
        raise AddressError(
            f"must have a host on the public internet; got {found.host!r}. {PRIVATE}"
        )
    return found


def _is_inner(host: str) -> bool:
    """Whether a host is inside a network, as far as can be told without looking it up."""
    name = host.rstrip(".")
    if "." not in name and ":" not in name:
        return True  # A name of the own network, or an address as one number.
    if name.rpartition(".")[2] in INNER or name.endswith(".home.arpa"):
        return True
    try:
        return not is_global(host)
    except ValueError:
        pass
    try:  # As systems read addresses: 127.1, 0x7f.0.0.1, 0177.0.0.1.
        return not is_global(socket.inet_ntoa(socket.inet_aton(name)))
    except OSError:
        return False


async def looked_up(host: str, port: int) -> list[str]:
    """The addresses of a name, as the system knows them.

    Raises
    ------
    OSError
        If there are none.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


async def address_of(url: httpx.URL, resolve: Resolve, allow_private: bool) -> str:
    """The address to connect to.

    Raises
    ------
    AddressError
        If one of them is not public.
    OSError
        If there is none.
    """
    port = url.port or {"https": 443, "http": 80}[url.scheme]
    addresses = await resolve(url.raw_host.decode(), port)
    if not addresses:
        raise OSError("the name has no address")
    if not allow_private and not all(map(is_global, addresses)):
        raise AddressError(f"the name stands for an address that is not public. {PRIVATE}")
    # Most machines reach those of IPv4.
    return min(
        addresses, key=lambda address: ipaddress.ip_address(address.partition("%")[0]).version
    )
