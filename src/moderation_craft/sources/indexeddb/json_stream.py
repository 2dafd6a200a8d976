"""JSON read piece by piece, each value as the bytes that were sent; memory is bounded by the longest value.

Streaming parsers (ijson and its kin) hand out decoded values: escapes, digits and spaces are lost, and raw keeps
bytes. So this finds where values end, by balance alone, and leaves what is in them to msgspec.
A text that msgspec then takes as one object or array is the one that stood there, since no other end balances.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator

import msgspec

_GUESSES = 8
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])

_SPACE = re.compile(rb"[ \t\n\r]*+")
_SCALAR = re.compile(rb'[^ \t\n\r,:"\[\]{}]++')
_IN_STRING = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_BETWEEN = re.compile(rb'[^"\[\]{}]*+')
_QUOTE, _BACKSLASH, _OPENING = ord('"'), ord("\\"), b"[{"


class NotJson(ValueError):
    """The text is no JSON, or ends too early."""


class TooLong(ValueError):
    """A single value is longer than the bound."""


class JsonStream:
    """Walks a JSON text that comes in chunks.

    `members` and `elements` go through an object or array; for each name or element the caller reads exactly one
    value with `value`, `members` or `elements`. Raises NotJson and TooLong.
    """

    def __init__(self, chunks: Iterable[bytes], *, max_value_bytes: int) -> None:
        self._chunks = iter(chunks)
        self._max_value_bytes = max_value_bytes
        self._utf8 = codecs.getincrementaldecoder("utf-8")()
        self._buffer = b""
        self._at = 0
        self._dropped = 0
        self._has_ended = False
        self._guessed_at = 0

    @property
    def position(self) -> int:
        """How many bytes have been read past."""
        return self._dropped + self._at

    def members(self) -> Iterator[str]:
        """The names of the object that stands here."""
        self._take(b"{")
        if self._peek() == b"}":
            self._at += 1
            return
        while True:
            if self._peek() != b'"':
                raise self._wrong("a member's name was expected")
            name = self._decoded_name(self.value())
            self._take(b":")
            yield name
            if self._take_one_of(b",}") == b"}":
                return

    def elements(self) -> Iterator[None]:
        """Once for each element of the array that stands here."""
        self._take(b"[")
        if self._peek() == b"]":
            self._at += 1
            return
        while True:
            yield None
            if self._take_one_of(b",]") == b"]":
                return

    def values(self) -> Iterator[bytes]:
        """The text of each element of the array that stands here."""
        for _ in self.elements():
            yield from self._run()
            yield self.value()

    def _run(self) -> Iterator[bytes]:
        """The elements that stand whole in the buffer, found at once: up to a comma near its end that msgspec
        confirms. Inside a string or at a deeper level the text up to there does not balance, and is refused.
        """
        if self._guessed_at == self._dropped + len(self._buffer):
            return
        self._guessed_at = self._dropped + len(self._buffer)
        end = len(self._buffer)
        for _ in range(_GUESSES):
            end = max(self._buffer.rfind(b"},", self._at, end), self._buffer.rfind(b"],", self._at, end))
            if end < 0:
                return
            try:
                found = _ARRAY.decode(b"[%b]" % self._buffer[self._at : end + 1])
            except (msgspec.DecodeError, RecursionError):
                continue
            self._at = end + 2
            for raw in found:
                yield self._bounded(bytes(raw))
            return

    def value(self) -> bytes:
        """The text of the value that stands here, without the space around it; only its balance is checked."""
        return self._balanced() if self._peek() in (b"{", b"[", b'"') else self._scalar()

    def end(self) -> None:
        """Nothing but space may follow."""
        if self._peek():
            raise self._wrong("something follows the end")

    def _cut(self, length: int) -> bytes:
        start = self._at
        self._at += length
        return self._bounded(self._buffer[start : self._at])

    def _bounded(self, text: bytes) -> bytes:
        if len(text) > self._max_value_bytes:
            raise self._too_long()
        return text

    def _scalar(self) -> bytes:
        length = 0
        while True:
            found = _SCALAR.match(self._buffer, self._at + length)
            length = found.end() - self._at if found else length
            if self._at + length < len(self._buffer) or not self._more(length):
                break
        if not length:
            raise self._wrong("a value was expected")
        return self._cut(length)

    def _balanced(self) -> bytes:
        """A string, object or array."""
        length = depth = 0
        in_string = False
        while True:
            buffer, at = self._buffer, self._at + length
            while at < len(buffer):
                if in_string:
                    at = _end(_IN_STRING, buffer, at)
                    if at == len(buffer) or buffer[at] == _BACKSLASH:
                        break
                    in_string = False
                    at += 1
                else:
                    at = _end(_BETWEEN, buffer, at)
                    if at == len(buffer):
                        break
                    if buffer[at] == _QUOTE:
                        in_string = True
                    elif buffer[at] in _OPENING:
                        depth += 1
                    else:
                        depth -= 1
                    at += 1
                if not depth and not in_string:
                    return self._cut(at - self._at)
            length = at - self._at
            if not self._more(length):
                raise self._wrong("it ends inside a value")

    def _peek(self) -> bytes:
        """The next byte that is no space; empty at the end."""
        while True:
            self._at = _end(_SPACE, self._buffer, self._at)
            if self._at < len(self._buffer):
                return self._buffer[self._at : self._at + 1]
            if not self._more(0):
                return b""

    def _take(self, wanted: bytes) -> None:
        if self._peek() != wanted:
            raise self._wrong(f"{wanted.decode()!r} was expected")
        self._at += 1

    def _take_one_of(self, wanted: bytes) -> bytes:
        found = self._peek()
        if not found or found not in wanted:
            raise self._wrong(f"one of {wanted.decode()!r} was expected")
        self._at += 1
        return found

    def _more(self, held: int) -> bool:
        """Read on; what was taken leaves the buffer. False at the end."""
        if held > self._max_value_bytes:
            raise self._too_long()
        if self._has_ended:
            return False
        chunk = next((chunk for chunk in self._chunks if chunk), b"")
        self._has_ended = not chunk
        try:
            self._utf8.decode(chunk, self._has_ended)
        except UnicodeDecodeError as error:
            raise NotJson(f"it is not UTF-8 ({error.reason})") from error
        self._buffer = self._buffer[self._at :] + chunk
        self._dropped += self._at
        self._at = 0
        return not self._has_ended

    def _decoded_name(self, text: bytes) -> str:
        try:
            return msgspec.json.decode(text, type=str)
        except msgspec.DecodeError as error:
            raise self._wrong(f"a member's name cannot be read: {error}") from error

    def _too_long(self) -> TooLong:
        return TooLong(f"a value is longer than {self._max_value_bytes:,} bytes (byte {self.position:,})")

    def _wrong(self, what: str) -> NotJson:
        return NotJson(f"{what} (byte {self.position:,})")


def _end(pattern: re.Pattern[bytes], buffer: bytes, at: int) -> int:
    found = pattern.match(buffer, at)
    return found.end() if found else at


def depth_of(text: bytes) -> int:
    """How deep a balanced value is nested; 0 for a scalar."""
    depth = deepest = at = 0
    while (at := _end(_BETWEEN, text, at)) < len(text):
        if text[at] == _QUOTE:
            at = _end(_IN_STRING, text, at + 1)
        else:
            depth += 1 if text[at] in _OPENING else -1
            deepest = max(deepest, depth)
        at += 1
    return deepest
