"""``user``: accounts, for whoever runs the service; the page's administration does the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from onemap.commands.options import Demo, Json, moment_of
from onemap.trouble import ExitCode, Trouble, say

if TYPE_CHECKING:
    from collections.abc import Callable

_ESTATE = "*"
user_app = typer.Typer(no_args_is_help=True, help=say("账号", "accounts"))

Login = Annotated[str, typer.Argument(help=say("账号名", "the login"))]
Role = Annotated[
    str,
    typer.Option(
        "--role", help=say("角色，如 administrator、viewer", "a role, as administrator or viewer")
    ),
]
BodyKey = Annotated[
    str | None, typer.Option("--body", help=say("机构代码", "a body's code (source key)"))
]
Everything = Annotated[
    bool, typer.Option("--estate", help=say("全部范围", "over the whole estate"))
]
LayerNames = Annotated[
    list[str] | None,
    typer.Option("--layer", help=say("限于图层（可重复）", "a layer alone (repeatable)")),
]
Until = Annotated[
    str | None,
    typer.Option("--until", help=say("有效期至，如 2027-01-01", "valid until, as in 2027-01-01")),
]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(user_app, name="user")


@user_app.command(
    help=say("新建账号，显示一次初始口令", "make an account; its password is told once")
)
def create(
    login: Login,
    name: Annotated[str | None, typer.Option(help=say("姓名", "the name to show"))] = None,
    role: Annotated[
        str | None, typer.Option(help=say("同时授予的角色", "a role to grant along"))
    ] = None,
    body: BodyKey = None,
    estate: Everything = False,
    demo: Demo = False,
    as_json: Json = False,
) -> None:
    """Make an account with a random password that must be changed at the first sign-in."""
    from layers import administering, granting

    def act(connection: Any, rules: Any, now: Any) -> str:
        account = administering.create(connection, login, name or login)
        if role is not None:
            wanted = _wanted(connection, role, body=body, estate=estate)
            granting.grant(connection, account, wanted, now)
        return administering.reset(connection, account, rules, now)

    _told(login, _done(act, demo=demo), as_json=as_json)


@user_app.command("list", help=say("列出账号及其授权", "list the accounts with their grants"))
def list_(demo: Demo = False, as_json: Json = False) -> None:
    """List the accounts with their grants."""
    from onemap.commands.reports import table

    table(_done(lambda connection, _, now: listed(connection, now), demo=demo), as_json=as_json)


@user_app.command(help=say("重置口令，显示一次", "give a new password, told once"))
def reset(
    login: Login,
    second_factor: Annotated[
        bool,
        typer.Option(
            "--second-factor", help=say("同时解除动态口令", "take the second factor off too")
        ),
    ] = False,
    demo: Demo = False,
    as_json: Json = False,
) -> None:
    """Give a new random password that must be changed; all sessions end."""
    from layers import administering

    def act(connection: Any, rules: Any, now: Any) -> str:
        if second_factor:
            administering.forget_second_factor(connection, login, now)
        return administering.reset(connection, login, rules, now)

    _told(login, _done(act, demo=demo), as_json=as_json)


@user_app.command(help=say("停用账号", "disable an account"))
def disable(login: Login, demo: Demo = False) -> None:
    """Disable an account at once: sessions end, tokens are refused."""
    from layers import administering

    _done(lambda connection, _, now: administering.disable(connection, login, now), demo=demo)


@user_app.command(help=say("恢复已停用的账号", "let a disabled account in again"))
def enable(login: Login, demo: Demo = False) -> None:
    """Let an account that was disabled in again."""
    from layers import administering

    _done(lambda connection, *_: administering.enable(connection, login), demo=demo)


@user_app.command(help=say("解除登录锁定", "let a locked name be tried again"))
def unlock(login: Login, demo: Demo = False) -> None:
    """Forget the failures of a name."""
    from layers import administering

    _done(lambda connection, *_: administering.unlock(connection, login), demo=demo)


@user_app.command(help=say("授予角色", "grant a role"))
def grant(
    login: Login,
    role: Role,
    body: BodyKey = None,
    estate: Everything = False,
    layer: LayerNames = None,
    until: Until = None,
    demo: Demo = False,
) -> None:
    """Grant a role over a body and all below it, or over the whole estate."""
    from layers import granting

    def act(connection: Any, _: Any, now: Any) -> int:
        wanted = _wanted(connection, role, body=body, estate=estate, layers=layer, until=until)
        return granting.grant(connection, login, wanted, now)

    typer.echo(_done(act, demo=demo))


@user_app.command(help=say("撤销角色", "revoke a role"))
def revoke(
    login: Login, role: Role, body: BodyKey = None, estate: Everything = False, demo: Demo = False
) -> None:
    """Revoke the grants of a role over one body, or over the whole estate."""
    from layers import administering, granting
    from onemap.tokens import body_codes, body_of

    _checked(role, body, estate=estate)

    def act(connection: Any, _: Any, now: Any) -> int:
        account = administering.found(connection, login)
        codes = body_codes(connection)
        if body and list(codes.values()).count(body) > 1:
            body_of(connection, body)  # says that the code is not of one alone
        # A body that is gone has no code any more: its grants are named by its id.
        held = [
            each.id
            for each in granting.grants(connection, account.id)
            if (each.role, _scope(each, codes)) == (role, body or _ESTATE)
        ]
        for each in held:
            granting.revoke(connection, each, now)
        return len(held)

    if _done(act, demo=demo) == 0:
        raise Trouble(
            ExitCode.USAGE,
            f"{login} 没有这样的授权。见 onemap user list。",
            f"{login} has no such grant. See onemap user list.",
        )


def listed(connection: Any, now: Any) -> list[dict[str, Any]]:
    """List the accounts with their grants in words, their state, and when they were last seen."""
    from layers import administering, granting, signing_in
    from onemap.settings import load
    from onemap.tokens import body_codes

    zone = load().zone
    locked = administering.locked(connection, now)
    held: dict[int, list[str]] = {}
    codes = body_codes(connection)
    for each in granting.grants(connection):
        scope = _scope(each, codes)
        some = f"[{','.join(each.layers)}]" if each.layers else ""
        until = f"<{each.valid_until.astimezone(zone).date()}" if each.valid_until else ""
        held.setdefault(each.account_id, []).append(f"{each.role}@{scope}{some}{until}")
    return [
        {
            "login": each.login,
            "name": each.display_name,
            "kind": each.kind,
            "grants": " ".join(held.get(each.id, [])),
            "second_factor": each.totp_confirmed_at is not None,
            "locked_until": locked.get(signing_in.digest_of(each.login)),
            "disabled_at": each.disabled_at,
            "seen_at": each.seen_at,
        }
        for each in administering.accounts(connection)
    ]


def _scope(grant: Any, codes: dict[int, str]) -> str:
    """Return over what a grant is: a body's code, its id where the body is gone, or the estate."""
    return _ESTATE if grant.whole_estate else codes.get(grant.body_id, str(grant.body_id))


def _done(act: Callable[[Any, Any, Any], Any], *, demo: bool) -> Any:
    """Run `act` with the owner's connection, the rules and the time, and return its answer."""
    from datetime import UTC, datetime

    from onemap.database import connected
    from onemap.settings import load

    settings = load()
    with connected(settings, demo=demo) as connection:
        return act(connection, settings.rules(demo=demo), datetime.now(UTC))


def _wanted(
    connection: Any,
    role: str,
    *,
    body: str | None,
    estate: bool,
    layers: list[str] | None = None,
    until: str | None = None,
) -> Any:
    from layers.granting import Wanted
    from layers.policy import Role as Known
    from layers.registry import layer as layer_named
    from onemap.tokens import body_of

    _checked(role, body, estate=estate)
    for each in layers or ():
        layer_named(each)
    body_id = None if body is None else body_of(connection, body)
    return Wanted(Known(role), body_id, layers or None, moment_of("--until", until))


def _checked(role: str, body: str | None, *, estate: bool) -> None:
    """Refuse a role that there is not, and a scope that is none or two."""
    from layers.policy import Role as Known

    if role not in set(Known):
        known = ", ".join(Known)
        raise Trouble(
            ExitCode.USAGE,
            f"没有角色 {role}。可用：{known}。",
            f"There is no role {role}. The roles are: {known}.",
        )
    if (body is None) != estate:
        raise Trouble(
            ExitCode.USAGE,
            "请给出 --body 机构代码，或 --estate 表示全部，二者取一。",
            "Give either --body with a body's code, or --estate for everything.",
        )


def _told(login: str, password: str, *, as_json: bool) -> None:
    from onemap.commands.reports import print_json

    if as_json:
        print_json({"login": login, "password": password})
        return
    typer.echo(password)
    # Apart from the password, which a script may take.
    typer.echo(
        say(
            f"这是 {login} 的口令，只显示这一次；首次登录须更改，"
            "系统管理员与安全审计员还须启用动态口令。",
            f"The password of {login}, told this once. It must be changed at the first sign-in; "
            "who administers or audits sets up a second factor too.",
        ),
        err=True,
    )
