"""The page of the OpenAPI document needs nothing from elsewhere."""

from __future__ import annotations

import re
from typing import Any

from api_calls import problem
from litestar.testing import AsyncTestClient

Api = AsyncTestClient[Any]

ELSEWHERE = re.compile(r"""(?:src|href|url)\s*[=:(]\s*["']?(?:https?:)?//""", re.IGNORECASE)


async def test_every_file_of_the_page_comes_from_here(api: Api) -> None:
    page = await api.get("/schema")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    files = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert [name for name in files if not name.startswith(("/schema/assets/", "data:,"))] == []

    sizes = {}
    for name in files:
        if name.startswith("/"):
            response = await api.get(name)
            assert response.status_code == 200
            kind = "javascript" if name.endswith(".js") else "css"
            assert response.headers["content-type"].startswith(f"text/{kind}")
            sizes[name.rpartition("/")[2]] = len(response.content)
            if name.endswith(".css"):
                assert not ELSEWHERE.search(response.text)
    assert set(sizes) == {"swagger-ui.css", "swagger-ui-bundle.js", "start.js"}
    assert sizes["swagger-ui-bundle.js"] > 1_000_000
    assert not ELSEWHERE.search(page.text)


async def test_the_page_asks_no_validator_and_shows_our_document(api: Api) -> None:
    start = (await api.get("/schema/assets/start.js")).text
    assert "validatorUrl: null" in start
    assert 'url: "/schema/openapi.json"' in start
    response = await api.get("/schema/openapi.json")
    assert response.headers["content-type"] == "application/vnd.oai.openapi+json"
    assert response.json()["openapi"].startswith("3.1")


async def test_only_the_files_of_the_page_are_served(api: Api) -> None:
    for name in ("index.css", "swagger-editor.js", "..%2Fcore.py", "page.html"):
        problem(await api.get(f"/schema/assets/{name}"), 404)


async def test_the_document_lists_what_exists(api: Api) -> None:
    document = (await api.get("/schema/openapi.json")).json()
    parameters = {p["name"]: p for p in document["paths"]["/api/mtf/run"]["get"]["parameters"]}
    assert parameters["profile"]["schema"]["enum"] == ["scalper_micro"]
    assert parameters["exchange"]["schema"]["enum"] == ["paper"]
    assert "LINKUSDT" in parameters["symbols"]["schema"]["items"]["pattern"]
