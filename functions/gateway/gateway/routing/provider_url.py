"""Checks a caller's URL by its text; the addresses that its host resolves to are checked when connecting."""

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

import idna

from gateway.domain.errors import ProviderUrlRefused
from gateway.upstream.addresses import PrivateHosts, is_public
from switchboard.domain.limits import MAX_URL_CHARACTERS

URL_HEADER = "x-inference-provider-url"

# A last label of digits or 0x…: resolvers read such a host as an IPv4 address in another notation.
_NUMERIC_HOST = re.compile(r"(?:.*\.)?(?:0x[0-9a-f]*|\d+)", re.IGNORECASE)
_HOST_NAME = re.compile(r"(?=.{1,253}\.?$)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?", re.IGNORECASE)


def check_url(url: str, private_hosts: PrivateHosts) -> SplitResult:
    """The parts of the URL, if its text is acceptable; its addresses are checked when connecting.

    Raises ProviderUrlRefused for: other schemes than http(s), plain http to a host that is not in `private_hosts`, user
    names, fragments, IPv4 addresses in unusual notations, literal addresses that are not public.
    """
    try:
        parsed = urlsplit(url)
        host, port = parsed.hostname, parsed.port
    except ValueError:
        raise _refused("is not a URL") from None
    if parsed.scheme not in {"http", "https"} or not host:
        raise _refused("must begin with https:// and name a host")
    if re.search(r"[@%]", parsed.netloc) or re.search(r"[^\x21-\x7e]|[#\\]", url) or len(url) > MAX_URL_CHARACTERS:
        raise _refused("must be a plain URL: no user name, fragment, backslash, space or non-ASCII character")
    if private_hosts.allows(host, port or (443 if parsed.scheme == "https" else 80)):
        return parsed
    if parsed.scheme != "https":
        raise _refused("must begin with https://")
    if not (_is_public_literal(host) if "[" in parsed.netloc else _is_public_name(host)):
        raise _refused("names an address that the gateway does not call")
    if not _is_encoded_well(host):
        raise _refused("names a host that is not valid Punycode")
    return parsed


def _is_public_name(host: str) -> bool:
    """Whether it is an ordinary host name, or a public IPv4 address in dotted decimal."""
    if _NUMERIC_HOST.fullmatch(host.rstrip(".")):
        return _is_public_literal(host)
    return _HOST_NAME.fullmatch(host) is not None and host.rstrip(".") != "localhost"


def _is_encoded_well(host: str) -> bool:
    """Whether the HTTP client can decode a host with international characters."""
    try:
        return "xn--" not in host or bool(idna.decode(host))
    except idna.IDNAError:
        return False


def _is_public_literal(host: str) -> bool:
    try:
        return is_public(ipaddress.ip_address(host))
    except ValueError:
        return False


def _refused(reason: str) -> ProviderUrlRefused:
    return ProviderUrlRefused(
        f"{URL_HEADER} {reason}. The operator can allow a private host with PRIVATE_PROVIDER_HOSTS.", param=URL_HEADER
    )
