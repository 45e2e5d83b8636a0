"""Settings of how often somebody may ask."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings

from onemap.sign_in_settings import about

LIMITS = ("sign_in", "tokens", "writes", "exports", "searches", "filters", "requests")


def _limit(value: str) -> str:
    from limits import parse  # noqa: PLC0415 - the help needs it not

    if value != "none":
        try:
            parse(value)
        except ValueError as wrong:
            raise ValueError("write a limit as 60 per 5 minutes, or none") from wrong
    return value


def _field(zh: str, en: str) -> Any:
    return Field(
        json_schema_extra=about(f"{zh}，如 60 per 5 minutes；none 不限", f"{en}; none: no limit")
    )


class LimitSettings(BaseSettings):
    """Limits by account where one is known, else by address; shared by the processes of a host."""

    limit_sign_in: Annotated[
        str,
        AfterValidator(_limit),
        _field("每个地址的登录次数", "sign-ins that are tried from one address"),
    ] = "60 per 5 minutes"
    limit_tokens: Annotated[
        str,
        AfterValidator(_limit),
        _field("每个地址被拒的令牌数", "tokens from one address that are refused"),
    ] = "60 per 5 minutes"
    limit_writes: Annotated[
        str,
        AfterValidator(_limit),
        _field("每个账号（或地址）的修改次数", "writes of an account (or address)"),
    ] = "600 per minute"
    limit_exports: Annotated[
        str,
        AfterValidator(_limit),
        _field("每个账号（或地址）的导出次数", "exports of an account (or address)"),
    ] = "60 per 5 minutes"
    limit_searches: Annotated[
        str,
        AfterValidator(_limit),
        _field("每个账号（或地址）的搜索次数", "searches of an account (or address)"),
    ] = "600 per minute"
    limit_filters: Annotated[
        str,
        AfterValidator(_limit),
        _field(
            "每个账号（或地址）带 filter 的查询次数",
            "questions with a filter of an account (or address)",
        ),
    ] = "3000 per minute"
    limit_requests: Annotated[
        str,
        AfterValidator(_limit),
        _field(
            "每个地址在每个进程的请求总数（内存中的瓦片不计）",
            "all requests from one address to each process, without tiles that are kept in memory",
        ),
    ] = "12000 per minute"

    @property
    def limits(self) -> dict[str, str]:
        """All limits by what is limited, as `api.rates.Rates` takes them."""
        return {name: getattr(self, f"limit_{name}") for name in LIMITS}
