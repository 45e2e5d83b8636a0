"""Settings of whoever operates the service: backups, jobs, the proxy, how it starts and stops."""

from __future__ import annotations

from datetime import time
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

from onemap.sign_in_settings import about


class OperatingSettings(BaseSettings):
    """Backups, jobs, and how the service starts and stops."""

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
    jobs: Annotated[
        bool,
        Field(
            json_schema_extra=about(
                "是否由服务自己处理任务（导入、归档、导出）；设为 off 时由 onemap worker 处理",
                "whether the service does jobs (imports, archives, exports) itself; off: "
                "onemap worker does them",
            )
        ),
    ] = True
    upload_mb: Annotated[
        int,
        Field(
            ge=1,
            le=100_000,
            json_schema_extra=about(
                "页面上传的文件最大多少 MB", "how large a file may be that is uploaded, in MB"
            ),
        ),
    ] = 512
    keep_files_days: Annotated[
        int,
        Field(
            ge=1,
            json_schema_extra=about(
                "失败任务的上传文件与任务结果文件保留多少天",
                "days for which uploads of failed jobs and files that jobs made are kept",
            ),
        ),
    ] = 7
    stop_seconds: Annotated[
        int,
        Field(
            ge=1,
            le=600,
            json_schema_extra=about(
                "停止时最多等待多少秒，让进行中的请求与任务结束",
                "seconds that are given to requests and jobs under way when the service stops",
            ),
        ),
    ] = 10
    wait_seconds: Annotated[
        int,
        Field(
            ge=0,
            le=86_400,
            json_schema_extra=about(
                "启动时数据库尚未就绪，最多等待多少秒",
                "seconds to wait at the start for a database that is not there yet",
            ),
        ),
    ] = 60

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
    audit_key_file: Annotated[
        Path | None,
        Field(
            json_schema_extra=about(
                "封存审计记录的钥匙文件，请与数据库分开备份；不设则为数据目录下的 keys/audit.key",
                "file of the key that seals audit records; unset: keys/audit.key in the data "
                "folder. Back it up apart from the database",
            )
        ),
    ] = None
    audit_days: Annotated[
        int,
        Field(
            ge=180,
            json_schema_extra=about(
                "`onemap audit prune` 保留多少天的审计记录，至少 180",
                "how many days of audit records `onemap audit prune` keeps, 180 at least",
            ),
        ),
    ] = 180

    @field_validator("audit_key_file")
    @classmethod
    def _audit_key_file(cls, value: Path | None) -> Path | None:
        return None if value is None else value.expanduser().resolve()

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
