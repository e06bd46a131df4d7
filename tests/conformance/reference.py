"""Reads the API's reference: its requests, responses, headers and status codes, so that no test retypes them."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

SOURCE = Path(__file__).parents[1] / "fixtures" / "reference" / "playbooks-api.md"
_HEADING = re.compile(r"^(#{2,3}) (.+)$")
_FENCE = re.compile(r"^```(\w+)$")
_STATUS = re.compile(r"^- \*\*(\d{3}) (.+)\*\* - (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block, with the headings above it."""

    section: str
    heading: str
    language: str
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    target: str
    """Path and query."""
    headers: dict[str, str]
    body: Any

    @property
    def path(self) -> str:
        return urlsplit(self.target).path


@dataclass(frozen=True, slots=True)
class Example:
    """A request with what the reference shows as its answers, in order; several where it also shows an error."""

    name: str
    request: Request
    responses: tuple[Any, ...] = field(default=())


def name_of(block: Block) -> str:
    return f"{block.section}: {block.heading}" if block.heading else block.section


@cache
def blocks() -> tuple[Block, ...]:
    return tuple(_blocks(SOURCE.read_text().splitlines()))


def _blocks(lines: list[str]) -> Iterator[Block]:
    section = heading = ""
    numbered = enumerate(lines, 1)
    for number, line in numbered:
        if found := _HEADING.match(line):
            section, heading = (found[2], "") if found[1] == "##" else (section, found[2])
        elif found := _FENCE.match(line):
            yield Block(section, heading, found[1], "\n".join(_inner(numbered)), number)


def _inner(numbered: Iterator[tuple[int, str]]) -> list[str]:
    inner = []
    for _, line in numbered:
        if line == "```":
            break
        inner.append(line)
    return inner


@cache
def examples() -> tuple[Example, ...]:
    """Every curl command, with the JSON blocks that follow it up to the next one."""
    found: list[tuple[Block, list[Any]]] = []
    for block in blocks():
        if block.language == "bash" and block.text.startswith("curl "):
            found.append((block, []))
        elif block.language == "json" and found and block.section == found[-1][0].section:
            found[-1][1].append(json.loads(block.text))
    return tuple(Example(name_of(block), _request(block.text), tuple(answers)) for block, answers in found)


def example(name: str) -> Example:
    return next(e for e in examples() if e.name == name)


def _request(command: str) -> Request:
    method, headers, body, address = "GET", {}, None, ""
    words = iter(shlex.split(command.replace("\\\n", " "))[1:])
    for word in words:
        match word:
            case "-X":
                method = next(words)
            case "-H":
                name, _, value = next(words).partition(": ")
                headers[name] = value
            case "-d":
                body = json.loads(next(words))
            case _:
                address = word
    parts = urlsplit(address)
    return Request(method, parts.path + (f"?{parts.query}" if parts.query else ""), headers, body)


def headers_under(heading: str) -> dict[str, str]:
    """The header lines of the `http` block under a heading."""
    block = next(b for b in blocks() if b.language == "http" and b.heading == heading)
    return {name: value for name, _, value in (line.partition(": ") for line in block.text.splitlines())}


def token_claims() -> dict[str, Any]:
    block = next(b for b in blocks() if b.heading == "JWT Token Claims")
    claims: dict[str, Any] = json.loads(block.text)
    return claims


@cache
def status_codes() -> dict[int, tuple[str, str]]:
    """By code: its name, and what the reference says it is for."""
    return {int(code): (name, purpose) for code, name, purpose in _STATUS.findall(SOURCE.read_text())}


def status_for(purpose: str) -> int:
    """The code that the reference gives for a purpose, such as `Successful resource creation`."""
    return next(code for code, (_, said) in status_codes().items() if said == purpose)
