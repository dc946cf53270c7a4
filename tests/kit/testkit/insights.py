"""CloudWatch Logs Insights in small: the commands and functions of the saved queries, on lines of a log."""

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

type Row = dict[str, Any]

_CALL = re.compile(r"(\w+)\(((?:[^()]|\([^()]*\))*)\)")


def run(query: str, lines: Iterable[str]) -> list[Row]:
    """The rows of the query's result. Lines that are no JSON have no fields, as in a log with other lines."""
    rows = [_flat(json.loads(line)) for line in lines if line.startswith("{")]
    for command in query.split("\n|"):
        name, _, rest = " ".join(command.split()).partition(" ")
        rows = _COMMANDS[name](rest, rows)
    return rows


def percentile(values: Sequence[float], percent: float) -> float:
    """The value by nearest rank."""
    return sorted(values)[max(0, math.ceil(percent / 100 * len(values)) - 1)]


def _filter(text: str, rows: list[Row]) -> list[Row]:
    conditions = [part.strip() for part in text.split(" and ")]
    return [row for row in rows if all(_holds(condition, row) for condition in conditions)]


def _holds(condition: str, row: Row) -> bool:
    if found := re.fullmatch(r"(not )?ispresent\(([\w.]+)\)", condition):
        return (row.get(found[2]) is not None) is not bool(found[1])
    if found := re.fullmatch(r"(\w+) not in (\[.*\])", condition):
        return row.get(found[1]) not in json.loads(found[2])
    found = re.fullmatch(r'(\w+) (=|>) (".*"|\d+)', condition)
    assert found, f"a condition that is not known: {condition}"
    value, wanted = row.get(found[1]), json.loads(found[3])
    return value == wanted if found[2] == "=" else value is not None and value > wanted


def _stats(text: str, rows: list[Row]) -> list[Row]:
    columns, _, by = text.rpartition(" by ")
    groups: dict[tuple[object, ...], list[Row]] = {}
    keys = [_named(key) for key in _split(by)]
    for row in rows:
        groups.setdefault(tuple(_key(expression, row) for expression, _ in keys), []).append(row)
    made = [_named(column) for column in _split(columns)]
    return [
        {name: value for (_, name), value in zip(keys, key, strict=True)}
        | {name: _aggregated(expression, group) for expression, name in made}
        for key, group in groups.items()
    ]


def _key(expression: str, row: Row) -> object:
    return row["timestamp"][:13] if expression == "bin(1h)" else row.get(expression)


def _aggregated(expression: str, rows: list[Row]) -> Any:
    whole = _CALL.fullmatch(expression)
    if whole:
        return _of_rows(whole[1], whole[2], rows)
    numbers = _CALL.sub(lambda call: repr(_of_rows(call[1], call[2], rows)), expression)
    return eval(numbers, {"__builtins__": {}})


def _of_rows(function: str, argument: str, rows: list[Row]) -> Any:
    if argument == "*":
        return len(rows)
    field, *more = [part.strip() for part in argument.split(",")]
    field, _, divisor = field.partition(" / ")
    values = [row[field] for row in rows if row.get(field) is not None]
    values = [value / int(divisor) for value in values] if divisor else values
    if function == "pct":
        return percentile(values, float(more[0])) if values else None
    reduced: Mapping[str, Callable[[list[Any]], Any]] = {
        "count": len,
        "sum": sum,
        "latest": lambda found: found[-1] if found else None,
        "sortsLast": lambda found: max(found, default=None),
    }
    return reduced[function](values)


def _fields(text: str, rows: list[Row]) -> list[Row]:
    names = [name.removeprefix("@") for name in _split(text)]
    return [{name: row.get(name) for name in names} for row in rows]


def _sort(text: str, rows: list[Row]) -> list[Row]:
    name, order = text.removeprefix("@").split(" ")
    return sorted(rows, key=lambda row: row[name], reverse=order == "desc")


_COMMANDS: Mapping[str, Callable[[str, list[Row]], list[Row]]] = {
    "filter": _filter,
    "stats": _stats,
    "fields": _fields,
    "sort": _sort,
    "limit": lambda text, rows: rows[: int(text)],
}


def _named(column: str) -> tuple[str, str]:
    expression, _, name = column.partition(" as ")
    return expression.strip(), (name or expression).strip()


def _split(text: str) -> list[str]:
    """The parts between commas that are not within parentheses."""
    return [part.strip() for part in re.split(r",(?![^(]*\))", text)]


def _flat(event: Mapping[str, Any]) -> Row:
    """The fields as Logs Insights finds them: list elements by their place, true as 1 and false as 0."""
    row: Row = {}
    for name, value in event.items():
        if isinstance(value, list):
            row |= {f"{name}.{place}": each for place, each in enumerate(value)}
        else:
            row[name] = int(value) if isinstance(value, bool) else value
    return row
