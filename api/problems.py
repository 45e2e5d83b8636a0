"""Every error as RFC 9457 ``application/problem+json``, in the caller's language.

One table gives the domain's exceptions their status; validation, unknown addresses, wrong methods
and what nobody foresaw take the same form.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.session import language_of
from layers import problems
from layers.labels import Text

log = logging.getLogger("onemap.api")
MEDIA_TYPE = "application/problem+json"

STATUS: dict[type[problems.Problem], int] = {
    problems.NotFound: 404,
    problems.BadRequest: 400,
    problems.BadInput: 422,
    problems.Unauthorized: 401,
    problems.Forbidden: 403,
    problems.Stale: 412,
    problems.Impossible: 422,
    problems.Unconditional: 428,
    problems.TooMany: 429,
    problems.Unavailable: 503,
}
_HEADERS: dict[int, dict[str, str]] = {
    401: {"WWW-Authenticate": "Bearer"},
    503: {"Retry-After": "2"},
}
_TITLES = {
    404: Text("未找到", "Not found"),
    405: Text("不允许的方法", "Method not allowed"),
    406: Text("无法提供所要的格式", "Not acceptable"),
    408: Text("请求超时", "Request timeout"),
    413: Text("请求过大", "Content too large"),
    415: Text("不支持的格式", "Unsupported media type"),
}
_VALIDATION = {
    "missing": Text("必填", "is required"),
    "int_parsing": Text("应为整数", "must be a whole number"),
    "float_parsing": Text("应为数值", "must be a number"),
    "bool_parsing": Text("应为 true 或 false", "must be true or false"),
    "json_invalid": Text("不是有效的 JSON", "is not valid JSON"),
    "extra_forbidden": Text("没有这个字段", "is no field here"),
    "string_type": Text("应为文字", "must be a text"),
    "string_too_short": Text("太短", "is too short"),
    "string_too_long": Text("太长", "is too long"),
}

_WITH_SECRETS = ("/sign-in", "/me/", "/administration/")

SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Problem (RFC 9457)",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "examples": ["urn:onemap:problem:bad-request"]},
        "title": {"type": "string", "examples": ["Bad request"]},
        "status": {"type": "integer", "examples": [400]},
        "detail": {"type": "string"},
        "instance": {"type": "string", "examples": ["/ogc/collections/rooms/items"]},
        "field": {"type": "string", "description": "the parameter or property meant"},
        "value": {"description": "what was given"},
        "position": {"description": "where in the value: a character (from 1) or a JSON pointer"},
    },
}
_EXAMPLES = {
    400: "bbox: four numbers west,south,east,north are needed; got '116,39'",
    401: "This service needs a token: send the header Authorization: Bearer <token>",
    404: "There is no layer called 'room'. The layers are: …",
    503: "The database cannot be reached for now; try again in a moment",
}


def described(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI responses for the given error statuses, with examples."""
    return {
        status: {
            "description": _title(status).en,
            "content": {
                MEDIA_TYPE: {
                    "schema": SCHEMA,
                    "example": {
                        "type": _type(status),
                        "title": _title(status).en,
                        "status": status,
                        "detail": _EXAMPLES.get(status, _title(status).en),
                        "instance": "/ogc",
                    },
                }
            },
        }
        for status in statuses
    }


def _title(status: int) -> Text:
    for kind, code in STATUS.items():
        if code == status:
            return kind.title
    return _TITLES.get(status, problems.Problem.title)


def _type(status: int) -> str:
    return "urn:onemap:problem:" + re.sub(r"[^a-z]+", "-", _title(status).en.lower()).strip("-")


def respond(
    request: Request,
    status: int,
    detail: Text,
    *,
    title: Text | None = None,
    headers: Mapping[str, str] | None = None,
    details: Mapping[str, Any] | None = None,
) -> Response:
    """Return a problem as a response in the caller's language."""
    language = language_of(request)
    body = {
        "type": _type(status),
        "title": (title or _title(status)).in_language(language),
        "status": status,
        "detail": detail.in_language(language),
        "instance": request.url.path,
        **(details or {}),
    }
    return Response(
        _json(body),
        status,
        {
            "Content-Language": language,
            "Cache-Control": "no-store",
            "Vary": "Accept-Language, Authorization, Cookie",
            **_HEADERS.get(status, {}),
            **(headers or {}),
        },
        MEDIA_TYPE,
    )


def _json(body: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(body, default=str)
    except TypeError:  # a whole number of more than 64 bits, sent by the caller
        return json.dumps(body, default=str, ensure_ascii=False).encode()


async def on_problem(request: Request, problem: Exception) -> Response:
    """Answer a domain exception with its status."""
    assert isinstance(problem, problems.Problem)
    request.scope["onemap.problem"] = problem  # its trace says why
    status = next((STATUS[kind] for kind in type(problem).__mro__ if kind in STATUS), 500)
    details = dict(problem.details)
    if errors := details.get("errors"):
        details["errors"] = [each.told(language_of(request)) for each in errors]
    headers = {}
    if wait := details.get("retry_after_s"):
        headers["Retry-After"] = str(wait)
    return respond(
        request, status, problem.text, title=type(problem).title, headers=headers, details=details
    )


def _among(error: Mapping[str, Any]) -> Text:
    """Return what is wrong with a value of none of the usual faults."""
    expected = error.get("ctx", {}).get("expected")
    if expected is not None and error["type"] in ("enum", "literal_error"):
        names = str(expected).replace(" or ", ", ").replace("'", "")
        return Text(f"应为其中之一：{names}", f"must be one of: {names}")
    return Text(f"有误（{error['msg']}）", error["msg"])


async def on_validation(request: Request, error: Exception) -> Response:
    """Answer parameters or a body that do not fit, naming each field."""
    assert isinstance(error, RequestValidationError)
    found = []
    for each in error.errors():
        field = ".".join(str(part) for part in each["loc"][1:]) or str(each["loc"][0])
        said = _VALIDATION.get(each["type"]) or _among(each)
        found.append((field, said, each.get("input"), str(each["loc"][0])))
    text = Text(
        "；".join(f"{field} {said.zh}" for field, said, _, _ in found),
        "; ".join(f"{field}: {said.en}" for field, said, _, _ in found),
    )
    language = language_of(request)
    errors: list[dict[str, Any]] = [
        {"field": field, "in": where, "message": said.in_language(language), "value": value}
        for field, said, value, where in found
    ]
    if request.url.path.startswith(_WITH_SECRETS):
        for told in errors:
            del told["value"]  # it may hold a password: nothing of it is sent back
    return respond(request, 400, text, details={"errors": errors})


async def on_http(request: Request, error: Exception) -> Response:
    """Answer what the router itself refuses: unknown address, wrong method."""
    assert isinstance(error, HTTPException)
    path, allowed = request.url.path, (error.headers or {}).get("Allow", "")
    texts = {
        404: Text(
            f"没有地址 {path}；可用的地址见 /docs",
            f"There is nothing at {path}; /docs lists the addresses there are",
        ),
        405: Text(
            f"{path} 不接受 {request.method}；可用：{allowed}",
            f"{path} does not take {request.method}; it takes: {allowed}",
        ),
        408: Text(
            "请求内容迟迟未发完，连接已放弃；请重试",
            "The content did not arrive in time; send it again",
        ),
        413: Text(
            "请求内容过大；请分批提交，或用导入",
            "The content is too large; send it in parts, or import a file",
        ),
    }
    text = texts.get(error.status_code, Text(str(error.detail), str(error.detail)))
    return respond(request, error.status_code, text, headers=error.headers)


async def on_surprise(request: Request, error: Exception) -> Response:
    """Answer what nobody foresaw: the caller gets the request's number, the log the reason."""
    number = request.state.request_id
    log.error("an error that nobody foresaw", exc_info=error)
    text = Text(
        f"服务内部错误，编号 {number}；请把编号告诉管理员",
        f"An internal error, number {number}; tell the administrator this number",
    )
    return respond(request, 500, text, details={"number": number})


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem."""
    app.add_exception_handler(problems.Problem, on_problem)
    app.add_exception_handler(RequestValidationError, on_validation)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(Exception, on_surprise)
