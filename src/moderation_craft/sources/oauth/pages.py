"""The small pages a person sees at the end of a consent, in both languages."""

from __future__ import annotations

from html import escape

from moderation_craft.errors import McraftError
from moderation_craft.sources.oauth.services import SERVICES, ServiceName

_STYLE = """
body { font: 16px/1.7 system-ui, sans-serif; margin: 0; background: #f6f7f9; color: #1c2330; }
main { max-width: 34rem; margin: 12vh auto; padding: 2rem; }
h1 { font-size: 1.375rem; line-height: 1.4; } code { overflow-wrap: anywhere; }
@media (prefers-color-scheme: dark) { body { background: #12161d; color: #e6eaf0; } a { color: #8ab4f8; } }
"""


def answer_page(service: ServiceName) -> str:
    """Done; nothing of the consent is in it."""
    title = escape(SERVICES[service].title)
    return _page(
        f"<h1>{title}: connected</h1><p>You can close this window and go back to the shell.</p>"
        f'<div lang="ja"><h1>{title}：接続しました</h1><p>この画面を閉じて、ターミナルに戻ってください。</p></div>'
    )


def refusal_page(error: McraftError, back: str | None = None) -> str:
    """What went wrong and what to do; `back` is a path of this server."""
    link = f'<p><a href="{escape(back)}">設定に戻る · Back to the settings</a></p>' if back else ""
    return _page(
        f"<h1>Not connected</h1><p>{escape(error.message)}</p><p>Next: {escape(error.remedy)}</p>"
        '<div lang="ja"><h1>接続できませんでした</h1><p>この認可の応答は受け付けられません。'
        f"設定画面、または <code>mcraft connect</code> からやり直してください。</p></div>{link}"
        f"<p><small>{error.code} {error.name}</small></p>"
    )


def _page(body: str) -> str:
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>ModerationCraft</title><style>{_STYLE}</style><main>{body}</main></html>"
    )
