"""The page of addresses agrees with the description."""

from __future__ import annotations

import re


async def test_the_page_lists_every_address_of_the_description(client):
    described = (await client.get("/openapi.json")).json()["paths"]
    page = (await client.get("/docs?lang=en")).text
    for path, methods in described.items():
        for method in methods:
            assert f"{method.upper()} {path}" in page
    assert not re.search(r'(src|href)="(https?:)?//(?!map\.test)', page)


async def test_every_operation_says_what_it_is_and_each_parameter_what_it_means(client):
    described = (await client.get("/openapi.json")).json()["paths"]
    silent = [
        f"{method} {path} {parameter['name']}"
        for path, methods in described.items()
        for method, operation in methods.items()
        for parameter in operation.get("parameters", [])
        if not parameter.get("description")
    ]
    nameless = [
        f"{method} {path}"
        for path, methods in described.items()
        for method, operation in methods.items()
        if not operation.get("summary") or not operation.get("description")
    ]
    assert silent == []
    assert nameless == []
