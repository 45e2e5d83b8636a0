"""Settings of whoever operates the service: backups, jobs, how it starts and stops."""

from __future__ import annotations

from datetime import time
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

    @field_validator("backup_at")
    @classmethod
    def _time_of_day(cls, value: time | None) -> time | None:
        if value is not None and value.tzinfo is not None:
            raise ValueError("a time of day as 02:30; its zone is ONEMAP_TIMEZONE")
        return value
