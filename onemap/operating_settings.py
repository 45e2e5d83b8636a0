"""Settings of whoever operates the service: backups, and the proxy before it."""

from __future__ import annotations

from datetime import time
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

from onemap.sign_in_settings import about


class OperatingSettings(BaseSettings):
    """Backups, logs and what a proxy or a monitor asks of the service."""

    backup_dir: Annotated[
        Path | None,
        Field(
            json_schema_extra=about(
                "备份目录；不设则为数据目录下的 backups（宜放在另一块磁盘上）",
                "folder of backups; unset: backups in the data folder (another disk is wiser)",
            )
        ),
    ] = None
    backup_at: Annotated[
        time | None,
        Field(
            json_schema_extra=about(
                "每天何时由服务自动备份，如 02:30；不设则不自动备份",
                "when the service makes a backup each day, as 02:30; unset: it makes none",
            )
        ),
    ] = None
    backup_keep: Annotated[
        int,
        Field(
            ge=1,
            json_schema_extra=about(
                "自动备份保留最新的几份", "how many of the backups made so are kept, the newest"
            ),
        ),
    ] = 14

    trusted_proxies: Annotated[
        str,
        Field(
            json_schema_extra=about(
                "可信代理的地址或网段，以逗号分隔；只采信它们送来的 X-Forwarded-For 与 "
                "X-Forwarded-Proto",
                "addresses or networks of trusted proxies, separated by commas: of them alone "
                "X-Forwarded-For and X-Forwarded-Proto are believed",
            )
        ),
    ] = "127.0.0.1,::1"

    metrics_from: Annotated[
        str,
        Field(
            json_schema_extra=about(
                "无需令牌即可读取 /metrics 的地址或网段，以逗号分隔",
                "addresses or networks that may read /metrics without a token, separated by commas",
            )
        ),
    ] = "127.0.0.1,::1"

    tls_certificate: Annotated[
        Path | None,
        Field(
            json_schema_extra=about(
                "TLS 证书文件（PEM，含中间证书）；与 ONEMAP_TLS_KEY 同设后服务直接使用 HTTPS",
                "file of the TLS certificate (PEM, with those that signed it); together with "
                "ONEMAP_TLS_KEY the service itself speaks HTTPS",
            )
        ),
    ] = None
    tls_key: Annotated[
        Path | None,
        Field(
            json_schema_extra=about(
                "TLS 私钥文件（PEM，不加口令）", "file of its private key (PEM, without a password)"
            )
        ),
    ] = None

    otlp_url: Annotated[
        str | None,
        Field(
            pattern=r"^https?://[^?#]+$",
            json_schema_extra=about(
                "OpenTelemetry 采集器地址（OTLP/HTTP），如 http://127.0.0.1:4318；不设则不发送",
                "address of a collector of OpenTelemetry (OTLP over HTTP), as in "
                "http://127.0.0.1:4318; unset: nothing is sent",
            ),
        ),
    ] = None

    @field_validator("metrics_from")
    @classmethod
    def _networks(cls, value: str) -> str:
        for each in filter(None, value.split(",")):
            ip_network(each.strip())
        return value

    @field_validator("backup_at")
    @classmethod
    def _time_of_day(cls, value: time | None) -> time | None:
        if value is not None and value.tzinfo is not None:
            raise ValueError("a time of day as 02:30; its zone is ONEMAP_TIMEZONE")
        return value
