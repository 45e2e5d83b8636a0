"""Who came in: the account behind a session or a token, with what it was granted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Text as TextType

from layers.access import Actor
from layers.accounts import Account, ApiToken, Kind, RoleGrant, SignInSession, TokenScope
from layers.base import table_of
from layers.people import Body
from layers.policy import Grant, Role
from layers.prepared import Prepared, prepare


@dataclass(frozen=True)
class Held:
    """A grant as it is told to people: with the id of its body, and until when it holds.

    `bodies` are the body and those below it; None is the whole estate.
    """

    id: int
    role: Role
    body_id: int | None
    bodies: tuple[int, ...] | None
    layers: frozenset[str] | None
    valid_until: datetime | None

    @property
    def grant(self) -> Grant:
        """The grant as the policy knows it."""
        return Grant(self.role, self.bodies, self.layers)


@dataclass(frozen=True)
class Bearer:
    """Who came in by a session or a token, as the database told.

    Attributes
    ----------
    key : id of the session or of the token.
    since, seen_at : of the session; of a token when it was made and last used.
    expires_at : of the token; None does not expire by itself.
    scope, layers : of the token; a session has neither.
    """

    key: int
    by: str
    since: datetime
    seen_at: datetime | None
    expires_at: datetime | None
    scope: TokenScope
    layers: frozenset[str] | None
    account_id: int
    login: str
    display_name: str
    kind: Kind
    must_change: bool
    password_changed_at: datetime | None
    has_password: bool
    second_factor: bool
    held: tuple[Held, ...]
    method: str | None = None

    def roles(self, now: datetime) -> frozenset[Role]:
        """The roles that are held at a moment."""
        return frozenset(each.role for each in self.held_at(now))

    def held_at(self, now: datetime) -> tuple[Held, ...]:
        """The grants that hold at a moment."""
        return tuple(h for h in self.held if h.valid_until is None or now < h.valid_until)

    def actor(self, now: datetime) -> Actor:
        """Return the actor of a moment: what is granted then, narrowed by the token."""
        grants = []
        for held in self.held_at(now):
            grant = held.grant
            if self.layers is not None:
                both = self.layers if grant.layers is None else self.layers & grant.layers
                grant = Grant(grant.role, grant.bodies, both)
            grants.append(grant)
        return Actor(self.login, tuple(sorted(grants, key=_order)), self.account_id)

    def changes_at(self, now: datetime) -> datetime | None:
        """Return the next moment at which a grant or the token ends by the clock."""
        moments = [h.valid_until for h in self.held_at(now)] + [self.expires_at]
        return min((m for m in moments if m is not None and m > now), default=None)


def _order(grant: Grant) -> tuple[Any, ...]:
    bodies, layers = grant.bodies, grant.layers
    return grant.role, bodies is not None, bodies or (), layers is not None, sorted(layers or ())


def _below() -> Any:
    """Return the ids of the body of a grant and of those below it, as an array."""
    root, below = table_of(Body).alias("root"), table_of(Body).alias("below")
    # Everything lies below an empty path: a body without one has nothing below it.
    inside = sa.and_(sa.func.nlevel(root.c.path) > 0, root.c.path.op("@>")(below.c.path))
    found = (
        sa.select(below.c.id)
        .join_from(root, below, sa.or_(below.c.id == root.c.id, inside))
        .where(root.c.id == RoleGrant.body_id)
        .order_by(below.c.id)
        .correlate(table_of(RoleGrant))
    )
    return sa.func.array(found.scalar_subquery())


_ACCOUNT = (
    Account.id.label("account_id"),
    Account.login,
    Account.display_name,
    Account.kind,
    Account.must_change,
    Account.password_changed_at,
    Account.totp_confirmed_at,
)


def _with_grants(query: Any) -> Any:
    """Add the grants of the account, one row each; one row without a grant where there is none."""
    return query.outerjoin(
        RoleGrant, sa.and_(RoleGrant.account_id == Account.id, RoleGrant.revoked_at.is_(None))
    ).where(Account.disabled_at.is_(None))


def _granted() -> tuple[Any, ...]:
    return (
        RoleGrant.id.label("grant_id"),
        RoleGrant.role,
        RoleGrant.whole_estate,
        RoleGrant.body_id,
        RoleGrant.layers.label("grant_layers"),
        RoleGrant.valid_until,
        _below().label("bodies"),
    )


@lru_cache(maxsize=1)
def by_session() -> Prepared:
    """Return the statement of who bears the session whose digest is ``digest``."""
    query = sa.select(
        SignInSession.id.label("key"),
        SignInSession.created_at.label("since"),
        SignInSession.seen_at,
        SignInSession.method,
        *_ACCOUNT,
        *_granted(),
    ).join_from(SignInSession, Account, Account.id == SignInSession.account_id)
    return prepare(
        _with_grants(query).where(
            SignInSession.cookie_hash == sa.bindparam("digest", "", type_=TextType),
            SignInSession.ended_at.is_(None),
        )
    )


@lru_cache(maxsize=1)
def by_token() -> Prepared:
    """Return the statement of who bears the token whose digest is ``digest``."""
    query = sa.select(
        ApiToken.id.label("key"),
        ApiToken.created_at.label("since"),
        ApiToken.used_at.label("seen_at"),
        ApiToken.expires_at,
        ApiToken.scope,
        ApiToken.layers.label("token_layers"),
        *_ACCOUNT,
        *_granted(),
    ).join_from(ApiToken, Account, Account.id == ApiToken.account_id)
    return prepare(
        _with_grants(query).where(
            ApiToken.token_hash == sa.bindparam("digest", "", type_=TextType),
            ApiToken.revoked_at.is_(None),
        )
    )


def now_of(
    connection: sa.Connection, account_id: int, token_id: int | None, now: datetime
) -> Bearer | None:
    """Return who an account is now, by a token of it or as whoever signs in; None: nobody any more.

    For what is done in somebody's name while he is away: what was taken away meanwhile counts.
    """
    query = sa.select(*_ACCOUNT, *_granted()).select_from(Account).where(Account.id == account_id)
    query = _with_grants(query)
    told: tuple[Any, ...] = (Account.id.label("key"), Account.created_at.label("since"))
    if token_id is not None:
        told = (
            ApiToken.id.label("key"),
            ApiToken.created_at.label("since"),
            ApiToken.expires_at,
            ApiToken.scope,
            ApiToken.layers.label("token_layers"),
        )
        query = query.join(ApiToken, ApiToken.account_id == Account.id).where(
            ApiToken.id == token_id,
            ApiToken.revoked_at.is_(None),
            sa.or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > now),
        )
    rows = connection.execute(query.add_columns(*told, sa.null().label("seen_at"))).mappings().all()
    return bearer_of(list(rows), "session" if token_id is None else "token")


def bearer_of(rows: list[Any], by: str) -> Bearer | None:
    """Read the rows of `by_session` or `by_token`; None when there are none."""
    if not rows:
        return None
    first: Mapping[str, Any] = dict(rows[0])
    held = tuple(
        Held(
            row["grant_id"],
            Role(row["role"]),
            row["body_id"],
            None if row["whole_estate"] else tuple(row["bodies"] or ()),
            None if row["grant_layers"] is None else frozenset(row["grant_layers"]),
            row["valid_until"],
        )
        for row in rows
        if row["grant_id"] is not None
    )
    layers = first.get("token_layers")
    return Bearer(
        key=first["key"],
        by=by,
        since=first["since"],
        seen_at=first["seen_at"],
        expires_at=first.get("expires_at"),
        scope=TokenScope(first.get("scope", TokenScope.EDIT)),
        layers=None if layers is None else frozenset(layers),
        account_id=first["account_id"],
        login=first["login"],
        display_name=first["display_name"],
        kind=Kind(first["kind"]),
        must_change=first["must_change"],
        password_changed_at=first["password_changed_at"],
        has_password=first["password_changed_at"] is not None,
        second_factor=first["totp_confirmed_at"] is not None,
        held=held,
        method=first.get("method"),
    )
