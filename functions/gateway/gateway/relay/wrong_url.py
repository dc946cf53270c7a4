"""Answers of servers that are no API, web pages and redirects: the provider URL is wrong then."""

import html
import re
from collections.abc import Callable
from urllib.parse import urljoin, urlsplit

from gateway.domain.call import Target
from gateway.domain.reports import UpstreamRejected
from switchboard.domain.limits import MAX_ERROR_BYTES, clipped
from switchboard.stream.sse import BYTE_ORDER_MARK

WRONG_URL = "the provider URL is wrong"
STATUSES = frozenset({404, 405, 406})
"""Statuses with which a server that is no API answers a POST with a page."""

_MARKUP = b"<"
_TITLE = re.compile(r"<title\b[^>]{0,200}>([^<]{1,500})", re.IGNORECASE)
_MOST_CHARACTERS = 200


def is_page(body: bytes) -> bool:
    """Whether the body is a web page, or other markup. No answer of an API is."""
    return body[:MAX_ERROR_BYTES].removeprefix(BYTE_ORDER_MARK).lstrip().startswith(_MARKUP)


def page_text(body: bytes) -> str:
    """What is told of a page: its title, where it has one."""
    title = _TITLE.search(body[:MAX_ERROR_BYTES].decode("utf-8", "replace"))
    words = clipped(" ".join(html.unescape(title[1]).split()), _MOST_CHARACTERS) if title is not None else ""
    return f"a web page ({words!r})" if words else "a web page"


def page_instead(target: Target, status: int, body: bytes, scrub: Callable[[str], str]) -> UpstreamRejected:
    """The failure of a page in place of an answer."""
    remark = f"a web page: {WRONG_URL}"
    return UpstreamRejected(target, status, f"{scrub(page_text(body))}: {WRONG_URL}", remark=remark)


def redirect_text(location: str | None, url: str) -> str:
    """What is told of a redirect, which is not followed: it would carry the key to another address."""
    return f"a redirect to {_shown(location, url) if location else 'nowhere'}, which is not followed: {WRONG_URL}"


def _shown(location: str, url: str) -> str:
    """The address without what may be secret: a user, the values of the query, the fragment."""
    try:
        parts = urlsplit(urljoin(url, location))
    except ValueError:
        return "an address that cannot be read"
    host = parts.netloc.rpartition("@")[2]
    names = [f"{name}=***" if given else "***" for name, given, _ in (p.partition("=") for p in parts.query.split("&"))]
    shown = f"{parts.scheme}://{host}{parts.path}" + (f"?{'&'.join(names)}" if parts.query else "")
    shown = clipped(shown, _MOST_CHARACTERS)  # with an ellipsis, before which the beginning of a secret is found
    return "".join(character if character.isprintable() else "?" for character in shown)
