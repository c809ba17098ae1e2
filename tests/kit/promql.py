"""Reads PromQL as Prometheus would evaluate it: which labels a result has, and what can never match anything."""

from collections.abc import Callable, Iterator

import promql_parser as p

Labels = frozenset[str]
LabelsOf = Callable[[str], Labels]
"""The labels of a sample by its name; a LookupError where nobody exports it."""

PRESERVING = {"topk", "bottomk"}
SETS = {"and", "or", "unless"}


class Meaningless(Exception):
    """The query would run, and never find what it asks for."""


def labels_of(query: str, labels_of_sample: LabelsOf) -> Labels:
    """Of the query's result; raises Meaningless or LookupError."""
    return _labels(p.parse(query), labels_of_sample)


def selectors(query: str) -> list[p.VectorSelector]:
    found: list[p.VectorSelector] = []

    def visit(node: p.Expr) -> None:
        if isinstance(node, p.VectorSelector):
            found.append(node)

    p.walk(p.parse(query), visit)
    return found


def matched_values(query: str) -> Iterator[tuple[str, str]]:
    """Labels with the values that they are compared with; an alternation's one by one."""
    for selector in selectors(query):
        for matcher in selector.matchers.matchers:
            for value in str(matcher.value).split("|"):
                yield matcher.name, value


def _labels(node: p.Expr, known: LabelsOf) -> Labels:
    labels: Labels = frozenset()
    match node:
        case p.VectorSelector():
            labels = _selected(node, known)
        case p.MatrixSelector():
            labels = _selected(node.vector_selector, known)
        case p.SubqueryExpr() | p.ParenExpr() | p.UnaryExpr():
            labels = _labels(node.expr, known)
        case p.Call():
            labels = _called(node, known)
        case p.AggregateExpr():
            labels = _aggregated(node, known)
        case p.BinaryExpr():
            labels = _combined(node, known)
    return labels


def _selected(selector: p.VectorSelector, known: LabelsOf) -> Labels:
    labels = known(str(selector.name))
    matched = {matcher.name for matcher in selector.matchers.matchers}
    if matched - labels:
        raise Meaningless(f"{selector.name} has no label {', '.join(sorted(matched - labels))}")
    return labels


def _called(call: p.Call, known: LabelsOf) -> Labels:
    of_arguments = [_labels(argument, known) for argument in call.args if _is_vector(argument)]
    labels = of_arguments[0] if of_arguments else frozenset()
    if call.func.name != "histogram_quantile":
        return labels
    if "le" not in labels:
        raise Meaningless("histogram_quantile needs the label le")
    return labels - {"le"}


def _aggregated(aggregate: p.AggregateExpr, known: LabelsOf) -> Labels:
    inner = _labels(aggregate.expr, known)
    if str(aggregate.op) in PRESERVING:
        return inner
    if aggregate.modifier is None:
        return frozenset()
    asked = frozenset(aggregate.modifier.labels)
    if asked - inner:
        raise Meaningless(f"there is no label {', '.join(sorted(asked - inner))} to group by")
    return asked if aggregate.modifier.type == p.AggModifierType.By else inner - asked


def _combined(binary: p.BinaryExpr, known: LabelsOf) -> Labels:
    left, right = _labels(binary.lhs, known), _labels(binary.rhs, known)
    if not _is_vector(binary.lhs):
        return right
    if not _is_vector(binary.rhs):
        return left
    matching = binary.modifier.matching if binary.modifier else None
    if matching is None:
        if left != right:
            raise Meaningless(f"{sorted(left)} never match {sorted(right)}")
        return left
    on = frozenset(matching.labels)
    if on - left or on - right:
        raise Meaningless(f"{', '.join(sorted(on))} is not on both sides")
    return left if str(binary.op) in SETS else on


def _is_vector(node: p.Expr) -> bool:
    """As opposed to a number."""
    match node:
        case p.NumberLiteral() | p.StringLiteral():
            return False
        case p.Call():
            return node.func.name != "time"
        case p.ParenExpr() | p.UnaryExpr():
            return _is_vector(node.expr)
        case p.BinaryExpr():
            return _is_vector(node.lhs) or _is_vector(node.rhs)
    return True
