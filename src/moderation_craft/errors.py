"""Every failure that reaches a person, named by what can be done about it.

McraftError
├── RetryError            wait and try again
│   ├── RateLimited       E002  the other side's limit
│   ├── Throttled         E005  DynamoDB capacity exceeded
│   ├── Unavailable       E006  the other side is failing or cannot be reached
│   └── TimedOut          E008  no answer in time
├── SkipError             leave this out, say so, go on with the rest
│   ├── AuthFailed        E001  credentials refused or expired
│   ├── RecordInvalid     E003  a record or file breaks its schema
│   └── SchemaChanged     E010  the source changed its schema
└── StopError             nothing can go on until somebody acts
    ├── LakeRefused       E004  the lake cannot be read or written (denied, disk full)
    ├── TransformFailed   E007  a model or its test failed; the last good gold stays
    ├── BoundMet          E009  a bound of memory or size was met
    ├── LayoutTooNew      E010  the lake was written by a newer version
    └── SetupError        E011  a setting or this machine stands in the way
"""

from __future__ import annotations

import re
from typing import ClassVar


class McraftError(Exception):
    """A failure with its code, its cause and the next step."""

    code: ClassVar[str] = "E000"
    name: ClassVar[str] = "UNKNOWN"

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(redact(message))
        self.message = redact(message)
        self.remedy = redact(remedy)

    def as_dict(self) -> dict[str, str]:
        return {"code": self.code, "name": self.name, "message": self.message, "remedy": self.remedy}

    def paragraph(self) -> str:
        """The error as one paragraph for a person: code, cause, next step."""
        return f"{self.code} {self.name}: {self.message} Next: {self.remedy}"


class RetryError(McraftError):
    """Wait and try again."""

    def __init__(self, message: str, *, remedy: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after_seconds = retry_after_seconds


class RateLimited(RetryError):
    code, name = "E002", "RATE_LIMIT"


class Throttled(RetryError):
    code, name = "E005", "DYNAMO_THROTTLE"


class Unavailable(RetryError):
    code, name = "E006", "EXTERNAL_API"


class TimedOut(RetryError):
    code, name = "E008", "TIMEOUT"


class SkipError(McraftError):
    """Leave this out, say so, and go on with the rest."""


class AuthFailed(SkipError):
    code, name = "E001", "AUTH_FAILED"


class RecordInvalid(SkipError):
    code, name = "E003", "DATA_VALIDATION"


class SchemaChanged(SkipError):
    code, name = "E010", "INVALID_SCHEMA"


class StopError(McraftError):
    """Nothing can go on until somebody acts."""


class LakeRefused(StopError):
    code, name = "E004", "S3_ACCESS"


class TransformFailed(StopError):
    code, name = "E007", "TRANSFORM_ERROR"


class BoundMet(StopError):
    code, name = "E009", "MEMORY_LIMIT"


class LayoutTooNew(StopError):
    code, name = "E010", "INVALID_SCHEMA"


class SetupError(StopError):
    code, name = "E011", "SETUP"


HTTP_STATUS = {
    "E001": 401,
    "E002": 429,
    "E003": 422,
    "E004": 503,
    "E005": 503,
    "E006": 502,
    "E007": 500,
    "E008": 504,
    "E009": 413,
    "E010": 409,
    "E011": 409,
}
"""The HTTP status that goes with each code."""

_SECRET = re.compile(
    r"(?i)(\b(?:bearer|token|access_token|refresh_token|api_?key|appid|secret|password|signature)\b[\"']?[=:\s]+[\"']?)"
    r"[^\s\"'&,;]{6,}"
)
_OF_GOOGLE = re.compile(r"\b(?:ya29\.|GOCSPX-|1//0|4/0A)[A-Za-z0-9._-]{8,}")
"""Google's access, refresh and client secrets and its authorization codes, by how they begin."""


def redact(text: str) -> str:
    """The text with anything that looks like a credential replaced by `***`."""
    return _OF_GOOGLE.sub("***", _SECRET.sub(r"\1***", text))
