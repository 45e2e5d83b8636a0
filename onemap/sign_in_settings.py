"""Settings of who comes in and how: passwords, sessions, second factors, single sign-on."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode

DEFAULT_ROLES = "administrator,auditor"


def about(zh: str, en: str) -> Any:
    """Return what a setting means, in both languages."""
    return {"zh": zh, "en": en}


class GroupGrant(BaseModel):
    """What the members of a group of the identity provider are granted."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    role: str
    body: str | None = None
    layers: tuple[str, ...] | None = None

    @field_validator("role")
    @classmethod
    def _role(cls, value: str) -> str:
        from layers.policy import Role  # noqa: PLC0415 - the help needs no layers

        return Role(value).value


class SignInSettings(BaseSettings):
    """Settings of signing in."""

    accounts_database_url: Annotated[
        str | None,
        Field(
            json_schema_extra=about(
                "登录与账号管理所用角色的地址，只能读写账号、授权、会话与令牌；服务角色单列时须设，"
                "否则不能登录",
                "address for the role that lets people in, which writes accounts, grants, "
                "sessions and tokens alone; needed for signing in where the serving role is "
                "another than the owner",
            )
        ),
    ] = None
    public_url: Annotated[
        str | None,
        Field(
            pattern=r"^https?://[^/?#]+/?$",
            json_schema_extra=about(
                "浏览器访问本服务的地址，例如 https://map.example.gov.cn/；用于同源检查与单点登录",
                "the address at which browsers reach the service, as in "
                "https://map.example.gov.cn/; for the check of origins and for single sign-on",
            ),
        ),
    ] = None
    key_file: Annotated[
        Path | None,
        Field(
            json_schema_extra=about(
                "加密动态口令密钥的钥匙文件，请与数据库分开备份；"
                "不设则为数据目录下的 keys/accounts.key",
                "file of the key that encrypts second factors; unset: keys/accounts.key in the "
                "data folder. Back it up apart from the database",
            )
        ),
    ] = None
    password_length: Annotated[
        int,
        Field(ge=8, le=64, json_schema_extra=about("口令最短长度", "characters of a password")),
    ] = 10
    password_classes: Annotated[
        int,
        Field(
            ge=1,
            le=4,
            json_schema_extra=about(
                "口令至少含几类字符（大写、小写、数字、符号）；满 20 个字符时不要求",
                "kinds of characters that a password has (upper, lower, digits, others); "
                "not asked of 20 characters and more",
            ),
        ),
    ] = 3
    password_days: Annotated[
        int,
        Field(
            ge=0,
            json_schema_extra=about(
                "口令使用多少天后须更改，0 表示不限",
                "days after which a password must be changed; 0: never",
            ),
        ),
    ] = 90
    lock_failures: Annotated[
        int,
        Field(
            ge=1,
            le=100,
            json_schema_extra=about(
                "连续失败多少次后锁定账号", "failures in a row that lock a name"
            ),
        ),
    ] = 5
    lock_minutes: Annotated[
        int, Field(ge=1, json_schema_extra=about("锁定多少分钟", "minutes for which it is locked"))
    ] = 15
    idle_minutes: Annotated[
        int,
        Field(
            ge=1,
            json_schema_extra=about(
                "会话闲置多少分钟后结束", "minutes without use after which a session ends"
            ),
        ),
    ] = 30
    session_hours: Annotated[
        int,
        Field(
            ge=1,
            json_schema_extra=about(
                "会话最长多少小时", "hours after which a session ends in any case"
            ),
        ),
    ] = 12
    sessions: Annotated[
        int,
        Field(
            ge=1,
            le=100,
            json_schema_extra=about(
                "每个账号同时的会话数；超出时最久未用的结束",
                "sessions of an account at the same time; the one longest unused gives way",
            ),
        ),
    ] = 3
    second_factor_roles: Annotated[
        str,
        Field(
            json_schema_extra=about(
                "必须启用动态口令的角色，以逗号分隔；none 表示都不必",
                "roles that must have a second factor, separated by commas; none: no role",
            )
        ),
    ] = DEFAULT_ROLES
    oidc_url: Annotated[
        str | None,
        Field(
            json_schema_extra=about(
                "单点登录（OpenID Connect）提供者的发现地址，"
                "以 /.well-known/openid-configuration 结尾",
                "discovery address of the provider of single sign-on (OpenID Connect), which ends "
                "in /.well-known/openid-configuration",
            )
        ),
    ] = None
    oidc_client_id: Annotated[
        str | None,
        Field(json_schema_extra=about("单点登录的客户端编号", "client id at that provider")),
    ] = None
    oidc_client_secret: Annotated[
        SecretStr | None,
        Field(json_schema_extra=about("单点登录的客户端密钥", "client secret at that provider")),
    ] = None
    oidc_name: Annotated[
        str,
        Field(json_schema_extra=about("登录页上单点登录按钮的名称", "what its button is called")),
    ] = "单点登录"
    oidc_group_claim: Annotated[
        str,
        Field(
            json_schema_extra=about(
                "身份令牌中列出用户组的字段", "claim of the identity token that lists the groups"
            )
        ),
    ] = "groups"
    oidc_groups: Annotated[
        dict[str, list[GroupGrant]],
        NoDecode,
        Field(
            json_schema_extra=about(
                '用户组到角色的对应，JSON：{"组": [{"role": "viewer", "body": "机构代码"}]}；'
                "不写 body 为全部范围",
                'roles of groups, in JSON: {"group": [{"role": "viewer", "body": "code"}]}; '
                "without a body: the whole estate",
            )
        ),
    ] = Field(default_factory=dict)

    @field_validator("oidc_groups", mode="before")
    @classmethod
    def _groups(cls, value: Any) -> Any:
        return json.loads(value) if isinstance(value, str) else value

    @field_validator("key_file")
    @classmethod
    def _key_file(cls, value: Path | None) -> Path | None:
        return None if value is None else value.expanduser().resolve()

    @field_validator("second_factor_roles")
    @classmethod
    def _roles(cls, value: str) -> str:
        from layers.policy import Role  # noqa: PLC0415 - the help needs no layers

        for each in _listed(value):
            Role(each)
        return value

    def rules(self, *, demo: bool = False) -> Any:
        """Return the rules of signing in (`layers.signing_in.Rules`).

        Parameters
        ----------
        demo : a demo's accounts are tried by many: none needs a second factor, no password ages.
        """
        from layers.accounts import SessionRules  # noqa: PLC0415
        from layers.passwords import PasswordRules  # noqa: PLC0415
        from layers.policy import Role  # noqa: PLC0415
        from layers.signing_in import Rules  # noqa: PLC0415

        ages = self.password_days and not demo
        return Rules(
            password=PasswordRules(self.password_length, self.password_classes),
            session=SessionRules(
                timedelta(minutes=self.idle_minutes),
                timedelta(hours=self.session_hours),
                self.sessions,
            ),
            failures=self.lock_failures,
            locked=timedelta(minutes=self.lock_minutes),
            password_age=timedelta(days=self.password_days) if ages else None,
            second_factor=frozenset(() if demo else map(Role, _listed(self.second_factor_roles))),
        )


def _listed(text: str) -> list[str]:
    named = [each.strip() for each in text.split(",")]
    return [each for each in named if each and each != "none"]
