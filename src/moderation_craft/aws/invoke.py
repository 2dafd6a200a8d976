"""Asking AWS Lambda to run a function later: one signed call, so that no service model has to be packed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import botocore.session
import msgspec
import stamina
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError
from botocore.httpsession import URLLib3Session

from moderation_craft.errors import AuthFailed, RetryError, SetupError, Unavailable

_ATTEMPTS = 4
_ANSWER_SECONDS = 5
_ACCEPTED = 202


def invoke_later(function: str, event: Mapping[str, Any], *, region: str) -> None:
    """Queue an asynchronous invocation of a function (its name or ARN).

    AuthFailed where this role may not, Unavailable where Lambda stays away, SetupError where it refuses.
    """
    base = os.environ.get("AWS_ENDPOINT_URL_LAMBDA") or os.environ.get("AWS_ENDPOINT_URL")
    address = (
        f"{(base or f'https://lambda.{region}.amazonaws.com').rstrip('/')}"
        f"/2015-03-31/functions/{quote(function, safe='')}/invocations"
    )
    body = msgspec.json.encode(event)
    for attempt in stamina.retry_context(on=RetryError, attempts=_ATTEMPTS, timeout=2 * _ANSWER_SECONDS):
        with attempt:
            _invoke_once(address, function, body, region)


def _invoke_once(address: str, function: str, body: bytes, region: str) -> None:
    credentials = botocore.session.Session().get_credentials()
    if credentials is None:
        raise AuthFailed("No AWS credentials were found.", remedy="give the function a role (docs/lambda.md).")
    headers = {"Content-Type": "application/json", "X-Amz-Invocation-Type": "Event"}
    request = AWSRequest(method="POST", url=address, data=body, headers=headers)
    SigV4Auth(credentials, "lambda", region).add_auth(request)
    http = URLLib3Session(timeout=_ANSWER_SECONDS)
    try:
        answer = http.send(request.prepare())
    except BotoCoreError as error:
        raise Unavailable(f"AWS Lambda cannot be reached: {error}.", remedy=_AGAIN) from error
    finally:
        http.close()
    if answer.status_code == _ACCEPTED:
        return
    said = f"AWS Lambda refused to run {function} again: HTTP {answer.status_code}: {answer.text[:300]}"
    if answer.status_code == 403:
        raise AuthFailed(said, remedy="let its role do lambda:InvokeFunction on itself (docs/lambda.md).")
    if answer.status_code == 429 or answer.status_code >= 500:
        raise Unavailable(said, remedy=_AGAIN)
    raise SetupError(said, remedy=_AGAIN)


_AGAIN = "invoke the function again with the same event: it goes on from where it was."
