"""``token``: access tokens of services."""

from __future__ import annotations

from typing import Annotated

import typer

from onemap.commands.options import Demo, Json
from onemap.trouble import ExitCode, Trouble, say

token_app = typer.Typer(no_args_is_help=True, help=say("访问令牌", "access tokens"))


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(token_app, name="token")


@token_app.command(help=say("新建令牌", "make a token"))
def create(
    name: Annotated[str, typer.Argument(help=say("名称", "its name"))],
    body: Annotated[
        str | None,
        typer.Option(help=say("可见范围：机构代码", "scope: a body's code (source key)")),
    ] = None,
    whole_estate: Annotated[
        bool, typer.Option("--estate", help=say("可见全部", "sees the whole estate"))
    ] = False,
    edit: Annotated[
        bool, typer.Option("--edit", help=say("可编辑其范围", "may change what is in its scope"))
    ] = False,
    demo: Demo = False,
    as_json: Json = False,
) -> None:
    """Make a token and print it once; only its digest is kept."""
    from onemap import tokens
    from onemap.commands.reports import print_json
    from onemap.database import connected
    from onemap.settings import load

    if (body is None) == (not whole_estate):
        raise Trouble(
            ExitCode.USAGE,
            "请给出 --body 机构代码，或 --estate 表示全部，二者取一。",
            "Give either --body with a body's code, or --estate for everything.",
        )
    with connected(load(), demo=demo) as connection:
        secret = tokens.create(connection, name, body=body, edit=edit)
    if as_json:
        print_json({"name": name, "token": secret})
    else:
        typer.echo(secret)


@token_app.command("list", help=say("列出令牌", "list the tokens"))
def list_(demo: Demo = False, as_json: Json = False) -> None:
    """List the tokens; the secrets themselves are not kept."""
    from onemap import tokens
    from onemap.commands.reports import table
    from onemap.database import connected
    from onemap.settings import load

    with connected(load(), demo=demo) as connection:
        rows = tokens.listed(connection)
    table(rows, as_json=as_json)


@token_app.command(help=say("撤销令牌", "revoke a token"))
def revoke(
    name: Annotated[str, typer.Argument(help=say("名称", "its name"))], demo: Demo = False
) -> None:
    """Revoke a token at once."""
    from onemap import tokens
    from onemap.database import connected
    from onemap.settings import load

    with connected(load(), demo=demo) as connection:
        tokens.revoke(connection, name)
