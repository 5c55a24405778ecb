"""The expressions and declarations of Bicep as values, for the part of the language that infra/ uses."""

from dataclasses import dataclass, field


class BicepError(Exception):
    """A file has something that this translator does not support; the message says where."""


@dataclass(frozen=True, slots=True)
class Name:
    """A parameter, variable, resource, module or loop variable."""

    name: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, `true`, `false` or `null`."""

    value: int | bool | None


@dataclass(frozen=True, slots=True)
class Text:
    """A string: plain pieces and the expressions between them."""

    pieces: tuple["str | Expression", ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A function, or a method of `of`."""

    name: str
    arguments: tuple["Expression", ...]
    of: "Expression | None" = None


@dataclass(frozen=True, slots=True)
class Access:
    """A property or an item of a value; `safe` returns null if there is none."""

    of: "Expression"
    key: "Expression"
    safe: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator with one or two operands."""

    operator: str
    operands: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """`condition ? yes : no`."""

    condition: "Expression"
    yes: "Expression"
    no: "Expression"


@dataclass(frozen=True, slots=True)
class Lambda:
    """`item => body`."""

    item: str
    body: "Expression"


@dataclass(frozen=True, slots=True)
class Record:
    """An object."""

    entries: tuple[tuple[Text, "Expression"], ...]

    def get(self, name: str) -> "Expression | None":
        """Return the value of a property with a plain name."""
        return next((value for key, value in self.entries if key.pieces == (name,)), None)


@dataclass(frozen=True, slots=True)
class Sequence:
    """An array."""

    items: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Loop:
    """`[for (item, index) in of: body]`."""

    item: str
    index: str | None
    of: "Expression"
    body: "Expression"


@dataclass(frozen=True, slots=True)
class Conditional:
    """`if (condition) body`, as a resource or a module may be declared."""

    condition: "Expression"
    body: "Expression"


Expression = (
    Name | Literal | Text | Call | Access | Operation | Choice | Lambda | Record | Sequence | Loop | Conditional
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """One statement. `kind` is its keyword; `type` is a type, or the resource type or file of a resource or module."""

    kind: str
    name: str
    type: str = ""
    value: Expression | None = None
    existing: bool = False
    decorators: tuple[Call, ...] = ()

    def decorator(self, name: str) -> Call | None:
        """Return a decorator by its name."""
        return next((one for one in self.decorators if one.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A Bicep file."""

    target: str = "resourceGroup"
    declarations: tuple[Declaration, ...] = field(default=())

    def of(self, kind: str) -> tuple[Declaration, ...]:
        """Return the declarations with one keyword, in the order of the file."""
        return tuple(one for one in self.declarations if one.kind == kind)
