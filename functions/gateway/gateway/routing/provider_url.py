"""Which URLs the gateway may be sent to, by their looks; the addresses behind them are checked when it connects."""

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from gateway.domain.errors import ProviderUrlRefused
from gateway.upstream.addresses import PrivateHosts, is_public

URL_HEADER = "x-inference-provider-url"

# A last label made of digits or 0x…: a number in disguise, which resolvers read as an IPv4 address.
_NUMERIC_HOST = re.compile(r"(?:.*\.)?(?:0x[0-9a-f]*|\d+)", re.IGNORECASE)
_HOST_NAME = re.compile(r"(?=.{1,253}\.?$)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?", re.IGNORECASE)
_MAX_URL_CHARACTERS = 2048


def check_url(url: str, private_hosts: PrivateHosts) -> SplitResult:
    """The URL in parts, if the gateway may call it by its looks; its addresses are checked when it connects.

    Raises ProviderUrlRefused: not http(s), plain http to a host that is not on the list, user names, fragments, numbers
    in disguise, literal addresses that are not public.
    """
    try:
        parsed = urlsplit(url)
        host, port = parsed.hostname, parsed.port
    except ValueError:
        raise _refused("is not a URL") from None
    if parsed.scheme not in {"http", "https"} or not host:
        raise _refused("must begin with https:// and name a host")
    if re.search(r"[@%]", parsed.netloc) or re.search(r"[^\x21-\x7e]|[#\\]", url) or len(url) > _MAX_URL_CHARACTERS:
        raise _refused("must be a plain URL: no user name, fragment, backslash, space or non-ASCII character")
    if private_hosts.allows(host, port or (443 if parsed.scheme == "https" else 80)):
        return parsed
    if parsed.scheme != "https":
        raise _refused("must begin with https://")
    if not (_is_public_literal(host) if "[" in parsed.netloc else _is_public_by_looks(host)):
        raise _refused("names an address that the gateway does not call")
    return parsed


def _is_public_by_looks(host: str) -> bool:
    """Whether it is an ordinary name, or an IPv4 address written in the ordinary way that is public."""
    if _NUMERIC_HOST.fullmatch(host.rstrip(".")):
        return _is_public_literal(host)
    return _HOST_NAME.fullmatch(host) is not None and host.rstrip(".") != "localhost"


def _is_public_literal(host: str) -> bool:
    try:
        return is_public(ipaddress.ip_address(host))
    except ValueError:
        return False


def _refused(reason: str) -> ProviderUrlRefused:
    return ProviderUrlRefused(
        f"{URL_HEADER} {reason}. The operator can allow a private host with PRIVATE_PROVIDER_HOSTS.", param=URL_HEADER
    )
