"""Domain exceptions. They know no HTTP: `api.problems` alone gives them a status.

Every problem speaks both languages and says what to do next where something can be done.
"""

from __future__ import annotations

from typing import Any

from layers.labels import Text


class Problem(Exception):
    """Something the caller should be told, in the caller's language.

    Parameters
    ----------
    zh, en : what happened and the remedy, in each language.
    details : machine-readable facts (field, value, row …) that travel with the message.
    """

    title = Text("出现问题", "Something went wrong")

    def __init__(self, zh: str, en: str, **details: Any) -> None:
        super().__init__(en)
        self.text = Text(zh, en)
        self.details = details


class NotFound(Problem):
    """What was asked for is not there, or is not the caller's to see."""

    title = Text("未找到", "Not found")


class BadRequest(Problem):
    """The request cannot be understood: a wrong filter, bbox, time or name of a field."""

    title = Text("请求有误", "Bad request")


class Forbidden(Problem):
    """The caller is known and may not do this."""

    title = Text("无权限", "Forbidden")


class Unauthorized(Problem):
    """The caller is not known: no token where one is needed, or a wrong one."""

    title = Text("需要身份验证", "Authentication required")


class TooMany(Problem):
    """The caller asks more often than may be asked; `retry_after_s` says when to come again."""

    title = Text("请求过于频繁", "Too many requests")


class Locked(TooMany):
    """A name was tried in vain so often that it is locked for a while."""

    title = Text("账号已锁定", "The account is locked")


class Unavailable(Problem):
    """The database or another part is away for now."""

    title = Text("服务暂不可用", "Temporarily unavailable")


class Stale(Problem):
    """What was to be changed was changed by another since it was read."""

    title = Text("内容已被他人修改", "Changed by another meanwhile")


class Unconditional(Problem):
    """A change does not say on which revision it is based."""

    title = Text("缺少修订号", "No revision given")


class Impossible(Problem):
    """A change that cannot be: `errors` names field and reason for each; nothing was written."""

    title = Text("无法保存", "Cannot be saved")


class BadInput(Problem):
    """A file cannot be used at all: nothing of it was loaded."""

    title = Text("文件无法使用", "Unusable input")
