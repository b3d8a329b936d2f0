r"""The syntax of the framework's variables: `${self:a.b}`, `${opt:x, 'y'}`, `${file(a.yml):b}`.

Responsible for turning a string into text and variables, not for what a variable stands for.
What only looks like one is text: `${AWS::Region}`, `${Table}`, `${Table.Arn}`, `\${self:x}`.
"""

import re
from dataclasses import dataclass
from typing import Final

NESTING_MAX: Final = 16
"""Deepest nesting of variables in variables."""

_TYPE: Final = re.compile(r"[a-z][a-zA-Z0-9]*")
_OPENING: Final = re.compile(r"(?P<escapes>\\*)\$\{")
_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_WORDS: Final = {"true": True, "false": False, "null": None}


class VariableSyntaxError(ValueError):
    """A variable is not well-formed; the text says how."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A value written out in a variable, as a default: `'dev'`, `5`, `true`."""

    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Lookup:
    """A value to look up: `type(params):address`. Both may contain variables themselves."""

    type: str
    params: "tuple[Text, ...]" = ()
    address: "Text" = ()


@dataclass(frozen=True, slots=True)
class Variable:
    """One `${...}`: the first of its sources that has a value counts. `text` is as written."""

    sources: tuple[Literal | Lookup, ...]
    text: str


Text = tuple[str | Variable, ...]
"""A string taken apart. A string without variables is one part, an empty string none."""


def parse(text: str) -> Text:
    """Take a string apart, or raise VariableSyntaxError."""
    if "${" not in text:
        return (text,) if text else ()
    return _Parser(text).text()


class _Parser:
    """Reads one string from left to right; `at` is where it stands."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.depth = 0

    def text(self, end: str = "") -> Text:
        """Read text and variables up to a character of `end`, or to the end of the string."""
        parts: list[str | Variable] = []
        plain: list[str] = []
        while self.at < len(self.source) and self.source[self.at] not in end:
            opening = _OPENING.match(self.source, self.at)
            if opening is None:
                plain.append(self.source[self.at])
                self.at += 1
                continue
            escapes = len(opening["escapes"])
            plain.append("\\" * (escapes // 2))
            self.at = opening.end()
            if escapes % 2 or not self._at_variable():
                plain.append("${")
                continue
            if any(plain):
                parts.append("".join(plain))
            plain.clear()
            parts.append(self._variable(opening.end() - 2))
        if any(plain):
            parts.append("".join(plain))
        return tuple(parts)

    def _at_variable(self) -> bool:
        """Whether a type and `(` or `:` follow, but not `::` as in `${aws::x}`."""
        kind = _TYPE.match(self.source, self.at)
        if kind is None:
            return False
        after = self.source[kind.end() : kind.end() + 2]
        return after.startswith("(") or (after.startswith(":") and after != "::")

    def _variable(self, start: int) -> Variable:
        self.depth += 1
        if self.depth > NESTING_MAX:
            raise VariableSyntaxError(f"variables are nested deeper than {NESTING_MAX} levels")
        sources = [self._source()]
        while self._take(","):
            sources.append(self._source())
        if not self._take("}"):
            raise VariableSyntaxError(f"{self._excerpt(start)} has no closing bracket in its place")
        self.depth -= 1
        return Variable(tuple(sources), self.source[start : self.at])

    def _source(self) -> Literal | Lookup:
        self._skip_spaces()
        start = self.at
        if (quoted := self._quoted()) is not None:
            return Literal(quoted)
        kind = _TYPE.match(self.source, self.at)
        if kind is not None and self.source[kind.end() : kind.end() + 1] in {"(", ":"}:
            self.at = kind.end()
            return self._lookup(kind[0])
        while self.at < len(self.source) and self.source[self.at] not in ",}":
            self.at += 1
        return _literal(self.source[start : self.at].strip())

    def _lookup(self, kind: str) -> Lookup:
        params: list[Text] = []
        if self._take("("):
            params.append(self._operand(",)"))
            while self._take(","):
                params.append(self._operand(",)"))
            if not self._take(")"):
                raise VariableSyntaxError(f"'{kind}(' has no closing ')'")
        address = self._operand(",}") if self._take(":") else ()
        return Lookup(kind, tuple(params), address)

    def _operand(self, end: str) -> Text:
        """Read an address or parameter: quoted, or text with variables up to one of `end`."""
        self._skip_spaces()
        if (quoted := self._quoted()) is not None:
            return (quoted,) if quoted else ()
        parts = list(self.text(end))
        if parts and isinstance(parts[-1], str):
            parts[-1] = parts[-1].rstrip()
        return tuple(part for part in parts if part)

    def _quoted(self) -> str | None:
        quote = self.source[self.at : self.at + 1]
        if quote not in {"'", '"'}:
            return None
        end = self.source.find(quote, self.at + 1)
        while quote == '"' and end > 0 and self.source[end - 1] == "\\":
            end = self.source.find(quote, end + 1)
        if end < 0:
            raise VariableSyntaxError(f"{self._excerpt(self.at)} has no closing quote")
        content = self.source[self.at + 1 : end]
        self.at = end + 1
        return content.replace('\\"', '"') if quote == '"' else content

    def _take(self, character: str) -> bool:
        self._skip_spaces()
        if not self.source.startswith(character, self.at):
            return False
        self.at += 1
        return True

    def _skip_spaces(self) -> None:
        while self.source[self.at : self.at + 1].isspace():
            self.at += 1

    def _excerpt(self, start: int) -> str:
        text = self.source[start : start + 60].strip()
        return text if start + 60 >= len(self.source) else text + "..."


def _literal(text: str) -> Literal:
    if text in _WORDS:
        return Literal(_WORDS[text])
    if _NUMBER.fullmatch(text) and len(text) < 300:  # noqa: PLR2004
        return Literal(float(text) if "." in text else int(text))
    raise VariableSyntaxError(
        f"{text!r} is neither a source such as 'self:' nor a value; put text in quotes"
    )
