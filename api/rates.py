"""How often somebody may ask: by account where one is known, else by address.

The library `limits` counts, in windows that begin with the first request in them. What it counts
in is a file of SQLite that the processes of a host share: counting costs some 40 µs and no round
trip to the database, and goes on while that is away. Only what is rare or dear is counted there.
All requests of an address together are counted otherwise (`api.flood`).

This machine's own addresses are limited by account alone: they are programs on the server, or
everybody, where a proxy does not say for whom it asks.
"""

from __future__ import annotations

import ipaddress
import logging
import math
import re
import sqlite3
import time
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote_plus

from limits import RateLimitItem, parse
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter
from starlette.requests import HTTPConnection, Request
from starlette.types import Scope

from api.request_log import is_loopback
from layers.problems import TooMany

log = logging.getLogger("onemap.rates")
_SAFE = frozenset(("GET", "HEAD", "OPTIONS"))
_WRITTEN_ODDLY = re.compile(rb"(?:^|&)([^=&]*%[^=&]*)")
"""Names of parameters of a query that hold a ``%``."""
_CLEAN_EVERY = 1_000
_PATIENCE_S = 0.5


class SharedCounts(Storage):
    """Counts of `limits` in a file of SQLite; without one, of this process alone."""

    STORAGE_SCHEME = None

    def __init__(self, file: Path | None) -> None:
        super().__init__()
        self._since_clean = 0
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
        self._link = sqlite3.connect(
            ":memory:" if file is None else file,
            timeout=_PATIENCE_S,
            isolation_level=None,
            check_same_thread=False,
        )
        self._link.execute("PRAGMA journal_mode = WAL")
        # Counts of a few minutes need not outlive a power cut.
        self._link.execute("PRAGMA synchronous = OFF")
        self._link.execute(
            "CREATE TABLE IF NOT EXISTS counted "
            "(key text PRIMARY KEY, count integer NOT NULL, until real NOT NULL) WITHOUT ROWID"
        )

    @property
    def base_exceptions(self) -> type[Exception]:
        """What goes wrong here."""
        return sqlite3.Error

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Add to a count, which begins anew when its time is over, and return it."""
        now = time.time()
        self._since_clean += 1
        if self._since_clean >= _CLEAN_EVERY:
            self._since_clean = 0
            self._link.execute("DELETE FROM counted WHERE until <= ?", (now,))
        found = self._link.execute(
            "INSERT INTO counted VALUES (:key, :amount, :end) ON CONFLICT (key) DO UPDATE SET "
            "count = CASE WHEN until <= :now THEN :amount ELSE count + :amount END, "
            "until = CASE WHEN until <= :now THEN :end ELSE until END RETURNING count",
            {"key": key, "amount": amount, "now": now, "end": now + expiry},
        ).fetchone()
        return int(found[0])

    def get(self, key: str) -> int:
        """Return a count."""
        found = self._link.execute(
            "SELECT count FROM counted WHERE key = ? AND until > ?", (key, time.time())
        ).fetchone()
        return int(found[0]) if found else 0

    def get_expiry(self, key: str) -> float:
        """Return when a count's time is over, in seconds of the epoch."""
        found = self._link.execute("SELECT until FROM counted WHERE key = ?", (key,)).fetchone()
        return float(found[0]) if found else time.time()

    def check(self) -> bool:
        """Return whether the file can be read."""
        return self._link.execute("SELECT 1").fetchone() is not None

    def reset(self) -> int:
        """Forget all counts, and return how many there were."""
        return self._link.execute("DELETE FROM counted").rowcount

    def clear(self, key: str) -> None:
        """Forget a count."""
        self._link.execute("DELETE FROM counted WHERE key = ?", (key,))

    def close(self) -> None:
        """Close the file."""
        self._link.close()


class Rates:
    """The limits of one process, counted with the others of its host.

    Parameters
    ----------
    limits : by what is limited (`sign_in`, `tokens`, `writes`, `exports`, `searches`, `filters`,
        `requests`) how much of it in which time, as in "60 per 5 minutes"; what is missing has no
        limit.
    file : of the counts; None counts in this process alone.
    """

    def __init__(self, limits: Mapping[str, str], file: Path | None) -> None:
        self.limits: dict[str, RateLimitItem] = {
            name: parse(said) for name, said in limits.items() if said != "none"
        }
        self._counts: SharedCounts | None = None
        self._file = file

    @property
    def _limiter(self) -> FixedWindowRateLimiter:
        """Opened where it is first used: a process that parts must not take the file along."""
        if self._counts is None:
            try:
                self._counts = SharedCounts(self._file)
            except (sqlite3.Error, OSError) as wrong:
                self._alone(wrong)
        assert self._counts is not None
        return FixedWindowRateLimiter(self._counts)

    def _alone(self, wrong: Exception) -> None:
        log.warning("the file of rate limits cannot be used: %s; this process counts alone", wrong)
        self.close()
        self._counts = SharedCounts(None)

    def take(self, name: str, who: str | None) -> None:
        """Count one request of a kind by somebody; None is nobody who is limited.

        Raises
        ------
        TooMany : it is one too many.
        """
        item = self.limits.get(name)
        if item is None or who is None:
            return
        try:
            within = self._limiter.hit(item, name, who)
        except sqlite3.Error as wrong:
            self._alone(wrong)
            within = self._limiter.hit(item, name, who)
        if not within:
            raise too_many(name, self._limiter.get_window_stats(item, name, who).reset_time)

    def refuse_spent(self, name: str, who: str | None) -> None:
        """Refuse somebody of whom no more of a kind is taken, without counting.

        Raises
        ------
        TooMany : what is allowed is used up.
        """
        item = self.limits.get(name)
        if item is None or who is None:
            return
        try:
            spent = not self._limiter.test(item, name, who)
        except sqlite3.Error as wrong:
            self._alone(wrong)
            return
        if spent:
            raise too_many(name, self._limiter.get_window_stats(item, name, who).reset_time)

    def charge(self, request: HTTPConnection, account: int | None) -> None:
        """Count a request for whoever sent it.

        Raises
        ------
        TooMany : it is one too many.
        """
        name = kind_of(request.scope)
        if name is not None and name in self.limits:
            self.take(name, address_of(request) if account is None else f"account/{account}")

    async def before_sign_in(self, request: Request) -> None:
        """Refuse a sign-in where too many came from the same address (`api.entrance.Guard`)."""
        self.take("sign_in", address_of(request))

    def close(self) -> None:
        """Close the file."""
        if self._counts is not None:
            self._counts.close()
            self._counts = None


def kind_of(scope: Scope) -> str | None:
    """Return as what a request is limited; None: as nothing but a request."""
    path: str = scope["path"]
    if scope.get("method", "GET") not in _SAFE:
        return "writes"
    if path.endswith("/export"):
        return "exports"
    if path.startswith("/search"):
        return "searches"
    return "filters" if asks_by(scope["query_string"], "filter") else None


def asks_by(query: bytes, name: str) -> bool:
    """Whether a query may hold a parameter of a name, which may be written with ``%``."""
    if name.encode() + b"=" in query:
        return True
    return b"%" in query and any(
        len(each) <= 3 * len(name) and unquote_plus(each.decode("latin-1")) == name
        for each in _WRITTEN_ODDLY.findall(query)
    )


def address_of(request: HTTPConnection) -> str | None:
    """Return from where a request comes, as it is counted; None: from this machine."""
    client = request.client
    return None if client is None else counted_as(client.host)


@lru_cache(maxsize=4096)
def counted_as(host: str) -> str | None:
    """Return as what an address is counted; an IPv6 one as its network, which one house has."""
    if is_loopback(host):
        return None
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return f"address/{host}"
    if isinstance(address, ipaddress.IPv6Address):
        return f"address/{ipaddress.ip_network((address, 64), strict=False)}"
    return f"address/{host}"


def too_many(name: str, until: float) -> TooMany:
    """Return what is told to whoever asks too often, with the seconds until `until`."""
    wait = max(1, math.ceil(until - time.time()))
    return TooMany(
        f"请求过于频繁，请 {wait} 秒后再试；若经常如此，请联系管理员调整限额（{name}）",
        f"Too many requests: try again in {wait} s; where this happens often, ask whoever runs "
        f"the service for a higher limit ({name})",
        reason="rate",
        limit=name,
        retry_after_s=wait,
    )
