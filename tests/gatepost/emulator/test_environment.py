"""What functions find in their environment locally."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.emulator.environment import (
    MANAGEMENT,
    Endpoints,
    choose_node,
    choose_python,
    notices_of_api_ids,
    read_env_file,
    with_local_environment,
    write_ca_bundle,
)
from gatepost.emulator.errors import UserError
from gatepost.gateway.core.deployment import (
    Deployment,
    DomainMapping,
    Function,
    HttpApi,
    LambdaProxy,
    Route,
    WebSocketApi,
)

ENDPOINTS = Endpoints(
    gateway="127.0.0.1:1",
    dynamodb="http://127.0.0.1:2",
    functions="http://127.0.0.1:3",
)


def environment_of(template: dict[str, str], env_file: dict[str, str]) -> dict[str, str]:
    """The final environment of a function with the template's."""
    function = Function("f", "f.handler", "python3.13", Path(), environment=template)
    api = WebSocketApi("abcdefghi0", "s", "dev", {})
    deployment = Deployment("s", "dev", "eu-west-1", "1" * 12, Path(), (api,), {"f": function})
    completed = with_local_environment(
        deployment, endpoints=ENDPOINTS, ca_bundle=Path("/ca.pem"), env_file=env_file
    )
    return completed["f"].environment


def test_endpoints_of_this_run_win_over_template_and_file() -> None:
    """A handler reaches the local gateway, whatever endpoint the deployment would set."""
    name = "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI"
    assert environment_of({name: "https://real"}, {name: "https://other"})[name] == (
        "http://127.0.0.1:1/dev"
    )


def test_without_default_endpoint_callbacks_go_to_the_custom_domain() -> None:
    """B-327: anywhere else they would be refused."""
    api = WebSocketApi("chat", "s", "dev", {}, default_endpoint=False)
    function = Function("f", "f.handler", "python3.13", Path())
    deployment = Deployment(
        "s", "dev", "eu-west-1", "1" * 12, Path(), (api,), {"f": function},
        domains=(DomainMapping("ws.example.test", "chat", "dev"),),
    )  # fmt: skip
    found = with_local_environment(
        deployment, endpoints=ENDPOINTS, ca_bundle=Path("/ca.pem"), env_file={}
    )
    assert found["f"].environment[MANAGEMENT] == "http://ws.example.test:1"


def test_functions_invoke_each_other_here() -> None:
    """Whatever else a DynamoDB endpoint or moto serves."""
    assert environment_of({}, {})["AWS_ENDPOINT_URL_LAMBDA"] == ENDPOINTS.functions


@pytest.mark.parametrize(
    ("on_aws", "here"),
    [
        ("https://abcdefghi0.execute-api.eu-west-1.amazonaws.com/dev", "http://127.0.0.1:1/dev"),
        ("https://abcdefghi0.execute-api.eu-west-1.amazonaws.com", "http://127.0.0.1:1"),
        ("wss://abcdefghi0.execute-api.eu-west-1.amazonaws.com", "ws://127.0.0.1:1"),
        ("https://abcdefghi0.execute-api.eu-west-1.amazonaws.com/x", "http://127.0.0.1:1/x"),
        ("abcdefghi0.execute-api.eu-west-1.amazonaws.com/dev", "127.0.0.1:1/dev"),
        ("wss://abcdefghi0.execute-api.eu-west-1.amazonaws.com/dev", "ws://127.0.0.1:1/dev"),
        ("https://zzzzzzzzz9.execute-api.eu-west-1.amazonaws.com/dev", None),
    ],
)
def test_the_apis_address_on_aws_becomes_the_local_one(on_aws: str, here: str | None) -> None:
    """A project that builds its endpoint in the template stays here; another's API is left."""
    assert environment_of({"CALLBACK": on_aws}, {})["CALLBACK"] == (here or on_aws)


def test_each_function_posts_to_the_api_that_uses_it() -> None:
    """Two APIs of one stage: each has its own endpoint, and its own address in place of AWS's."""
    apis = tuple(
        WebSocketApi(api_id, api_id, "dev", {"x": Route("x", LambdaProxy(api_id))})
        for api_id in ("chat", "news")
    )
    on_aws = "https://news.execute-api.eu-west-1.amazonaws.com/dev"
    functions = {
        name: Function(name, "f.handler", "python3.13", Path(), environment={"NEWS": on_aws})
        for name in ("chat", "news", "worker")
    }
    found = with_local_environment(
        Deployment("s", "dev", "eu-west-1", "1" * 12, Path(), apis, functions),
        endpoints=Endpoints("127.0.0.1:1", "http://127.0.0.1:2"),
        ca_bundle=Path("/ca.pem"),
        env_file={},
    )
    chat, news = "http://127.0.0.1:1/chat/dev", "http://127.0.0.1:1/news/dev"
    assert {name: one.environment[MANAGEMENT] for name, one in found.items()} == {
        "chat": chat,
        "news": news,
        "worker": chat,
    }
    assert {one.environment["NEWS"] for one in found.values()} == {news}


@pytest.mark.parametrize(
    ("on_aws", "here"),
    [
        ("https://http000000.execute-api.eu-west-1.amazonaws.com", "http://127.0.0.1:3"),
        ("https://http000000.execute-api.eu-west-1.amazonaws.com/a/b", "http://127.0.0.1:3/a/b"),
        ("https://rest000000.execute-api.eu-west-1.amazonaws.com/dev/", "http://127.0.0.1:3/dev/"),
    ],
)
def test_an_http_apis_address_on_aws_becomes_that_of_the_http_port(on_aws: str, here: str) -> None:
    """A function that calls the project's own HTTP API stays on this machine."""
    function = Function("f", "f.handler", "python3.13", Path(), environment={"API": on_aws})
    deployment = Deployment(
        "s",
        "dev",
        "eu-west-1",
        "1" * 12,
        Path(),
        (WebSocketApi("abcdefghi0", "s", "dev", {}),),
        {"f": function},
        http_apis=(
            HttpApi("http000000", "h", "$default", "http", ()),
            HttpApi("rest000000", "r", "dev", "rest", ()),
        ),
    )
    completed = with_local_environment(
        deployment, endpoints=ENDPOINTS, ca_bundle=Path("/ca.pem"), env_file={}
    )
    assert completed["f"].environment["API"] == here


def test_an_api_s_id_alone_is_told_of() -> None:
    """An address built of it leads to AWS; another value, or one set from outside, is fine."""
    api = WebSocketApi("abcdefghi0", "s", "dev", {})
    variables = {"API_ID": "abcdefghi0", "OTHER": "abcdefghi1", "GIVEN": "abcdefghi0"}
    function = Function("f", "f.handler", "python3.13", Path(), environment=variables)
    deployment = Deployment("s", "dev", "eu-west-1", "1" * 12, Path(), (api,), {"f": function})
    (notice,) = notices_of_api_ids(deployment, {"GIVEN": "x"})
    assert notice.startswith("API_ID of f is an API's id: an address that code builds of it is on")


def test_the_environment_file_wins_over_the_template() -> None:
    """That is what the file is for."""
    found = environment_of({"AUTH": "jwt", "KEPT": "1"}, {"AUTH": "anonymous"})
    assert (found["AUTH"], found["KEPT"]) == ("anonymous", "1")


def test_credentials_are_fake_and_the_region_is_the_templates() -> None:
    """No handler reaches a real account by accident."""
    found = environment_of({}, {})
    assert found["AWS_ACCESS_KEY_ID"] == "local"
    assert found["AWS_REGION"] == "eu-west-1"


def test_an_environment_file_reads_names_values_comments_and_quotes(tmp_path: Path) -> None:
    """The usual form of such files."""
    path = tmp_path / "local.env"
    path.write_text(
        "# note\n\nA=1 # why\nexport B = two words \nC='quoted # kept'\nD=\nE=a=b\nF=\"x\" # y\n"
    )
    assert read_env_file(path) == {
        "A": "1",
        "B": "two words",
        "C": "quoted # kept",
        "D": "",
        "E": "a=b",
        "F": "x",
    }


@given(st.binary(max_size=200))
def test_an_environment_file_is_read_or_refused_with_its_name(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    """No content makes anything but a sentence."""
    path = tmp_path_factory.getbasetemp() / "any.env"
    path.write_bytes(content)
    try:
        read_env_file(path)
    except UserError as error:
        assert "any.env" in str(error)  # noqa: PT017 - either outcome is right


def test_the_projects_own_venv_runs_its_functions(tmp_path: Path) -> None:
    """Its packages are there; the folder may have either of the usual names."""
    for folder in ("venv", ".venv"):
        python = tmp_path / folder / "bin/python"
        python.parent.mkdir(parents=True)
        python.touch(mode=0o755)
        assert choose_python(None, tmp_path) == python


def test_a_given_interpreter_must_exist(tmp_path: Path) -> None:
    """The flag is named."""
    with pytest.raises(UserError, match="--python"):
        choose_python(tmp_path / "none", tmp_path)


def test_node_is_the_given_one_or_the_one_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody without Node functions needs one."""
    node = tmp_path / "node"
    node.write_text("#!/bin/sh\necho v20.1.0\n")
    node.chmod(0o755)
    python = Function("connect", "app.handler", "python3.13", tmp_path)
    chat = Function("chat", "app.handler", "nodejs22.x", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert choose_node(None, [python, chat]) == node
    assert choose_node(node, []) == node
    with pytest.raises(UserError, match="--node"):
        choose_node(tmp_path / "none", [])
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match=r"'chat' has the runtime 'nodejs22\.x'.*--node"):
        choose_node(None, [python, chat])
    assert choose_node(None, [python]) == Path("node")


def test_the_bundle_trusts_the_usual_roots_and_ours(tmp_path: Path) -> None:
    """Calls to real hosts keep working."""
    bundle = write_ca_bundle(tmp_path / "ca.pem", b"OURS").read_bytes()
    assert bundle.endswith(b"OURS")
    assert bundle.count(b"BEGIN CERTIFICATE") > 50


def test_an_interpreter_may_be_named_as_on_the_path(tmp_path: Path) -> None:
    """`--python python3` is what one types."""
    assert choose_python(Path("python3"), tmp_path).name == "python3"


@pytest.mark.parametrize(("says", "named"), [("v18.20.1", "v18.20.1"), ("", "no Node")])
def test_a_node_before_20_is_refused_where_it_is_needed(
    tmp_path: Path, says: str, named: str
) -> None:
    """A project of Python alone does not care."""
    node = tmp_path / "node"
    node.write_text(f"#!/bin/sh\necho {says}\n")
    node.chmod(0o755)
    chat = Function("chat", "app.handler", "nodejs22.x", tmp_path)
    with pytest.raises(UserError, match=f"is {named}: functions need Node 20 or newer"):
        choose_node(node, [chat])
    assert choose_node(node, []) == node
