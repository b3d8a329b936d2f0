"""The syntax of Terraform's language: blocks, attributes and expressions.

Responsible for turning a `.tf` file into a tree, not for what an expression comes to
(terraform_values.py). Source: HCL's native syntax specification.
"""

import re
import textwrap
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NoReturn

from gatepost.gateway.template.hcl_tree import (
    Body,
    Call,
    Choice,
    Expression,
    Items,
    Literal,
    Loop,
    Member,
    Name,
    NotRead,
    Operation,
    Pairs,
    Spread,
    Template,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

NESTING_MAX: Final = 64
"""Deepest nesting of blocks and expressions."""

_SPACE: Final = re.compile(r"(?:[ \t\r]|#[^\n]*|//[^\n]*|/\*(?s:.*?)\*/)*")
_LINES: Final = re.compile(r"(?:\s|#[^\n]*|//[^\n]*|/\*(?s:.*?)\*/)*")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_NUMBER: Final = re.compile(r"[0-9]{1,30}(?:\.[0-9]{1,30})?(?:[eE][+-]?[0-9]{1,2})?")
_HEREDOC: Final = re.compile(r"<<(?P<flush>-?)(?P<end>[A-Za-z_][A-Za-z0-9_-]*)[ \t]*\r?\n")
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
_WORDS: Final = {"true": True, "false": False, "null": None}
_FOR: Final = re.compile(r"for[ \t\r\n]")
_OPERATORS: Final = (("||",), ("&&",), ("==", "!="), ("<=", ">=", "<", ">"), ("+", "-"),
                     ("*", "/", "%"))  # fmt: skip


class HclError(ValueError):
    """A file is not well-formed, or uses what isn't read; the text says where and how."""


def parse(text: str) -> Body:
    """Parse a file, or raise HclError."""
    parser = _Parser(text)
    body = parser.body()
    parser.end()
    return body


class _Parser:
    """Reads one file from left to right; `at` is where it stands."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.depth = 0
        self.lines = False  # whether the end of a line is mere space, as it is within brackets

    def body(self) -> Body:
        """Read up to a closing brace or the end of the file."""
        body = Body()
        with self._nested(lines=False):
            while True:
                self._skip(lines=True)
                if self.at >= len(self.source) or self._looking_at("}"):
                    return body
                name = self._match(_NAME) or self._fail("expected a name")
                if self._take("="):
                    body.attributes[name] = self.expression()
                    continue
                labels = []
                while not self._take("{"):
                    labels.append(self._label())
                body.blocks.append((name, tuple(labels), self.body()))
                self._expect("}")

    def end(self) -> None:
        """Expect the end of the file."""
        if self.at < len(self.source):
            self._fail("expected nothing more")

    def expression(self) -> Expression:
        """Read one expression."""
        with self._nested(lines=self.lines):
            value = self._operation(0)
            if not self._take("?"):
                return value
            then = self.expression()
            self._expect(":")
            return Choice(value, then, self.expression())

    def _label(self) -> str:
        self._skip()
        if self._looking_at('"'):
            label = self._template()
            if isinstance(label, Literal):
                return str(label.value)
        return self._match(_NAME) or self._fail("expected a label or {")

    def _operation(self, level: int) -> Expression:
        if level == len(_OPERATORS):
            return self._postfix(self._primary())
        left = self._operation(level + 1)
        while (operator := self._operator(_OPERATORS[level])) is not None:
            left = Operation(operator, left, self._operation(level + 1))
        return left

    def _operator(self, known: tuple[str, ...]) -> str | None:
        self._skip()
        for operator in known:
            if self._looking_at(operator):
                self.at += len(operator)
                return operator
        return None

    def _primary(self) -> Expression:
        self._skip()
        if self._looking_at('"'):
            return self._template()
        if (heredoc := _HEREDOC.match(self.source, self.at)) is not None:
            return self._heredoc(heredoc)
        for opening, read in (("(", self._group), ("[", self._items), ("{", self._pairs)):
            if self._take(opening):
                with self._nested(lines=True):
                    return read()
        if self._take("!"):
            return Operation("==", self._postfix(self._primary()), Literal(value=False))
        if self._take("-"):
            return Operation("-", Literal(0), self._postfix(self._primary()))
        return self._word()

    def _word(self) -> Expression:
        if (number := self._match(_NUMBER)) is not None:
            return Literal(int(number) if number.isdecimal() else float(number))
        name = self._match(_NAME) or self._fail("expected a value")
        if name in _WORDS:
            return Literal(_WORDS[name])
        if not self._take("("):
            return Name(name)
        with self._nested(lines=True):
            return Call(name, self._arguments(")"))

    def _postfix(self, value: Expression) -> Expression:
        while True:
            if self.source.startswith((".*", "[*]"), self.at):
                self.at += 2 if self._looking_at(".*") else 3
                value = Loop(("*",), value, None, self._postfix(Name("*")))
            elif self._looking_at(".") and not self._looking_at(".."):
                self.at += 1
                name = self._match(_NAME) or self._match(_NUMBER) or self._fail("expected a name")
                value = Member(value, Literal(int(name) if name.isdecimal() else name))
            elif self._looking_at("["):
                self.at += 1
                with self._nested(lines=True):
                    value = Member(value, self.expression())
                    self._expect("]")
            else:
                return value

    def _group(self) -> Expression:
        value = self.expression()
        self._expect(")")
        return value

    def _items(self) -> Expression:
        return self._for("]") or Items(self._arguments("]"))

    def _arguments(self, end: str) -> tuple[Expression, ...]:
        arguments: list[Expression] = []
        while not self._take(end):
            arguments.append(self.expression())
            if self._take("..."):
                arguments[-1] = Spread(arguments[-1])
            if not self._take(","):
                self._expect(end)
                break
        return tuple(arguments)

    def _pairs(self) -> Expression:
        if (loop := self._for("}")) is not None:
            return loop
        pairs: list[tuple[Expression, Expression]] = []
        while not self._take("}"):
            self._skip()
            is_expression = self._looking_at("(")
            key = self.expression()
            if isinstance(key, Name) and not is_expression:
                key = Literal(key.name)
            if not self._take("="):
                self._expect(":")
            with self._nested(lines=False):
                pairs.append((key, self.expression()))
            self._take(",")
        return Pairs(tuple(pairs))

    def _for(self, end: str) -> Expression | None:
        """Read a `for` expression up to its closing bracket, if one begins here."""
        self._skip()
        if _FOR.match(self.source, self.at) is None:
            return None
        self.at += len("for")
        names = [self._word_of("a name")]
        if self._take(","):
            names.append(self._word_of("a name"))
        if self._word_of("in") != "in":
            self._fail("expected in")
        of = self.expression()
        self._expect(":")
        key, value = None, self.expression()
        if end == "}":
            self._expect("=>")
            key, value = value, self.expression()
        grouped = self._take("...")
        condition = None
        if not self._take(end):
            if self._word_of(end) != "if":
                self._fail(f"expected {end}")
            condition = self.expression()
            self._expect(end)
        return Loop(tuple(names), of, key, value, condition, grouped)

    def _word_of(self, expected: str) -> str:
        self._skip()
        return self._match(_NAME) or self._fail(f"expected {expected}")

    def _template(self) -> Expression:
        self._expect('"')
        parts = self._parts('"')
        self._expect('"')
        return parts

    def _parts(self, end: str) -> Expression:
        """Read text with `${...}` up to `end`."""
        parts: list[Expression] = []
        plain: list[str] = []
        while not self._looking_at(end):
            if self.at >= len(self.source) or (end == '"' and self._looking_at("\n")):
                self._fail("a text has no end")
            if self.source.startswith(("$${", "%%{"), self.at):
                plain.append(self.source[self.at + 1 : self.at + 3])
                self.at += 3
            elif self.source.startswith(("${", "%{"), self.at):
                parts += [Literal("".join(plain)), self._filled_in()]
                plain = []
            elif end == '"' and self._looking_at("\\"):
                escaped = self.source[self.at + 1 : self.at + 2]
                plain.append(_ESCAPES.get(escaped, "\\" + escaped))
                self.at += 2
            else:
                plain.append(self.source[self.at])
                self.at += 1
        text = Literal("".join(plain))
        return Template((*parts, text)) if parts else text

    def _filled_in(self) -> Expression:
        directive = self._looking_at("%{")
        self.at += 2
        self._take("~")
        with self._nested(lines=True):
            if directive:
                self.at = self.source.find("}", self.at)
                value: Expression = NotRead("a directive")
            else:
                value = self.expression()
            self._take("~")
            if self.at < 0:
                self.at = len(self.source)
            self._expect("}")
        return value

    def _heredoc(self, opening: re.Match[str]) -> Expression:
        ending = re.compile(rf"^[ \t]*{re.escape(opening['end'])}[ \t]*\r?$", re.MULTILINE)
        found = ending.search(self.source, opening.end())
        if found is None:
            self._fail(f"<<{opening['end']} has no end")
        text = self.source[opening.end() : found.start()]
        self.at = found.end()
        if opening["flush"]:
            text = textwrap.dedent(text)
        inner = _Parser(text + "\0")
        inner.depth = self.depth
        return inner._parts("\0")

    @contextmanager
    def _nested(self, *, lines: bool) -> "Iterator[None]":
        outer, self.lines = self.lines, lines
        self.depth += 1
        if self.depth > NESTING_MAX:
            self._fail("nested too deeply")
        yield
        self.depth -= 1
        self.lines = outer

    def _skip(self, *, lines: bool = False) -> None:
        space = (_LINES if lines or self.lines else _SPACE).match(self.source, self.at)
        self.at = space.end() if space else self.at

    def _looking_at(self, text: str) -> bool:
        return self.source.startswith(text, self.at)

    def _take(self, text: str) -> bool:
        start = self.at
        self._skip()
        if not self._looking_at(text) or (text == "=" and self._looking_at("==")):
            self.at = start
            return False
        self.at += len(text)
        return True

    def _expect(self, text: str) -> None:
        if not self._take(text):
            self._fail(f"expected {text}")

    def _match(self, pattern: re.Pattern[str]) -> str | None:
        found = pattern.match(self.source, self.at)
        if found is None:
            return None
        self.at = found.end()
        return found[0]

    def _fail(self, problem: str) -> NoReturn:
        line = self.source.count("\n", 0, self.at) + 1
        raise HclError(f"line {line}: {problem}")
