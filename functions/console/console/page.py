"""The web page: one document with inline style and script, and a Content-Security-Policy that allows nothing else."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ASSETS = Path(__file__).parent / "assets"
SCRIPTS = (
    "format.js",
    "api.js",
    "element.js",
    "words.js",
    "money.js",
    "requests.js",
    "messages.js",
    "timing.js",
    "attempts.js",
    "turns.js",
    "detail.js",
    "listing.js",
    "empty.js",
    "calls.js",
    "chart.js",
    "tasks.js",
    "main.js",
)


@dataclass(frozen=True, slots=True)
class Page:
    """The document's bytes and its Content-Security-Policy."""

    content: bytes
    policy: str

    def headers(self) -> Mapping[str, str]:
        """The headers it is served with."""
        return {
            "content-type": "text/html; charset=utf-8",
            "content-security-policy": self.policy,
            "cache-control": "no-cache",
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
        }


def load_page() -> Page:
    """The page, assembled from its files into one document, since every further request could start another sandbox."""
    style = _read("style.css")
    script = "\n".join(map(_read, SCRIPTS))
    document = _read("page.html").replace("/* style */", style, 1).replace("/* script */", script, 1)
    policy = {
        "default-src": "'none'",
        "script-src": source_of(script),
        "style-src": source_of(style),
        "connect-src": "'self'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return Page(document.encode(), "; ".join(f"{name} {value}" for name, value in policy.items()))


def _read(name: str) -> str:
    return (ASSETS / name).read_text("utf-8")


def source_of(text: str) -> str:
    """The source that allows exactly this style or script in a Content-Security-Policy."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
