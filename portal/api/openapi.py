"""The description of the interface for programs: OpenAPI 3.1, made from the table of routes.

No route is described by hand: paths, forms and statuses are those that are served, and texts are
the docstrings of what answers and of the forms.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

import orjson
from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from portal.api import problems
from portal.api.form_schemas import FormSchemas, described_by
from portal.api.models.fields import PATH_PARTS, Time
from portal.api.models.problem import Problem
from portal.api.request import Form
from portal.api.route import Route
from portal.api.sending import AS_OF, JSON, PROBLEM

PATH: Final = "/v1/openapi.json"
"""Where it is served."""

Json = dict[str, Any]

_REF: Final = "#/components/schemas/{model}"
_KEY: Final = "key"
_TEXT: Final[Json] = {"type": "string"}
_NUMBER: Final[Json] = {"type": "string", "pattern": "^[0-9]+$"}
_HEADERS: Final[Mapping[str, Json]] = {
    "ETag": {
        "description": "The state of the answer: send it as `If-None-Match` the next time.",
        "required": True,
        "schema": {"type": "string", "pattern": '^"[0-9a-f]+"$'},
    },
    "As-Of": {
        "description": "`as_of` of the answer, also of one that has not changed.",
        "schema": TypeAdapter(Time).json_schema(),
    },
    "RateLimit-Policy": {
        "description": "How many requests the key has in a minute: `q`, in `w` seconds.",
        "required": True,
        "schema": {"type": "string", "examples": ['"rpm";q=120;w=60']},
    },
    "RateLimit": {
        "description": "How many are left, `r`, and in how many seconds all are there again, `t`.",
        "required": True,
        "schema": {"type": "string", "examples": ['"rpm";r=117;t=2']},
    },
    "Retry-After": {
        "description": "In how many seconds it is worth asking again.",
        "required": True,
        "schema": _NUMBER,
    },
    "WWW-Authenticate": {
        "description": "How a key is shown.",
        "required": True,
        "schema": _TEXT,
    },
}
_OF_KEYS: Final = ("RateLimit-Policy", "RateLimit")
_OF_REFUSALS: Final[Mapping[HTTPStatus, tuple[str, ...]]] = {
    HTTPStatus.UNAUTHORIZED: ("WWW-Authenticate",),
    HTTPStatus.TOO_MANY_REQUESTS: ("Retry-After",),  # guessers have no limits of a key
    HTTPStatus.SERVICE_UNAVAILABLE: ("Retry-After",),
}
_ABOUT: Final = (
    "Balances, what they are made of, and keys. Each answer about money says how fresh it is:"
    " `as_of` and `waiting_for`. Amounts are decimals of US dollars in text, times are in UTC."
    " Every request shows a key: `Authorization: Bearer oc_live_...`. Before a key is looked at, a"
    " request that is too large (413, 431) or no HTTP (400) is refused in plain text."
)


def document(routes: Iterable[Route]) -> Json:
    """The document, as OpenAPI 3.1 has it.

    Args:
        routes: the table of routes.
    """
    routes = list(routes)
    refs, schemas = _schemas(routes)
    paths: dict[str, Json] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, refs)
    return {
        "openapi": "3.1.0",
        "info": {"title": "gitmeter portal", "version": "1", "description": _ABOUT},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "headers": dict(_HEADERS),
            "securitySchemes": {
                _KEY: {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A key of an account. Each route states the scope it asks for.",
                }
            },
        },
    }


def described(routes: Iterable[Route]) -> bytes:
    """The document as it is served."""
    return orjson.dumps(document(routes)) + b"\n"


Refs = Callable[[type[Form], JsonSchemaMode], Json]
"""Refers to a form as it is sent or answered."""


def _schemas(routes: list[Route]) -> tuple[Refs, Json]:
    """References to the forms that are sent as JSON, and the schemas that they lead to."""
    wanted: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {(Problem, "serialization"): None}
    for route in routes:
        if route.body is not None:
            wanted[route.body, "validation"] = None
        if route.model is not None:
            wanted[route.model, "serialization"] = None
    refs, found = models_json_schema([*wanted], ref_template=_REF, schema_generator=FormSchemas)
    return (lambda form, mode: refs[form, mode]), found["$defs"]


def _operation(route: Route, refs: Refs) -> Json:
    made: Json = {
        "operationId": _name(route),
        "summary": route.summary,
        "description": "\n\n".join(filter(None, (described_by(route.answer), _rights(route)))),
        "security": [{_KEY: [route.scope] if route.scope else []}],
        "parameters": [*_path_parts(route), *_query(route), *_known(route)],
    }
    if route.body is not None:
        made["requestBody"] = {
            "required": any(each.is_required() for each in route.body.model_fields.values()),
            "content": {JSON: {"schema": refs(route.body, "validation")}},
        }
    made["responses"] = dict([*_good(route, refs), *_refusals(route, refs)])
    return made


def _rights(route: Route) -> str:
    """Who may ask."""
    scope = f"Scope: `{route.scope}`." if route.scope else ""
    roles = f"Of staff alone: {', '.join(sorted(route.roles))}." if route.roles else ""
    return " ".join(filter(None, (scope, roles)))


def _name(route: Route) -> str:
    """A name for programs that are made from the document: `getAccountsUserAllowed`."""
    words = re.findall(r"[a-z]+", route.path.removeprefix("/v1"))
    return route.method.lower() + "".join(word.capitalize() for word in words)


def _path_parts(route: Route) -> Iterator[Json]:
    for name in re.findall(r"{(\w+)}", route.path):
        yield _parameter(name, "path", TypeAdapter(PATH_PARTS[name]).json_schema(), is_needed=True)


def _query(route: Route) -> Iterator[Json]:
    form = route.query.model_json_schema(schema_generator=FormSchemas)
    for name, schema in form["properties"].items():
        yield _parameter(name, "query", schema, is_needed=name in form.get("required", ()))


def _known(route: Route) -> Iterator[Json]:
    if _is_kept(route):
        schema = {**_TEXT, "description": "The `ETag` of the answer that the client has."}
        yield _parameter("If-None-Match", "header", schema, is_needed=False)


def _parameter(name: str, place: str, schema: Json, *, is_needed: bool) -> Json:
    stated = {key: value for key, value in schema.items() if key != "description"}
    said = {"description": schema["description"]} if "description" in schema else {}
    return {"name": name, "in": place, "required": is_needed, **said, "schema": stated}


def _is_kept(route: Route) -> bool:
    """Whether clients may keep an answer, and ask whether it has changed."""
    return route.is_kept and not route.writes and route.model is not None


def _good(route: Route, refs: Refs) -> Iterator[tuple[str, Json]]:
    headers = [*_OF_KEYS]
    if _is_kept(route):
        headers.append("ETag")
        if route.model is not None and AS_OF in route.model.model_fields:
            headers.append("As-Of")
    made: Json = {"description": route.summary + ".", "headers": _header_refs(headers)}
    if route.model is not None:
        made["content"] = {JSON: {"schema": refs(route.model, "serialization")}}
    yield str(route.status.value), made
    if _is_kept(route):
        unchanged = {"description": "Nothing has changed.", "headers": _header_refs(headers)}
        yield str(HTTPStatus.NOT_MODIFIED.value), unchanged


def _refusals(route: Route, refs: Refs) -> Iterator[tuple[str, Json]]:
    kinds: dict[HTTPStatus, list[str]] = {}
    for problem in _usual(route):
        kinds.setdefault(problem.status, []).append(problem.name)
    for status, names in route.problems.items():
        kinds.setdefault(status, []).append(names)
    for status, named in sorted(kinds.items()):
        made: Json = {"description": f"Problem: {'; '.join(dict.fromkeys(named))}."}
        if headers := _OF_REFUSALS.get(status, ()):
            made["headers"] = _header_refs(headers)
        made["content"] = {PROBLEM: {"schema": refs(Problem, "serialization")}}
        yield str(status.value), made


def _usual(route: Route) -> Iterator[problems.ProblemError]:
    """Refusals that follow from what a row of the table says."""
    yield problems.unauthorized()
    if route.scope:
        yield problems.forbidden(route.scope)
    if route.settles:
        yield problems.suspended()
    if route.needs_recent:
        yield problems.too_old()
    if "{" in route.path or route.roles:
        yield problems.not_found()
    if route.body is not None:
        yield problems.unsupported_type()
    yield problems.invalid()
    yield problems.too_many(0)
    yield problems.not_now("")


def _header_refs(names: Iterable[str]) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
