"""Settings: one place for every value, from flags, the environment or a default."""

from __future__ import annotations

import os
from datetime import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import SettingsConfigDict

from onemap.limit_settings import LimitSettings
from onemap.operating_settings import OperatingSettings
from onemap.sign_in_settings import SignInSettings, about
from onemap.trouble import ExitCode, Trouble, language

PREFIX = "ONEMAP_"


class Anonymous(StrEnum):
    """What a request without a token may see."""

    PUBLIC = "public"
    ESTATE = "estate"
    REFUSE = "refuse"


class Language(StrEnum):
    """Languages of messages and labels."""

    ZH = "zh"
    EN = "en"


def default_data_dir() -> Path:
    """Return the folder of the private database: the system's for root, else the user's own.

    Root's server runs as the user ``postgres``, who cannot enter root's home.
    """
    if os.geteuid() == 0:
        return Path("/var/lib/onemap")
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(home) / "onemap"


class Settings(SignInSettings, OperatingSettings, LimitSettings):
    """All settings of the service; each is also the environment variable ``ONEMAP_<NAME>``."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True
    )

    database_url: Annotated[
        str | None,
        Field(
            json_schema_extra=about(
                "外部 PostgreSQL（15 以上，PostGIS 3.3 以上）的地址，角色拥有该库；"
                "不设则使用自带的私有数据库",
                "an external PostgreSQL (15+, PostGIS 3.3+), as the role that owns the database; "
                "unset: a private one is made and run",
            )
        ),
    ] = None
    app_database_url: Annotated[
        str | None,
        Field(
            json_schema_extra=about(
                "服务进程所用、权限较小的角色的地址；不设则同 ONEMAP_DATABASE_URL",
                "address for the serving role, which has fewer rights; "
                "unset: the same as ONEMAP_DATABASE_URL",
            )
        ),
    ] = None
    data_dir: Annotated[
        Path,
        Field(
            json_schema_extra=about(
                "私有数据库与影像所在目录", "folder of the private database and of imagery"
            )
        ),
    ] = Field(default_factory=default_data_dir)
    host: Annotated[str, Field(json_schema_extra=about("监听的地址", "address to listen on"))] = (
        "127.0.0.1"
    )
    port: Annotated[
        int,
        Field(ge=0, le=65535, json_schema_extra=about("监听的端口", "port to listen on")),
    ] = 8080
    workers: Annotated[
        int, Field(ge=1, le=64, json_schema_extra=about("服务进程数", "serving processes"))
    ] = 1
    pool_size: Annotated[
        int,
        Field(
            ge=1,
            le=100,
            json_schema_extra=about(
                "每个服务进程的数据库连接数", "database connections of each serving process"
            ),
        ),
    ] = 4
    tile_cache_mb: Annotated[
        int,
        Field(
            ge=0,
            le=65536,
            json_schema_extra=about(
                "每个服务进程用于缓存矢量瓦片的内存（MB），0 表示不缓存",
                "memory of each serving process that keeps vector tiles, in MB; 0: none are kept",
            ),
        ),
    ] = 64
    anonymous: Annotated[
        Anonymous,
        Field(
            json_schema_extra=about(
                "无令牌的请求可见：public 公开数据，estate 全部（仅限本机），refuse 拒绝",
                "what a request without a token sees: public rows, the whole estate "
                "(this machine only), or refuse",
            )
        ),
    ] = Anonymous.PUBLIC
    tile_archive: Annotated[
        Path | None,
        Field(
            json_schema_extra=about(
                "瓦片归档（onemap tiles archive 写出的 .pmtiles）：无令牌的公开请求由它应答",
                "a tile archive (a .pmtiles file of onemap tiles archive) that answers public "
                "requests without a token",
            )
        ),
    ] = None
    timezone: Annotated[
        str,
        Field(
            json_schema_extra=about(
                "划分日、月所用的时区", "time zone in which days and months are counted"
            )
        ),
    ] = "Asia/Shanghai"
    keep_history_days: Annotated[
        int | None,
        Field(
            ge=1,
            json_schema_extra=about(
                "`onemap db prune` 保留多少天的修改历史；不设则全部保留",
                "how many days of history `onemap db prune` keeps; unset: all of it",
            ),
        ),
    ] = None
    language: Annotated[
        Language,
        Field(
            json_schema_extra=about(
                "消息的默认语言：zh 或 en", "default language of messages: zh or en"
            )
        ),
    ] = Language.ZH
    log_level: Annotated[
        str,
        Field(
            pattern="^(debug|info|warning|error)$",
            json_schema_extra=about(
                "日志级别：debug、info、warning、error", "log level: debug, info, warning, error"
            ),
        ),
    ] = "info"

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError) as unknown:
            raise ValueError("not an IANA time zone, such as Asia/Shanghai") from unknown
        return value

    @field_validator("data_dir", "tile_archive", "backup_dir", "tls_certificate", "tls_key")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return None if value is None else value.expanduser().resolve()

    @property
    def backups(self) -> Path:
        """The folder of backups."""
        return self.backup_dir or self.data_dir / "backups"

    @property
    def audit_key(self) -> Path:
        """The file of the key that seals audit records."""
        return self.audit_key_file or self.data_dir / "keys" / "audit.key"

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in which days and months are counted."""
        return ZoneInfo(self.timezone)

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the service."""
        return self.host in {"127.0.0.1", "localhost", "::1"} or self.host.startswith("127.")


def load(**flags: Any) -> Settings:
    """Read the settings; flags that are not None go before the environment.

    Raises
    ------
    Trouble
        When a value cannot be used; the message names the setting.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        settings = Settings(**given)
    except ValidationError as wrong:
        lines = "; ".join(
            f"{PREFIX}{str(error['loc'][0]).upper()}: {error['msg']}" for error in wrong.errors()
        )
        raise Trouble(
            ExitCode.USAGE, f"设置有误：{lines}", f"A setting cannot be used: {lines}"
        ) from wrong
    if settings.oidc_url is not None and not (
        settings.oidc_client_id and settings.oidc_client_secret
    ):
        raise Trouble(
            ExitCode.USAGE,
            "已设 ONEMAP_OIDC_URL，还须设置 ONEMAP_OIDC_CLIENT_ID 与 ONEMAP_OIDC_CLIENT_SECRET。",
            "ONEMAP_OIDC_URL is set: set ONEMAP_OIDC_CLIENT_ID and ONEMAP_OIDC_CLIENT_SECRET too.",
        )
    if (settings.tls_certificate is None) != (settings.tls_key is None):
        raise Trouble(
            ExitCode.USAGE,
            "ONEMAP_TLS_CERTIFICATE 与 ONEMAP_TLS_KEY 须同时设置。",
            "Set ONEMAP_TLS_CERTIFICATE and ONEMAP_TLS_KEY together.",
        )
    if settings.anonymous is Anonymous.ESTATE and not settings.is_loopback:
        raise Trouble(
            ExitCode.USAGE,
            "ONEMAP_ANONYMOUS=estate 让无令牌者看到全部数据，只能监听本机。"
            "请用 --host 127.0.0.1，或改为 public 或 refuse。",
            "ONEMAP_ANONYMOUS=estate shows everything to anybody and may listen on this machine "
            "only. Use --host 127.0.0.1, or set it to public or refuse.",
        )
    return settings


def describe(settings: Settings) -> list[dict[str, Any]]:
    """List every setting: its variable, value, where the value is from, and what it means.

    Passwords in addresses are left out.
    """
    listed = []
    for name, field in Settings.model_fields.items():
        variable = PREFIX + name.upper()
        value = getattr(settings, name)
        if os.environ.get(variable):
            source = "environment"
        elif name in settings.model_fields_set:
            source = "flag"
        else:
            source = "default"
        said: Any = field.json_schema_extra
        listed.append(
            {
                "variable": variable,
                "value": without_password(value) if isinstance(value, str) else _plain(value),
                "source": source,
                "meaning": said[language()],
                "zh": said["zh"],
                "en": said["en"],
            }
        )
    return listed


def _plain(value: object) -> Any:
    if isinstance(value, dict):
        return {key: [each.model_dump() for each in of] for key, of in value.items()}
    return str(value) if isinstance(value, Path | StrEnum | SecretStr | time) else value


def without_password(value: str) -> str:
    """Replace the password of an address by three stars."""
    parts = urlsplit(value) if "://" in value else None
    if parts is None or parts.password is None:
        return value
    place = parts.netloc.replace(f":{parts.password}@", ":***@")
    return parts._replace(netloc=place).geturl()
