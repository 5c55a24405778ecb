"""Reads a Bicep file into its declarations."""

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

from tools.infra.expressions import error, read, string, text_of
from tools.infra.syntax import BicepError, Call, Declaration, Expression, File, Text

_KINDS = {
    "parameter_declaration": "param",
    "variable_declaration": "var",
    "resource_declaration": "resource",
    "module_declaration": "module",
    "output_declaration": "output",
}
_SILENT = {"comment", "diagnostic_comment"}


def parse(text: str) -> File:
    """Return the declarations of a Bicep file; raise `BicepError` for errors and for unsupported syntax."""
    root = Parser(Language(tree_sitter_bicep.language())).parse(text.encode()).root_node
    if root.has_error:
        raise BicepError(f"line {_first_error(root).start_point.row + 1}: syntax error")
    target = "resourceGroup"
    declarations: list[Declaration] = []
    decorators: tuple[Call, ...] = ()
    for node in (child for child in root.named_children if child.type not in _SILENT):
        if node.type == "target_scope_assignment":
            target = plain(string(node.named_children[-1]))
        elif node.type == "decorators":
            decorators = tuple(_decorator(child) for child in node.named_children if child.type not in _SILENT)
        else:
            declarations.append(_declaration(node, decorators))
            decorators = ()
    return File(target=target, declarations=tuple(declarations))


def plain(text: Expression | None) -> str:
    """Return a string without interpolation."""
    if not isinstance(text, Text) or not all(isinstance(piece, str) for piece in text.pieces):
        raise BicepError(f"{text} should be a plain string")
    return "".join(str(piece) for piece in text.pieces)


def _first_error(node: Node) -> Node:
    """Return the smallest node with an error in it."""
    return next((_first_error(child) for child in node.children if child.has_error or child.is_missing), node)


def _decorator(node: Node) -> Call:
    call = read(node.named_children[0])
    if not isinstance(call, Call):
        raise error(node, "is no decorator")
    return call


def _declaration(node: Node, decorators: tuple[Call, ...]) -> Declaration:
    kind = _KINDS.get(node.type)
    if kind is None:
        raise error(node, f"is not understood: {node.type}")
    name, *rest = (child for child in node.named_children if child.type not in _SILENT)
    type_, rest = ("", rest) if kind == "var" else (_type(rest[0]), rest[1:])
    existing = any(child.type == "existing" for child in node.children)
    values = [child for child in rest if child.type != "existing"]
    return Declaration(
        kind=kind,
        name=text_of(name),
        type=type_,
        value=read(values[0]) if values else None,
        existing=existing,
        decorators=decorators,
    )


def _type(node: Node) -> str:
    return plain(string(node)) if node.type == "string" else text_of(node)
