import re

import pytest
from fastapi.testclient import TestClient

from console.reference import reference_page

PATH = "/api/reference"


@pytest.fixture
def text(client: TestClient) -> str:
    answer = client.get(PATH, headers={"authorization": ""})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    return answer.text


def test_the_page_has_every_route_with_its_parameters_and_fields(client: TestClient, text: str) -> None:
    document = client.get("/api/openapi.json").json()
    for path, item in document["paths"].items():
        for method, operation in item.items():
            assert f"<code>{method.upper()} {path}</code>" in text
            assert all(f"<code>{each['name']}</code>" in text for each in operation.get("parameters", ()))
    for name, schema in document["components"]["schemas"].items():
        assert f'id="{name}"' in text
        assert all(f"<code>{field}</code>" in text for field in schema.get("properties", ()))


def test_every_link_within_the_page_leads_somewhere(text: str) -> None:
    links = set(re.findall(r'href="#([^"]+)"', text))
    assert links
    assert links <= set(re.findall(r'id="([^"]+)"', text))


def test_the_page_loads_and_runs_nothing(client: TestClient, text: str) -> None:
    assert not re.search(r"<script|src=|url\(|@import", text)
    policy = client.get(PATH).headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")


def test_what_the_document_says_is_text() -> None:
    document = {
        "info": {"title": "<b>", "description": "a & `b`"},
        "paths": {},
        "components": {"schemas": {"A": {"properties": {"<i>": {"type": "string", "description": "<u>"}}}}},
    }
    page = reference_page(document).content.decode()
    assert not re.search(r"<[biu]>", page)
    assert "a &amp; <code>b</code>" in page
