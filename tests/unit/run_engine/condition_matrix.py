"""What comes of every operator for every kind of value, by every kind that a condition may name: written out by hand.

Rows are what the field holds, columns what the condition names. `in` and `not_in` name a list of the one value,
`between` the value twice.

    +  holds                               m  not satisfied: the field is missing
    -  is compared, and does not hold      e  not satisfied: it was erased
    x  not satisfied: a type mismatch      n  not satisfied: it is null

The line `create` has `.` where a playbook may say so, `#` where create refuses it.
"""

from typing import Any

ACTUAL: dict[str, Any] = {
    "null": None, "boolean": True, "integer": 5, "float": 2.5, "text": "ab", "date": "2024-01-15",
    "zoned": "2024-01-15T12:00:00+01:00", "local": "2024-01-15T11:00:00", "list": [5, "ab"], "object": {"a": 1},
}  # fmt: skip
"""Beside these a field may be missing, encrypted (it holds `ab`) or erased."""
NAMED = ACTUAL
"""What a condition may name."""

_EQUALITY = """
            null boolean integer float text date zoned local list object
create       .      .       .      .     .    .    .     .     .     .
missing      m      m       m      m     m    m    m     m     m     m
null         +      x       x      x     x    x    x     x     x     x
boolean      -      +       x      x     x    x    x     x     x     x
integer      -      x       +      -     x    x    x     x     x     x
float        -      x       -      +     x    x    x     x     x     x
text         -      x       x      x     +    -    -     -     x     x
date         -      x       x      x     -    +    -     -     x     x
zoned        -      x       x      x     -    -    +     +     x     x
local        -      x       x      x     -    -    +     +     x     x
list         -      x       x      x     x    x    x     x     +     x
object       -      x       x      x     x    x    x     x     x     +
encrypted    -      x       x      x     +    -    -     -     x     x
erased       e      e       e      e     e    e    e     e     e     e
"""
_INEQUALITY = """
            null boolean integer float text date zoned local list object
create       .      .       .      .     .    .    .     .     .     .
missing      m      m       m      m     m    m    m     m     m     m
null         -      x       x      x     x    x    x     x     x     x
boolean      +      -       x      x     x    x    x     x     x     x
integer      +      x       -      +     x    x    x     x     x     x
float        +      x       +      -     x    x    x     x     x     x
text         +      x       x      x     -    +    +     +     x     x
date         +      x       x      x     +    -    +     +     x     x
zoned        +      x       x      x     +    +    -     -     x     x
local        +      x       x      x     +    +    -     -     x     x
list         +      x       x      x     x    x    x     x     -     x
object       +      x       x      x     x    x    x     x     x     -
encrypted    +      x       x      x     -    +    +     +     x     x
erased       e      e       e      e     e    e    e     e     e     e
"""

MATRIX: dict[str, str] = {
    "=": _EQUALITY,
    "in": _EQUALITY,
    "!=": _INEQUALITY,
    "not_in": _INEQUALITY,
    ">": """
            null boolean integer float text date zoned local list object
create       #      #       .      .     .    .    .     .     #     #
missing      m      m       m      m     m    m    m     m     m     m
null         x      x       x      x     x    x    x     x     x     x
boolean      x      x       x      x     x    x    x     x     x     x
integer      x      x       -      +     x    x    x     x     x     x
float        x      x       -      -     x    x    x     x     x     x
text         x      x       x      x     -    +    +     +     x     x
date         x      x       x      x     -    -    -     -     x     x
zoned        x      x       x      x     -    +    -     -     x     x
local        x      x       x      x     -    +    -     -     x     x
list         x      x       x      x     x    x    x     x     x     x
object       x      x       x      x     x    x    x     x     x     x
encrypted    x      x       x      x     -    +    +     +     x     x
erased       e      e       e      e     e    e    e     e     e     e
""",
    ">=": """
            null boolean integer float text date zoned local list object
create       #      #       .      .     .    .    .     .     #     #
missing      m      m       m      m     m    m    m     m     m     m
null         x      x       x      x     x    x    x     x     x     x
boolean      x      x       x      x     x    x    x     x     x     x
integer      x      x       +      +     x    x    x     x     x     x
float        x      x       -      +     x    x    x     x     x     x
text         x      x       x      x     +    +    +     +     x     x
date         x      x       x      x     -    +    -     -     x     x
zoned        x      x       x      x     -    +    +     +     x     x
local        x      x       x      x     -    +    +     +     x     x
list         x      x       x      x     x    x    x     x     x     x
object       x      x       x      x     x    x    x     x     x     x
encrypted    x      x       x      x     +    +    +     +     x     x
erased       e      e       e      e     e    e    e     e     e     e
""",
    "<": """
            null boolean integer float text date zoned local list object
create       #      #       .      .     .    .    .     .     #     #
missing      m      m       m      m     m    m    m     m     m     m
null         x      x       x      x     x    x    x     x     x     x
boolean      x      x       x      x     x    x    x     x     x     x
integer      x      x       -      -     x    x    x     x     x     x
float        x      x       +      -     x    x    x     x     x     x
text         x      x       x      x     -    -    -     -     x     x
date         x      x       x      x     +    -    +     +     x     x
zoned        x      x       x      x     +    -    -     -     x     x
local        x      x       x      x     +    -    -     -     x     x
list         x      x       x      x     x    x    x     x     x     x
object       x      x       x      x     x    x    x     x     x     x
encrypted    x      x       x      x     -    -    -     -     x     x
erased       e      e       e      e     e    e    e     e     e     e
""",
    "<=": """
            null boolean integer float text date zoned local list object
create       #      #       .      .     .    .    .     .     #     #
missing      m      m       m      m     m    m    m     m     m     m
null         x      x       x      x     x    x    x     x     x     x
boolean      x      x       x      x     x    x    x     x     x     x
integer      x      x       +      -     x    x    x     x     x     x
float        x      x       +      +     x    x    x     x     x     x
text         x      x       x      x     +    -    -     -     x     x
date         x      x       x      x     +    +    +     +     x     x
zoned        x      x       x      x     +    -    +     +     x     x
local        x      x       x      x     +    -    +     +     x     x
list         x      x       x      x     x    x    x     x     x     x
object       x      x       x      x     x    x    x     x     x     x
encrypted    x      x       x      x     +    -    -     -     x     x
erased       e      e       e      e     e    e    e     e     e     e
""",
    "between": """
            null boolean integer float text date zoned local list object
create       #      #       .      .     .    .    .     .     #     #
missing      m      m       m      m     m    m    m     m     m     m
null         x      x       x      x     x    x    x     x     x     x
boolean      x      x       x      x     x    x    x     x     x     x
integer      x      x       +      -     x    x    x     x     x     x
float        x      x       -      +     x    x    x     x     x     x
text         x      x       x      x     +    -    -     -     x     x
date         x      x       x      x     -    +    -     -     x     x
zoned        x      x       x      x     -    -    +     +     x     x
local        x      x       x      x     -    -    +     +     x     x
list         x      x       x      x     x    x    x     x     x     x
object       x      x       x      x     x    x    x     x     x     x
encrypted    x      x       x      x     +    -    -     -     x     x
erased       e      e       e      e     e    e    e     e     e     e
""",
    "contains": """
            null boolean integer float text date zoned local list object
create       .      .       .      .     .    .    .     .     .     .
missing      m      m       m      m     m    m    m     m     m     m
null         x      x       x      x     x    x    x     x     x     x
boolean      x      x       x      x     x    x    x     x     x     x
integer      x      x       x      x     x    x    x     x     x     x
float        x      x       x      x     x    x    x     x     x     x
text         x      x       x      x     +    -    -     -     x     x
date         x      x       x      x     -    +    -     -     x     x
zoned        x      x       x      x     -    +    +     -     x     x
local        x      x       x      x     -    +    -     +     x     x
list         -      x       +      -     +    -    -     -     x     x
object       x      x       x      x     x    x    x     x     x     x
encrypted    x      x       x      x     +    -    -     -     x     x
erased       e      e       e      e     e    e    e     e     e     e
""",
    "not_contains": """
            null boolean integer float text date zoned local list object
create       .      .       .      .     .    .    .     .     .     .
missing      m      m       m      m     m    m    m     m     m     m
null         x      x       x      x     x    x    x     x     x     x
boolean      x      x       x      x     x    x    x     x     x     x
integer      x      x       x      x     x    x    x     x     x     x
float        x      x       x      x     x    x    x     x     x     x
text         x      x       x      x     -    +    +     +     x     x
date         x      x       x      x     +    -    +     +     x     x
zoned        x      x       x      x     +    -    -     +     x     x
local        x      x       x      x     +    -    +     -     x     x
list         +      x       -      +     -    +    +     +     x     x
object       x      x       x      x     x    x    x     x     x     x
encrypted    x      x       x      x     -    +    +     +     x     x
erased       e      e       e      e     e    e    e     e     e     e
""",
    "starts_with": """
            null boolean integer float text date zoned local list object
create       #      #       #      #     .    .    .     .     #     #
missing      m      m       m      m     m    m    m     m     m     m
null         x      x       x      x     x    x    x     x     x     x
boolean      x      x       x      x     x    x    x     x     x     x
integer      x      x       x      x     x    x    x     x     x     x
float        x      x       x      x     x    x    x     x     x     x
text         x      x       x      x     +    -    -     -     x     x
date         x      x       x      x     -    +    -     -     x     x
zoned        x      x       x      x     -    +    +     -     x     x
local        x      x       x      x     -    +    -     +     x     x
list         x      x       x      x     x    x    x     x     x     x
object       x      x       x      x     x    x    x     x     x     x
encrypted    x      x       x      x     +    -    -     -     x     x
erased       e      e       e      e     e    e    e     e     e     e
""",
    "ends_with": """
            null boolean integer float text date zoned local list object
create       #      #       #      #     .    .    .     .     #     #
missing      m      m       m      m     m    m    m     m     m     m
null         x      x       x      x     x    x    x     x     x     x
boolean      x      x       x      x     x    x    x     x     x     x
integer      x      x       x      x     x    x    x     x     x     x
float        x      x       x      x     x    x    x     x     x     x
text         x      x       x      x     +    -    -     -     x     x
date         x      x       x      x     -    +    -     -     x     x
zoned        x      x       x      x     -    -    +     -     x     x
local        x      x       x      x     -    -    -     +     x     x
list         x      x       x      x     x    x    x     x     x     x
object       x      x       x      x     x    x    x     x     x     x
encrypted    x      x       x      x     +    -    -     -     x     x
erased       e      e       e      e     e    e    e     e     e     e
""",
    "matches": """
            null boolean integer float text date zoned local list object
create       #      #       #      #     .    .    .     .     #     #
missing      m      m       m      m     m    m    m     m     m     m
null         x      x       x      x     x    x    x     x     x     x
boolean      x      x       x      x     x    x    x     x     x     x
integer      x      x       x      x     x    x    x     x     x     x
float        x      x       x      x     x    x    x     x     x     x
text         x      x       x      x     +    -    -     -     x     x
date         x      x       x      x     -    +    -     -     x     x
zoned        x      x       x      x     -    +    -     -     x     x
local        x      x       x      x     -    +    -     +     x     x
list         x      x       x      x     x    x    x     x     x     x
object       x      x       x      x     x    x    x     x     x     x
encrypted    x      x       x      x     +    -    -     -     x     x
erased       e      e       e      e     e    e    e     e     e     e
""",
    "exists": """
            null boolean integer float text date zoned local list object
create       .      .       #      #     #    #    #     #     #     #
missing      m      m       m      m     m    m    m     m     m     m
null         n      n       n      n     n    n    n     n     n     n
boolean      +      +       +      +     +    +    +     +     +     +
integer      +      +       +      +     +    +    +     +     +     +
float        +      +       +      +     +    +    +     +     +     +
text         +      +       +      +     +    +    +     +     +     +
date         +      +       +      +     +    +    +     +     +     +
zoned        +      +       +      +     +    +    +     +     +     +
local        +      +       +      +     +    +    +     +     +     +
list         +      +       +      +     +    +    +     +     +     +
object       +      +       +      +     +    +    +     +     +     +
encrypted    +      +       +      +     +    +    +     +     +     +
erased       e      e       e      e     e    e    e     e     e     e
""",
    "not_exists": """
            null boolean integer float text date zoned local list object
create       .      .       #      #     #    #    #     #     #     #
missing      +      +       +      +     +    +    +     +     +     +
null         +      +       +      +     +    +    +     +     +     +
boolean      -      -       -      -     -    -    -     -     -     -
integer      -      -       -      -     -    -    -     -     -     -
float        -      -       -      -     -    -    -     -     -     -
text         -      -       -      -     -    -    -     -     -     -
date         -      -       -      -     -    -    -     -     -     -
zoned        -      -       -      -     -    -    -     -     -     -
local        -      -       -      -     -    -    -     -     -     -
list         -      -       -      -     -    -    -     -     -     -
object       -      -       -      -     -    -    -     -     -     -
encrypted    -      -       -      -     -    -    -     -     -     -
erased       +      +       +      +     +    +    +     +     +     +
""",
}
"""By operator."""

REASONS = {
    "-": (" does not hold", " is there"),
    "x": ("can't be compared", "can't be ordered", "can't be searched"),
    "m": ("is missing",),
    "e": ("was erased",),
    "n": ("is null",),
}
"""What the reason of each verdict says, in one of these words."""


def rows(operator: str) -> dict[str, dict[str, str]]:
    """The marks by row and column."""
    header, *lines = MATRIX[operator].strip().splitlines()
    cells = ((name, marks) for name, *marks in map(str.split, lines))
    return {name: dict(zip(header.split(), marks, strict=True)) for name, marks in cells}
