"""The stand-in's pages: who consents to what, with Google's two buttons; and its error page."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from starlette.responses import HTMLResponse, Response

_STYLE = """
body { font: 16px/1.6 system-ui, sans-serif; margin: 0; background: #f6f7f9; color: #1c2330; }
main { max-width: 30rem; margin: 8vh auto; padding: 2rem; background: #fff; border: 1px solid #d9dee6;
  border-radius: 12px; }
h1 { font-size: 1.25rem; margin: 0 0 .5rem; } p { margin: .25rem 0 1rem; color: #4a5568; }
fieldset { border: 0; padding: 0; margin: 0 0 1.25rem; } legend { font-weight: 600; padding: 0; }
label { display: block; padding: .35rem 0; overflow-wrap: anywhere; }
select { font: inherit; padding: .4rem; width: 100%; }
.buttons { display: flex; gap: .75rem; justify-content: flex-end; }
button { font: inherit; padding: .5rem 1.25rem; border-radius: 8px; border: 1px solid #8a94a6; background: #fff;
  cursor: pointer; }
button[value=allow] { background: #1f5fbf; border-color: #1f5fbf; color: #fff; }
@media (prefers-color-scheme: dark) {
  body { background: #12161d; color: #e6eaf0; } main { background: #1a2029; border-color: #333d4b; }
  p { color: #aab4c3; } button { background: #1a2029; color: inherit; }
}
"""


def consent_page(action: str, ticket: str, people: Sequence[str], scopes: Sequence[str]) -> str:
    """The page on which a person picks the account, ticks what to allow, and decides."""
    options = "".join(f"<option>{escape(person)}</option>" for person in people)
    boxes = "".join(
        f'<label><input type="checkbox" name="scope" value="{escape(scope)}" checked> '
        f"{escape(scope.rsplit('/', 1)[-1])}</label>"
        for scope in scopes
    )
    return _page(
        "Consent",
        f"""<h1>ModerationCraft wants to read your data<br>ModerationCraft がデータの読み取りを求めています</h1>
<p>This page stands in for Google's, on this machine. Nothing leaves it.<br>
Google の画面の代わりです。データはこのパソコンの外に出ません。</p>
<form method="post" action="{escape(action)}"><input type="hidden" name="ticket" value="{escape(ticket)}">
<fieldset><legend><label for="person">Account · アカウント</label></legend>
<select id="person" name="person">{options}</select></fieldset>
<fieldset><legend>What it may read · 読み取りを許可する項目</legend>{boxes}</fieldset>
<div class="buttons"><button name="decision" value="deny">Cancel · キャンセル</button>
<button name="decision" value="allow">Allow · 許可</button></div></form>""",
    )


def error_page(status: int, error: str, said: str) -> Response:
    """Google's "Access blocked" page: the browser stays there, and the client hears nothing."""
    body = (
        f"<h1>Access blocked: Authorization Error</h1><p>{escape(said)}</p><p>Error {status}: {escape(error)}</p>"
    )
    return HTMLResponse(_page("Error", body), status_code=status)


def _page(title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{title} · Google (stand-in)</title><style>{_STYLE}</style><main>{body}</main></html>"
    )
