import base64
import hashlib
import re

from fastapi.testclient import TestClient

from console.page import ASSETS, SCRIPTS, load_page


def inline(document: str, tag: str) -> str:
    found = re.findall(rf"<{tag}[^>]*>(.*?)</{tag}>", document, re.DOTALL)
    assert len(found) == 1
    return str(found[0])


def test_the_content_security_policy_allows_only_the_inline_code() -> None:
    page = load_page()
    document = page.content.decode()
    for directive, tag in (("script-src", "script"), ("style-src", "style")):
        digest = base64.b64encode(hashlib.sha256(inline(document, tag).encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in page.policy
    assert "default-src 'none'" in page.policy
    assert "unsafe" not in page.policy


def test_the_page_loads_nothing_from_elsewhere() -> None:
    document = load_page().content.decode()
    assert not re.findall(r"https?:|//[a-z]|@import|url\(", document.replace("// ", ""))
    assert not re.findall(r"\son[a-z]+=|\sstyle=", document)


def test_data_is_never_parsed_as_html() -> None:
    document = load_page().content.decode()
    assert not re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", document)


def test_every_script_is_in_the_page() -> None:
    assert {path.name for path in ASSETS.glob("*.js")} == set(SCRIPTS)
    document = load_page().content.decode()
    assert all((ASSETS / name).read_text("utf-8") in document for name in SCRIPTS)


def test_is_served_with_its_policy_with_and_without_a_slash(client: TestClient) -> None:
    page = load_page()
    for path in ("/console", "/console/"):
        answer = client.get(path, headers={"authorization": ""})
        assert (answer.status_code, answer.content) == (200, page.content)
        assert answer.headers["content-security-policy"] == page.policy
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert client.head(path).content == b""
