"""YAML from strangers: plain values only, no file too large, nothing said twice."""

from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from convscope.errors import ModelError

MOST_BYTES = 32_768
DEEPEST = 32  # values inside values


class _Refused(Exception):
    """Something that YAML allows and a description of layers does not need."""


class _Plain(yaml.SafeLoader):
    """PyYAML's safe loader without anchors, aliases and tags, and without two values under one key."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        line = f"line {event.start_mark.line + 1}"
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise _Refused(f"{line}: anchors and aliases (& and *) are not read here; write the values out")
        if getattr(event, "tag", None) is not None:
            raise _Refused(f"{line}: tags (!) are not read here; write plain names and numbers")
        self.depth += 1
        if self.depth > DEEPEST:
            raise _Refused(f"{line}: nested more than {DEEPEST} deep; a few levels are enough here")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        for key in (key for key, times in keys.items() if times > 1):
            line = node.start_mark.line + 1
            raise _Refused(f"line {line}: {shown(key)} stands there twice; leave one of them out")
        return super().construct_mapping(node, deep)


def read(file: Path, title: str) -> Any:  # noqa: ANN401 (whatever a YAML file holds)
    """What a small YAML file holds.

    Args:
        file: to read.
        title: what messages call it.

    Raises:
        ModelError: it is not there, too large, not YAML, or holds more than plain values.
    """
    try:
        if not file.is_file():
            raise ModelError(f"{title}: no such file; expected a text file in YAML")
        with file.open("rb") as stream:
            raw = stream.read(MOST_BYTES + 1)
        if len(raw) > MOST_BYTES:
            raise ModelError(f"{title}: larger than {MOST_BYTES // 1024} KB, too large for what is read here")
        return yaml.load(raw.decode("utf-8-sig"), _Plain)  # noqa: S506 (a safe loader, made safer)
    except _Refused as error:
        raise ModelError(f"{title}: {error}") from None
    except OSError as error:
        raise ModelError(f"{title}: cannot be read ({error.strerror or error})") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise ModelError(f"{title}: {where}not YAML ({error.problem})") from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # no UTF-8, dates and numbers that cannot be
        reason = str(error).partition("\n")[0]
        raise ModelError(f"{title}: not YAML that can be used ({reason[:100]})") from None


def shown(value: object) -> str:
    """A value from a file, short and in one line, however large it is.

    >>> shown("same"), shown(3), shown([1, 2]), shown(10**9999), shown(None)
    ("'same'", '3', 'a list', 'a huge number', 'nothing')
    """
    if value is None or isinstance(value, (list, tuple, dict)):
        return "nothing" if value is None else "a mapping" if isinstance(value, dict) else "a list"
    if isinstance(value, int) and value.bit_length() > 64:
        return "a huge number"
    text = repr(value) if isinstance(value, (str, int, float)) else f"a {type(value).__name__}"
    return text if len(text) <= 60 else text[:57] + "…'"
