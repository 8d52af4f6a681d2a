"""A small provider of OpenID Connect: real redirects, codes, PKCE, signed tokens, and a page to choose who it is."""

from __future__ import annotations

import base64
import hashlib
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlencode

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.support.waiting import PATIENCE, answers, wait_for

CLIENT, CLIENT_SECRET = "fourfold", "known to both"
PEOPLE = {"ada": "ada@lab.example", "bob": "bob@lab.example"}


class Provider:
    """Issues a code for whoever is chosen, once, and for that code a token, once, to whom the secret is known."""

    def __init__(self, issuer: str) -> None:
        from joserfc.jwk import RSAKey

        self.issuer = issuer
        self._key = RSAKey.generate_key(2048, parameters={"kid": "one", "use": "sig"})
        self._codes: dict[str, dict[str, str]] = {}

    def routes(self) -> list[Route]:
        return [
            Route("/.well-known/openid-configuration", self.configuration),
            Route("/keys", self.keys),
            Route("/authorize", self.authorize),
            Route("/token", self.token, methods=["POST"]),
        ]

    async def configuration(self, _request: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "response_types_supported": ["code"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "code_challenge_methods_supported": ["S256"],
            }
        )

    async def keys(self, _request: Request) -> Response:
        return JSONResponse({"keys": [self._key.as_dict(private=False)]})

    async def authorize(self, request: Request) -> Response:
        """Ask who it is; a second request with the answer sends the browser back with a code."""
        asked = dict(request.query_params)
        assert asked["client_id"] == CLIENT and asked["code_challenge_method"] == "S256"
        if "who" not in asked:
            links = (f'<a href="?{urlencode({**asked, "who": name})}">{name}</a>' for name in PEOPLE)
            return HTMLResponse(f"<title>Who are you?</title>{' '.join(links)}")
        code = secrets.token_hex(8)
        self._codes[code] = asked
        query = urlencode({"code": code, "state": asked["state"]})
        return RedirectResponse(f"{asked['redirect_uri']}?{query}", 302)

    async def token(self, request: Request) -> Response:
        from joserfc import jwt

        form = await request.form()
        scheme, _, word = request.headers.get("authorization", "").partition(" ")
        asked = self._codes.pop(str(form["code"]), None)
        if asked is None or scheme != "Basic" or base64.b64decode(word).decode() != f"{CLIENT}:{CLIENT_SECRET}":
            return JSONResponse({"error": "invalid_grant"}, 400)
        digest = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
        if base64.urlsafe_b64encode(digest).decode().rstrip("=") != asked["code_challenge"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {"iss": self.issuer, "sub": f"id-{asked['who']}", "aud": CLIENT, "iat": now, "exp": now + 600}
        claims |= {"nonce": asked["nonce"], "email": PEOPLE[asked["who"]]}
        signed = jwt.encode({"alg": "RS256", "kid": "one"}, claims, self._key)
        return JSONResponse({"id_token": signed, "access_token": "none", "token_type": "Bearer"})


@contextmanager
def provider() -> Iterator[str]:
    """The address of a running provider."""
    listener = socket.create_server(("127.0.0.1", 0))
    issuer = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=Provider(issuer).routes()), log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    wait_for(lambda: answers(f"{issuer}/keys"), PATIENCE)
    yield issuer
    server.should_exit = True
    thread.join(10)


def secrets_toml(issuer: str, studio: str) -> str:
    """What a studio at that address needs in its `.streamlit/secrets.toml`."""
    return f"""[auth]
client_id = "{CLIENT}"
client_secret = "{CLIENT_SECRET}"
server_metadata_url = "{issuer}/.well-known/openid-configuration"
redirect_uri = "{studio}/oauth2callback"
cookie_secret = "{secrets.token_hex(16)}"
"""
