"""The meaning of the names in a Bicep file, and their form in a template."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace

from tools.infra import arm, syntax
from tools.infra.syntax import Access, BicepError, Declaration, Expression, Literal, Name, Record, Text


@dataclass(frozen=True, slots=True)
class Scope:
    """The names that an expression may use: those of its file, and those that loops and lambdas around it bind."""

    file: syntax.File
    bound: Mapping[str, arm.Value] = field(default_factory=dict)

    def bind(self, names: Mapping[str, arm.Value]) -> "Scope":
        """Return a scope with more names bound."""
        return replace(self, bound={**self.bound, **names})

    def find(self, name: str) -> Declaration:
        """Return the declaration of a name; raise `BicepError` if it is not declared."""
        for declaration in self.file.declarations:
            if declaration.name == name:
                return declaration
        raise BicepError(f"{name} is not declared")


@dataclass(frozen=True, slots=True)
class Target:
    """A resource or a module; in a loop, the one at `index`."""

    declaration: Declaration
    index: Expression | None = None


def target(expression: Expression, scope: Scope) -> Target | None:
    """Return the resource or module that an expression names, None if it is something else."""
    index: Expression | None = None
    if isinstance(expression, Access) and isinstance(expression.of, Name):
        index, expression = expression.key, expression.of
    if not isinstance(expression, Name) or expression.name in scope.bound:
        return None
    declaration = scope.find(expression.name)
    is_target = declaration.kind in ("resource", "module") and (index is None or loop_of(declaration) is not None)
    return Target(declaration, index) if is_target else None


def body(declaration: Declaration) -> Record:
    """Return the body of a resource or a module, without its loop and its condition."""
    inner = declaration.value
    if isinstance(inner, syntax.Loop):
        inner = inner.body
    if isinstance(inner, syntax.Conditional):
        inner = inner.body
    if not isinstance(inner, Record):
        raise BicepError(f"{declaration.name} has no body")
    return inner


def loop_of(declaration: Declaration) -> syntax.Loop | None:
    """Return the loop that declares a resource, a module or an output several times."""
    return declaration.value if isinstance(declaration.value, syntax.Loop) else None


def condition_of(declaration: Declaration) -> Expression | None:
    """Return the condition of a resource or a module."""
    inner = declaration.value.body if isinstance(declaration.value, syntax.Loop) else declaration.value
    return inner.condition if isinstance(inner, syntax.Conditional) else None


def resource_type(declaration: Declaration) -> tuple[str, str]:
    """Return the type and the API version of a resource."""
    kind, _, version = declaration.type.partition("@")
    return kind, version


def dependencies(declaration: Declaration, scope: Scope) -> list[str]:
    """Return the names of the resources and modules that must be deployed before."""
    found = dict.fromkeys(_deployed(declaration.value, scope))
    return sorted(name for name in found if name != declaration.name)


def _deployed(node: object, scope: Scope) -> Iterator[str]:
    """Yield the dependencies of an expression, also through variables and existing resources."""
    if isinstance(node, Name):
        yield from _behind(node.name, scope)
    elif isinstance(node, tuple):
        for item in node:
            yield from _deployed(item, scope)
    elif is_dataclass(node) and not isinstance(node, Literal | Text):
        for one in fields(node):
            yield from _deployed(getattr(node, one.name), scope)
    elif isinstance(node, Text):
        yield from _deployed(node.pieces, scope)


def _behind(name: str, scope: Scope) -> Iterator[str]:
    declaration = next((one for one in scope.file.declarations if one.name == name), None)
    if declaration is None or declaration.kind in ("param", "output"):
        return
    if declaration.kind == "var" or declaration.existing:
        yield from _deployed(declaration.value, scope)
    else:
        yield name
