"""Single sign-on: OpenID Connect's code flow with PKCE, by Authlib.

What must come back with the browser (state, nonce, verifier, and the view to return to) travels in
a cookie that is encrypted with the service's own key, so that any process can end what another
began.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
import orjson
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.starlette_client import OAuth
from joserfc.errors import JoseError

from api.session import Oidc
from layers.second_factor import Keys

log = logging.getLogger("onemap.single_sign_on")

WAY = "onemap_way"
PATIENCE_S = 600
_TIMEOUT_S = 10.0
# Signatures that the provider alone can make: none that needs no key, or the client's secret.
_SIGNATURES = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")


class Failed(Exception):
    """Nobody came in, and why: for the log, not for the browser."""


@dataclass(frozen=True)
class Person:
    """Whom the provider knows, and in which groups."""

    issuer: str
    subject: str
    login: str
    name: str
    groups: tuple[str, ...]


class SingleSignOn:
    """The provider, as one process knows it."""

    def __init__(self, oidc: Oidc) -> None:
        self.oidc = oidc
        self._client = OAuth().register(
            "provider",
            server_metadata_url=oidc.url,
            client_id=oidc.client_id,
            client_secret=oidc.client_secret,
            client_kwargs={
                "scope": "openid profile",
                "code_challenge_method": "S256",
                "timeout": _TIMEOUT_S,
                "trust_env": False,
            },
        )

    async def begin(self, redirect: str, back: str, keys: Keys) -> tuple[str, str]:
        """Return the provider's address to go to, and the cookie to come back with.

        Raises
        ------
        Failed : the provider does not answer.
        """
        try:
            made = await self._client.create_authorization_url(redirect)
        except (httpx2.HTTPError, AuthlibBaseError, RuntimeError, ValueError) as away:
            raise Failed(f"the provider does not answer: {away}") from away
        way = {name: made.get(name) for name in ("state", "nonce", "code_verifier")}
        return made["url"], keys.encrypt(orjson.dumps({**way, "back": back}).decode())

    async def end(
        self, redirect: str, query: Mapping[str, str], cookie: str | None, keys: Keys
    ) -> tuple[Person, str]:
        """Return who came back, and the view to return to.

        Raises
        ------
        Failed : the provider refused, or what came back is not what was begun.
        """
        text = keys.decrypt(cookie, PATIENCE_S) if cookie else None
        way: dict[str, Any] = orjson.loads(text) if text else {}
        if not way or not query.get("state") or query["state"] != way["state"]:
            raise Failed("it was begun elsewhere, or too long ago")
        if "code" not in query:
            raise Failed("the provider refused")
        try:
            metadata = await self._client.load_server_metadata()
            offered = metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
            metadata["id_token_signing_alg_values_supported"] = [
                each for each in offered if each in _SIGNATURES
            ]
            token = await self._client.fetch_access_token(
                code=query["code"], redirect_uri=redirect, code_verifier=way["code_verifier"]
            )
            claims = await self._client.parse_id_token(
                token,
                nonce=way["nonce"],
                claims_options={
                    "iss": {"essential": True, "value": metadata["issuer"]},
                    "aud": {"essential": True, "value": self.oidc.client_id},
                    "sub": {"essential": True},
                },
            )
        except (httpx2.HTTPError, AuthlibBaseError, JoseError, KeyError, ValueError) as wrong:
            raise Failed(f"what came back is no good: {wrong!r}") from wrong
        if not claims or not way["nonce"] or claims.get("nonce") != way["nonce"]:
            raise Failed("the identity token is missing or of another sign-in")
        return self._person(claims), str(way["back"])

    def _person(self, claims: Mapping[str, Any]) -> Person:
        groups = claims.get(self.oidc.claim) or ()
        login = str(claims.get("preferred_username") or claims["sub"])
        return Person(
            issuer=str(claims["iss"]),
            subject=str(claims["sub"]),
            login=login,
            name=str(claims.get("name") or login),
            groups=tuple(map(str, groups if isinstance(groups, list | tuple) else (groups,))),
        )
