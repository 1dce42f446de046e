"""Canonical forms of annotations and signatures, in which two spellings of a type compare equal."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

_LOWER = {"List": "list", "Dict": "dict", "Tuple": "tuple", "NoneType": "None"}
_UNCOMPARED = {"Callable", "Any", "F", "T", "C"}
"""Names of types that are not compared: too general, or spelled too differently."""
_ALIASES = {
    "RtcStatsMessage": {"RtcStats"},
    "LocalTrack": {"LocalAudioTrack", "LocalVideoTrack"},
    "RemoteTrack": {"RemoteAudioTrack", "RemoteVideoTrack"},
}
_REPR = re.compile(r"<(?:class '([\w.]+)'|(\w+\.\w+): [^>]*|factory)>")
"""Matches the text that `inspect` prints for classes, enum members and default factories."""


@dataclass(frozen=True)
class Parameter:
    """A parameter of a signature, with its default and annotation as source text."""

    name: str
    kind: str
    default: str | None
    annotation: str | None


def canonical(annotation: object) -> frozenset[str] | None:
    """Return the members of a union, or the one type; None if it is not compared."""
    if annotation is None or getattr(annotation, "__name__", "") == "_empty":
        return None
    text = annotation if isinstance(annotation, str) else _spell(annotation)
    try:
        members = _members(ast.parse(_plain(text), mode="eval").body)
    except SyntaxError:
        return None
    return None if members & _UNCOMPARED else members


def _spell(annotation: object) -> str:
    return (
        annotation.__name__
        if isinstance(annotation, type) and not hasattr(annotation, "__args__")
        else repr(annotation)
    )


def _plain(text: str) -> str:
    text = _REPR.sub(lambda match: match[1] or match[2] or "...", text)
    text = re.sub(r"= (?=[,)])", "= ...", text)  # the default is a protobuf message without fields, whose repr is empty
    return re.sub(r"ForwardRef\(('[^']*')\)", r"\1", text)


def _members(node: ast.expr) -> frozenset[str]:
    match node:
        case ast.Constant(value=str() as text):
            return _members(ast.parse(_plain(text), mode="eval").body)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _members(left) | _members(right)
        case ast.Subscript(value=value, slice=slice_):
            return _subscript(_name(value), slice_.elts if isinstance(slice_, ast.Tuple) else [slice_])
        case _:
            name = _name(node)
            return frozenset(_ALIASES.get(name, {name}))


def _subscript(name: str, arguments: list[ast.expr]) -> frozenset[str]:
    if name == "Optional":
        return _members(arguments[0]) | {"None"}
    if name == "Union":
        return frozenset[str]().union(*map(_members, arguments))
    if name == "Callable":
        return frozenset({name})
    return frozenset({f"{name}[{', '.join(' | '.join(sorted(_members(argument))) for argument in arguments)}]"})


def _name(node: ast.expr) -> str:
    """Return the last part of a dotted name; `int` for the values of a protobuf enum."""
    if isinstance(node, ast.Attribute):
        return "int" if node.attr in ("ValueType", "V") else _LOWER.get(node.attr, node.attr)
    if isinstance(node, ast.Name):
        return _LOWER.get(node.id, node.id)
    return ast.unparse(node)


def value(text: str) -> str | None:
    """Return the canonical text of a default; None if it is not compared."""
    text = _plain(text)
    return None if text == "..." else "[]" if text == "()" else text


def parse_signature(text: str) -> tuple[list[Parameter], str | None]:
    """Return the parameters and the return type of a signature as `inspect` prints it."""
    parameters, _, returns = _plain(text).rpartition(" -> ") if " -> " in text else (_plain(text), "", "")
    function = ast.parse(f"def f{parameters}: ...").body[0]
    assert isinstance(function, ast.FunctionDef)
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(positional) - len(arguments.defaults)) + arguments.defaults
    parsed = [_parameter(a, "POSITIONAL_OR_KEYWORD", d) for a, d in zip(positional, defaults, strict=True)]
    if arguments.vararg:
        parsed.append(_parameter(arguments.vararg, "VAR_POSITIONAL", None))
    pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    parsed += [_parameter(argument, "KEYWORD_ONLY", default) for argument, default in pairs]
    if arguments.kwarg:
        parsed.append(_parameter(arguments.kwarg, "VAR_KEYWORD", None))
    return parsed, returns or None


def _parameter(argument: ast.arg, kind: str, default: ast.expr | None) -> Parameter:
    annotation = ast.unparse(argument.annotation) if argument.annotation else None
    return Parameter(argument.arg, kind, None if default is None else ast.unparse(default), annotation)
