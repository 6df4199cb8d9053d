"""Addresses, and what they reach."""

from __future__ import annotations

import ipaddress


def is_loopback(host: str) -> bool:
    """Whether an address or name reaches only this machine.

    Examples
    --------
    >>> [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "shop.example")]
    [True, True, True, False, False]
    """
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


# Addresses of IPv6 that stand for one of IPv4 in their last 32 bits: NAT64 (RFC 6052).
TRANSLATED = ipaddress.ip_network("64:ff9b::/96")


def is_global(address: str) -> bool:
    """Whether an address is on the public internet, or else that of IPv4 which it stands for.

    Raises
    ------
    ValueError
        If it is none.

    Examples
    --------
    >>> [is_global(each) for each in ("93.184.215.14", "2606:2800:21f::1")]
    [True, True]
    >>> [is_global(each) for each in ("10.0.0.1", "169.254.169.254", "::ffff:127.0.0.1", "fe80::1")]
    [False, False, False, False]
    """
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour
        if found in TRANSLATED:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFF_FFFF)
        if inner is not None:
            return is_global(str(inner))
        if found.is_site_local:
            return False
    return found.is_global and not (found.is_multicast or found.is_reserved)
