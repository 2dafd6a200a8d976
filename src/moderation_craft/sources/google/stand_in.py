"""A local server of Google's OAuth 2.0 endpoints: a consent page, codes with PKCE, refreshes, revocation.

By Google's "OAuth 2.0 for desktop apps" and "for web server apps": a code is good once and for minutes; a
refresh answers without a refresh token; in testing a consent lives seven days; errors are
`{"error", "error_description"}`.
"""

from __future__ import annotations

import base64
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from moderation_craft.clock import Clock, SystemClock
from moderation_craft.sources.google.consent_page import consent_page, error_page
from moderation_craft.sources.google.grants import Grants, Meaning

AUTHORIZE, TOKEN, REVOKE = "/o/oauth2/v2/auth", "/token", "/revoke"
CODE_LIFETIME = timedelta(minutes=10)
CLIENT_ID, CLIENT_SECRET = "demo.apps.googleusercontent.com", "demo-only-not-a-secret"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Question:
    """An authorization request that is in order."""

    redirect_uri: str
    scopes: tuple[str, ...]
    state: str
    challenge: str
    is_offline: bool


class _Code(NamedTuple):
    consent: Meaning
    question: Question
    made_at: float


class GoogleAccounts:
    """The server's state and switches. `fails` answers every token request with that status instead."""

    def __init__(
        self,
        people: Sequence[str],
        *,
        clock: Clock | None = None,
        client_id: str = CLIENT_ID,
        client_secret: str = CLIENT_SECRET,
        key: bytes = b"stand-in",
    ) -> None:
        self.people = list(people)
        self.clock = clock or SystemClock()
        self.client_id, self._client_secret = client_id, client_secret
        self.grants = Grants(self.clock, key)
        self.fails: int | None = None
        self.asked: Counter[str] = Counter()
        self._questions: dict[str, Question] = {}
        self._codes: dict[str, _Code] = {}

    def authorize(self, request: Request) -> Response:
        """The consent page, or, where the request is not in order, Google's error page and no way back."""
        given = request.query_params
        redirect_uri = given.get("redirect_uri", "")
        if given.get("client_id") != self.client_id:
            return error_page(401, "invalid_client", "The OAuth client was not found.")
        if urlsplit(redirect_uri).scheme != "http" or urlsplit(redirect_uri).hostname not in _LOOPBACK:
            return error_page(400, "redirect_uri_mismatch", "The redirect URI is not one of this client's.")
        if given.get("response_type") != "code" or not given.get("scope"):
            return error_page(400, "invalid_request", "Required parameter is missing: response_type or scope.")
        if given.get("code_challenge_method") != "S256" or len(given.get("code_challenge", "")) != 43:
            return error_page(400, "invalid_request", "The code challenge is missing or not S256.")
        question = Question(
            redirect_uri,
            tuple(given["scope"].split()),
            given.get("state", ""),
            given["code_challenge"],
            given.get("access_type") == "offline",
        )
        ticket = secrets.token_urlsafe(16)
        self._questions[ticket] = question
        return HTMLResponse(consent_page(f"{AUTHORIZE}/decision", ticket, self.people, question.scopes))

    async def decide(self, request: Request) -> Response:
        """What the person chose, brought back to the client by their browser."""
        form = await _form(request)
        question = self._questions.pop(form.one("ticket"), None)
        if question is None:
            return error_page(400, "invalid_request", "This page is not valid any more.")
        scopes = [scope for scope in question.scopes if scope in form.all("scope")]
        person = form.one("person")
        if form.one("decision") != "allow" or not scopes or person not in self.people:
            return _back(question, {"error": "access_denied"})
        code = "4/0A" + secrets.token_urlsafe(24)
        self._codes[code] = _Code(self.grants.start(person, scopes), question, self.clock.now().timestamp())
        return _back(question, {"code": code, "scope": " ".join(scopes)})

    async def token(self, request: Request) -> Response:
        form = await _form(request)
        grant_type = form.one("grant_type")
        self.asked[grant_type] += 1
        if self.fails:
            return Response("upstream failure", status_code=self.fails)
        if not self._is_client(request, form):
            return _refused(401, "invalid_client", "The OAuth client was not found or its secret is wrong.")
        if grant_type == "authorization_code":
            return self._for_code(form)
        if grant_type == "refresh_token":
            consent = self.grants.refreshable(form.one("refresh_token"))
            if consent is None:
                return _refused(400, "invalid_grant", "Token has been expired or revoked.")
            return _answer(self.grants.answer(consent, is_first=False))
        return _refused(400, "unsupported_grant_type", f"Invalid grant_type: {grant_type}")

    async def revoke(self, request: Request) -> Response:
        self.asked["revoke"] += 1
        if self.fails:
            return Response("upstream failure", status_code=self.fails)
        if self.grants.revoke((await _form(request)).one("token") or request.query_params.get("token", "")):
            return _answer({})
        return _refused(400, "invalid_token", "Token expired or revoked")

    def _for_code(self, form: _Form) -> Response:
        found = self._codes.pop(form.one("code"), None)
        if found is None or self.clock.now().timestamp() - found.made_at > CODE_LIFETIME.total_seconds():
            return _refused(400, "invalid_grant", "Malformed auth code.")
        if form.one("redirect_uri") != found.question.redirect_uri:
            return _refused(400, "redirect_uri_mismatch", "Bad Request")
        if _challenge(form.one("code_verifier")) != found.question.challenge:
            return _refused(400, "invalid_grant", "Invalid code verifier.")
        answer = self.grants.answer(found.consent, is_first=True)
        if not found.question.is_offline:
            answer.pop("refresh_token")
        return _answer(answer)

    def _is_client(self, request: Request, form: _Form) -> bool:
        scheme, _, packed = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            client_id, _, secret = base64.b64decode(packed).decode().partition(":")
        else:
            client_id, secret = form.one("client_id"), form.one("client_secret")
        right = secrets.compare_digest(secret.encode(), self._client_secret.encode())
        return client_id == self.client_id and right


class _Form:
    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._pairs = pairs

    def all(self, name: str) -> list[str]:
        return [value for key, value in self._pairs if key == name]

    def one(self, name: str) -> str:
        return next(iter(self.all(name)), "")


def create_app(accounts: GoogleAccounts) -> Starlette:
    """The server over some accounts, which stay switchable and countable from outside."""

    async def authorize(request: Request) -> Response:
        return accounts.authorize(request)

    return Starlette(
        routes=[
            Route(AUTHORIZE, authorize, methods=["GET"]),
            Route(f"{AUTHORIZE}/decision", accounts.decide, methods=["POST"]),
            Route(TOKEN, accounts.token, methods=["POST"]),
            Route(REVOKE, accounts.revoke, methods=["POST"]),
        ]
    )


async def _form(request: Request) -> _Form:
    return _Form(parse_qsl((await request.body()).decode(), keep_blank_values=True))


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")


def _back(question: Question, answer: Mapping[str, str]) -> Response:
    glue = "&" if urlsplit(question.redirect_uri).query else "?"
    told = {"state": question.state, **answer}
    return RedirectResponse(question.redirect_uri + glue + urlencode(told), status_code=302)


def _answer(body: Mapping[str, str | int]) -> Response:
    return JSONResponse(dict(body), headers={"cache-control": "no-store"})


def _refused(status: int, error: str, description: str) -> Response:
    return JSONResponse({"error": error, "error_description": description}, status_code=status)
