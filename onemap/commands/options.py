"""Options that many commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from onemap.trouble import say

Demo = Annotated[
    bool, typer.Option("--demo", help=say("用示例库，而非正式库", "the demo's database instead"))
]
Json = Annotated[bool, typer.Option("--json", help=say("输出 JSON", "print JSON"))]
