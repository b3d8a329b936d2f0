"""Which route a request is for."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.emulator.http_api.routes import Router, is_catch_all
from tests.gatepost.emulator.http_api.conftest import http_api, rest_api, rest_route, route

DOCUMENTED = http_api(
    *map(
        route,
        (
            "GET /pets/dog/1",
            "GET /pets/dog/{id}",
            "GET /pets/{proxy+}",
            "ANY /{proxy+}",
            "$default",
        ),
    )
)


def found(router: Router, method: str, path: str) -> str | None:
    """The route that is found, as its key."""
    matched = router.match(method, path)
    return f"{matched.route.method} {matched.route.path}" if matched else None


@pytest.mark.parametrize(
    ("method", "path", "key"),
    [
        ("GET", "/pets/dog/1", "GET /pets/dog/1"),
        ("GET", "/pets/dog/2", "GET /pets/dog/{id}"),
        ("GET", "/pets/cat", "GET /pets/{proxy+}"),
        ("POST", "/test/5", "ANY /{proxy+}"),
        ("POST", "/pets/dog/1", "ANY /{proxy+}"),
        ("GET", "/", "ANY $default"),
    ],
)
def test_the_most_specific_route_wins_as_the_guide_shows(method: str, path: str, key: str) -> None:
    """The example of "Create routes for HTTP APIs", and what follows from it."""
    assert found(Router(DOCUMENTED), method, path) == key


def test_a_method_of_its_own_comes_before_any() -> None:
    """ANY takes the methods that the path has no route for."""
    router = Router(http_api(route("ANY /a"), route("GET /a")))
    assert found(router, "GET", "/a") == "GET /a"
    assert found(router, "PUT", "/a") == "ANY /a"


def test_variables_of_an_http_api_are_decoded() -> None:
    """Name and value, also of a greedy one and with names that are no identifiers."""
    matched = Router(http_api(route("GET /a/{pet-id}/{rest+}"))).match("GET", "/a/x%20y/b/c%C3%BC")
    assert matched is not None
    assert matched.path_parameters == {"pet-id": "x y", "rest": "b/cü"}


def test_variables_of_a_rest_api_stay_encoded() -> None:
    """As recorded: `/posts/%40` gives `%40`."""
    matched = Router(rest_api(rest_route("GET /posts/{id}"))).match("GET", "/posts/%40")
    assert matched is not None
    assert matched.path_parameters == {"id": "%40"}


def test_a_variable_takes_one_segment_that_is_not_empty() -> None:
    """A greedy one takes at least one character."""
    router = Router(http_api(route("GET /a/{id}"), route("GET /b/{rest+}")))
    assert [found(router, "GET", path) for path in ("/a/", "/a/b/c", "/b", "/b/")] == [None] * 4


def test_guess_a_slash_at_the_end_matters_to_http_apis_only() -> None:
    """REST APIs ignore one."""
    assert Router(http_api(route("GET /a"))).match("GET", "/a/") is None
    assert Router(rest_api(rest_route("GET /a"))).match("GET", "/a/") is not None
    assert Router(rest_api(rest_route("GET /"))).match("GET", "/") is not None


def test_guess_a_rest_api_looks_for_the_resource_before_the_method() -> None:
    """A method that the resource lacks is not looked for in `{proxy+}`; an HTTP API does that."""
    keys = ("GET /a", "ANY /{proxy+}")
    assert found(Router(rest_api(*map(rest_route, keys))), "POST", "/a") is None
    assert found(Router(http_api(*map(route, keys))), "POST", "/a") == "ANY /{proxy+}"


def test_signs_of_expressions_in_a_path_mean_themselves() -> None:
    """A path is no regular expression."""
    router = Router(http_api(route("GET /a.b")))
    assert router.match("GET", "/axb") is None
    assert router.match("GET", "/a.b") is not None


@pytest.mark.parametrize(
    ("key", "all_of_it"),
    [("$default", True), ("ANY /{proxy+}", True), ("ANY /a/{proxy+}", False), ("GET /", False)],
)
def test_catch_alls_are_known(key: str, all_of_it: bool) -> None:  # noqa: FBT001 - a table
    """They leave existing pages alone."""
    assert is_catch_all(route(key)) is all_of_it


@given(st.lists(st.text(min_size=1), min_size=1, max_size=4))
def test_whatever_a_client_writes_into_a_segment_reaches_its_variable(segments: list[str]) -> None:
    """Encoded as a client must, decoded as HTTP APIs do; a slash can't be encoded for them."""
    segments = [segment.replace("/", "_") for segment in segments]
    path = "/" + "/".join(quote(segment, safe="") for segment in segments)
    names = [f"v{number}" for number in range(len(segments))]
    api = http_api(route("GET /" + "/".join(f"{{{name}}}" for name in names)))
    matched = Router(api).match("GET", path)
    assert matched is not None
    assert list(matched.path_parameters.values()) == segments


@given(st.text(), st.sampled_from(["GET", "POST", "X"]))
def test_a_default_route_leaves_nothing_unmatched(path: str, method: str) -> None:
    """Whatever the path."""
    assert Router(DOCUMENTED).match(method, f"/{path}") is not None
