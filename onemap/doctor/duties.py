"""The duties apart from the estate: who administers, who audits, and how they come in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from layers import administering, db
from layers.policy import Role
from onemap.database import Database
from onemap.doctor.findings import Finding, State, ok
from onemap.settings import Settings

_DUTIES: Final = (Role.ADMINISTRATOR, Role.AUDITOR)


def duties(settings: Settings, database: Database) -> Iterator[Finding]:
    """Look at who holds the duties; the tables must be of this program's revision."""
    engine = db.engine(database.owner_url)
    try:
        with engine.connect() as connection:
            held = administering.holders(connection, _DUTIES, datetime.now(UTC))
    finally:
        engine.dispose()
    yield _administrators([each.login for each in held if each.role == Role.ADMINISTRATOR])
    yield _auditors([each.login for each in held if each.role == Role.AUDITOR])
    wanted = settings.rules(demo=False).second_factor
    # Who comes by single sign-on has the provider's second factor.
    without = [
        each.login
        for each in held
        if each.role in wanted and each.issuer is None and each.totp_confirmed_at is None
    ]
    yield _second_factors(frozenset(_DUTIES) - wanted, without, nobody=not held)


def _administrators(logins: list[str]) -> Finding:
    if len(logins) > 1:
        return ok(
            "administrators", f"系统管理员 {len(logins)} 人", f"{len(logins)} accounts administer"
        )
    if logins:
        return Finding(
            "administrators", State.ADVICE, f"只有一位系统管理员：{logins[0]}",
            f"one account alone administers: {logins[0]}",
            "请在页面上给另一人授予系统管理员，以免口令或手机丢失时无人可管",
            "Grant the role to another person on the page, for the day when a password or a phone "
            "is lost",
        )  # fmt: skip
    return Finding(
        "administrators", State.ADVICE, "还没有系统管理员", "nobody administers yet",
        "请运行：onemap user create 账号名 --role administrator --estate",
        "Run: onemap user create LOGIN --role administrator --estate",
    )  # fmt: skip


def _auditors(logins: list[str]) -> Finding:
    if logins:
        return ok("auditor", f"安全审计员 {len(logins)} 人", f"{len(logins)} accounts audit")
    return Finding(
        "auditor", State.ADVICE, "还没有安全审计员：没有人能查看审计记录",
        "nobody audits yet: no one can look at the audit records",
        "请运行：onemap user create 账号名 --role auditor --estate",
        "Run: onemap user create LOGIN --role auditor --estate",
    )  # fmt: skip


def _second_factors(unasked: frozenset[Role], without: list[str], *, nobody: bool) -> Finding:
    if unasked:
        names = ", ".join(sorted(unasked))
        return Finding(
            "second-factor", State.ADVICE, f"未要求动态口令的角色：{names}",
            f"no second factor is asked of: {names}",
            "请把它们写入 ONEMAP_SECOND_FACTOR_ROLES（等保三级要求两种鉴别技术）",
            "Name them in ONEMAP_SECOND_FACTOR_ROLES (level 3 of 等保 asks for two factors)",
        )  # fmt: skip
    if without:
        names = ", ".join(dict.fromkeys(without))
        return Finding(
            "second-factor", State.ADVICE, f"尚未启用动态口令：{names}",
            f"no second factor was set up yet by: {names}",
            "请本人登录一次；登录后即要求启用", "Let them sign in once: they are asked for it then",
        )  # fmt: skip
    if nobody:
        return ok(
            "second-factor", "管理与审计须用动态口令",
            "who administers or audits needs a second factor",
        )  # fmt: skip
    return ok(
        "second-factor",
        "管理与审计须用动态口令，均已启用",
        "who administers or audits needs a second factor, and has one",
    )
