"""Translates expressions into ARM expressions, or into JSON where a template allows plain values."""

from tools.infra import arm, symbols, syntax
from tools.infra.arm import Call, Item, Value
from tools.infra.symbols import Scope, Target
from tools.infra.syntax import Access, BicepError, Expression, Literal, Name, Record, Sequence, Text

Json = dict[str, "Json"] | list["Json"] | str | int | bool | None

_OPERATORS = {
    "??": "coalesce",
    "||": "or",
    "&&": "and",
    "==": "equals",
    "<": "less",
    "<=": "lessOrEquals",
    ">": "greater",
    ">=": "greaterOrEquals",
    "+": "add",
    "-": "sub",
    "*": "mul",
    "/": "div",
    "%": "mod",
    "!": "not",
}
_SINGLES: dict[object, str] = {True: "true", False: "false", None: "null"}


def json_of(expression: Expression, scope: Scope) -> Json:
    """Return the value in a template for an expression."""
    match expression:
        case Record(entries):
            return {_key(key, scope): json_of(value, scope) for key, value in entries}
        case Sequence(items):
            return [json_of(item, scope) for item in items]
        case Literal(value):
            return value
        case _:
            return plainly(value_of(expression, scope))


def plainly(value: Value) -> str:
    """Return a value as a string of a template: text unchanged, anything else as an expression."""
    if not isinstance(value, str):
        return arm.write(value)
    return f"[{value}" if value.startswith("[") else value


def value_of(expression: Expression, scope: Scope) -> Value:
    """Return an expression of ARM; raise `BicepError` if it is not supported."""
    match expression:
        case Name(name):
            return _name(name, scope)
        case Literal() | Text() | Record() | Sequence():
            return _constant(expression, scope)
        case syntax.Call():
            return _call(expression, scope)
        case Access():
            return _access(expression, scope)
        case syntax.Operation() | syntax.Choice():
            return _operation(expression, scope)
        case syntax.Lambda(item, body):
            return _lambda(item, body, scope)
        case _:
            raise BicepError(f"{type(expression).__name__} cannot stand here")


def name_of(target: Target, scope: Scope) -> Value:
    """Return the full name of a resource or a module: those of its parents and its own, with `/` between them."""
    segments = _segments(target, scope)
    return segments[0] if len(segments) == 1 else Call("format", (_slashed(len(segments)), *segments))


def id_of(target: Target, scope: Scope) -> Value:
    """Return the id of a resource in Azure Resource Manager."""
    kind, _ = symbols.resource_type(target.declaration)
    arguments = (kind, *_segments(target, scope))
    group = symbols.body(target.declaration).get("scope")
    if group is not None:
        return Call("resourceId", (*group_of(group, scope), *arguments))
    at_subscription = scope.file.target == "subscription"
    return Call("subscriptionResourceId" if at_subscription else "resourceId", arguments)


def group_of(group: Expression, scope: Scope) -> tuple[Value, ...]:
    """Return subscription and name of the resource group that `resourceGroup(...)` names."""
    if not isinstance(group, syntax.Call) or group.name != "resourceGroup" or len(group.arguments) != 2:
        raise BicepError("a scope should be resourceGroup(subscription, name)")
    return tuple(value_of(argument, scope) for argument in group.arguments)


def inside(target: Target, scope: Scope) -> Scope:
    """Return the scope within the body of a resource or a module, at the target's index of its loop."""
    loop = symbols.loop_of(target.declaration)
    if loop is None:
        return scope
    index = Call("copyIndex") if target.index is None else value_of(target.index, scope)
    return looped(loop, index, scope)


def looped(loop: syntax.Loop, index: Value, scope: Scope) -> Scope:
    """Return the scope within a loop."""
    names = {loop.item: Item(value_of(loop.of, scope), index)}
    return scope.bind({**names, loop.index: index} if loop.index else names)


def _segments(target: Target, scope: Scope) -> tuple[Value, ...]:
    inner, body = inside(target, scope), symbols.body(target.declaration)
    own, parent = body.get("name"), body.get("parent")
    if own is None:
        raise BicepError(f"{target.declaration.name} has no name")
    above = symbols.target(parent, inner) if parent is not None else None
    return (*(_segments(above, inner) if above else ()), value_of(own, inner))


def _slashed(count: int) -> str:
    return "/".join(f"{{{number}}}" for number in range(count))


def _key(key: Text, scope: Scope) -> str:
    if all(isinstance(piece, str) for piece in key.pieces):
        return "".join(map(str, key.pieces))
    return arm.write(value_of(key, scope))


def _constant(expression: Literal | Text | Record | Sequence, scope: Scope) -> Value:
    match expression:
        case Literal(value):
            return value if type(value) is int else Call(_SINGLES[value])
        case Text(pieces):
            return _format(pieces, scope)
        case Sequence(items):
            return Call("createArray", tuple(value_of(item, scope) for item in items))
        case Record(entries):
            return Call("createObject", tuple(value_of(one, scope) for entry in entries for one in entry))


def _format(pieces: tuple[str | Expression, ...], scope: Scope) -> Value:
    inserted = [piece for piece in pieces if not isinstance(piece, str)]
    if not inserted:
        return "".join(map(str, pieces))
    numbers = iter(range(len(inserted)))
    text = "".join(
        piece.replace("{", "{{").replace("}", "}}") if isinstance(piece, str) else f"{{{next(numbers)}}}"
        for piece in pieces
    )
    return Call("format", (text, *(value_of(piece, scope) for piece in inserted)))


def _name(name: str, scope: Scope) -> Value:
    if name in scope.bound:
        return scope.bound[name]
    declaration = scope.find(name)
    if declaration.kind not in ("param", "var"):
        raise BicepError(f"{name} is no value")
    return Call("parameters" if declaration.kind == "param" else "variables", (name,))


def _function(name: str, arguments: tuple[Expression, ...], scope: Scope) -> Value:
    return Call(name, tuple(value_of(argument, scope) for argument in arguments))


def _call(call: syntax.Call, scope: Scope) -> Value:
    if call.of is None:
        return _function(call.name, call.arguments, scope)
    target = symbols.target(call.of, scope)
    if target is None or not call.name.startswith("list") or call.arguments:
        raise BicepError(f"{call.name} is no method that is known")
    return Call(call.name, (id_of(target, scope), symbols.resource_type(target.declaration)[1]))


def _operation(operation: syntax.Operation | syntax.Choice, scope: Scope) -> Value:
    if isinstance(operation, syntax.Choice):
        return _function("if", (operation.condition, operation.yes, operation.no), scope)
    operator, operands = operation.operator, operation.operands
    if operator == "!=":
        return Call("not", (_function("equals", operands, scope),))
    if operator not in _OPERATORS or (operator == "-" and len(operands) == 1):
        raise BicepError(f"{operator} is not known")
    return _function(_OPERATORS[operator], operands, scope)


def _lambda(item: str, body: Expression, scope: Scope) -> Value:
    return Call("lambda", (item, value_of(body, scope.bind({item: Call("lambdaVariables", (item,))}))))


def _access(access: Access, scope: Scope) -> Value:
    target = symbols.target(access.of, scope)
    if target is not None:
        return _property(target, access, scope)
    if access.safe:
        return _function("tryGet", (access.of, access.key), scope)
    found = Item(value_of(access.of, scope), value_of(access.key, scope))
    return Item(found, "value") if _is_outputs(access.of, scope) else found


def _is_outputs(expression: Expression, scope: Scope) -> bool:
    if not isinstance(expression, Access) or expression.key != Text(("outputs",)):
        return False
    target = symbols.target(expression.of, scope)
    return target is not None and target.declaration.kind == "module"


def _property(target: Target, access: Access, scope: Scope) -> Value:
    name = json_of(access.key, scope)
    if name == "id":
        return id_of(target, scope)
    if name == "name":
        return _segments(target, scope)[-1]
    if name not in ("outputs", "properties"):
        raise BicepError(f"{target.declaration.name}.{name} is not known")
    found = Call("reference", _referred(target, scope))
    return Item(found, "outputs") if name == "outputs" else found


def _referred(target: Target, scope: Scope) -> tuple[Value, ...]:
    """Return the argument of `reference`: a symbol, or the id of an existing resource."""
    declaration = target.declaration
    if declaration.existing:
        return id_of(target, scope), symbols.resource_type(declaration)[1]
    if target.index is None:
        return (declaration.name,)
    return (Call("format", (f"{declaration.name}[{{0}}]", value_of(target.index, scope))),)
