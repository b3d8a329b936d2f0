"""Events by kind."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.gatepost.gateway.template.conftest import Read

HEAD = "service: shop\nprovider: {name: aws, runtime: python3.13}\nfunctions:\n"


def test_events_that_nothing_here_makes_happen_are_named(read: "Read") -> None:
    """Nothing of them is read, so that what they need may be missing; the function is deployed."""
    deployment = read(f"""{HEAD}
  nightly:
    handler: jobs.nightly
    events:
      - schedule: ${{ssm:/rate}}
      - stream
  hello: {{handler: app.hello, events: [{{websocket: $connect}}]}}
""")
    assert set(deployment.functions) == {"shop-dev-nightly", "shop-dev-hello"}
    assert deployment.notices[0].endswith(
        "serverless.yml:6: schedule, stream events of nightly have no effect here; "
        "it runs when something else invokes it"
    )


def test_each_kind_makes_an_api_of_its_own(read: "Read") -> None:
    """A function may have events of all three, and its name is behind each route."""
    deployment = read(f"""{HEAD}
  hello:
    handler: app.hello
    events:
      - websocket: $connect
      - httpApi: GET /hello
      - http: GET /hello
""")
    name = "shop-dev-hello"
    assert [route.function for route in deployment.apis[0].routes.values()] == [name]
    kinds = {api.kind: [route.function for route in api.routes] for api in deployment.http_apis}
    assert kinds == {"http": [name], "rest": [name]}
    ids = {deployment.apis[0].api_id, *(api.api_id for api in deployment.http_apis)}
    assert len(ids) == 3
