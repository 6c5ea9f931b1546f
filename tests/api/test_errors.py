"""Every refusal has its status, every problem its shape; failures of ours are recorded and lose nothing."""

from uuid import uuid4

import pytest
from sqlalchemy import text

from api.errors import STATUS
from errors import Refusal
from tests.api.conftest import World


def all_refusals(base: type[Refusal] = Refusal) -> set[type[Refusal]]:
    """Every kind there is."""
    return {kind for sub in base.__subclasses__() for kind in {sub} | all_refusals(sub)}


def test_every_refusal_has_a_status() -> None:
    """Its own, or that of a kind it is a special case of."""
    ours = {kind for kind in all_refusals() if not kind.__module__.startswith("tests")}
    assert {kind for kind in ours if not set(kind.__mro__) & set(STATUS)} == set()


def test_every_refusal_is_a_chinese_sentence() -> None:
    for kind in STATUS:
        sentence = (kind.__doc__ or "").strip()
        assert sentence.endswith("。"), kind
        assert any("\u4e00" <= letter <= "\u9fff" for letter in sentence), kind


async def test_a_problem_is_rfc_9457(world: World) -> None:
    answer = await world.client("staff").get(f"/api/v1/issues/{uuid4()}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == 404
    assert problem["type"] == "urn:qingling:not_found"
    assert problem["title"].endswith("。")
    assert problem["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize("id_", ["nonsense", "1", "%2e%2e", "00000000-0000-0000-0000-00000000000g"])
async def test_an_id_of_the_wrong_shape_names_nothing(world: World, id_: str) -> None:
    assert (await world.client("staff").get(f"/api/v1/tasks/{id_}")).status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "body"),
        (b"{", "body"),
        (b"[]", "body"),
        (b'"text"', "body"),
        (b"{}", "answers"),
        (b'{"answers": 5}', "answers"),
        (b'{"answers": {}, "more": 1}', "more"),
        (b'{"answers": {"a": "\\u0000"}}', "body"),
        (b'{"answers": {"a": "\\ud800"}}', "body"),
        (b'{"answers": ' + b"[" * 5000 + b"]" * 5000 + b"}", "body"),
        (b'{"answers": {"a": ' + b"[" * 100 + b"]" * 100 + b"}}", "body"),
        (b"\xff\xfe", "body"),
    ],
)
async def test_a_bad_body_is_told_by_field(world: World, body: bytes, field: str) -> None:
    client = world.client("staff")
    answer = await client.put(
        f"/api/v1/tasks/{uuid4()}/draft", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 422
    errors = answer.json()["errors"]
    assert field in errors, errors
    assert all(sentence.endswith("。") for sentence in errors.values())


async def test_a_body_that_is_not_json_is_refused(world: World) -> None:
    client = world.client("staff")
    answer = await client.post("/api/v1/issues", content=b"title=x", headers={"Content-Type": "text/plain"})
    assert answer.status_code == 422


async def test_an_unexpected_error_tells_its_id_and_nothing_else(
    world: World, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    async def explode(*_arguments: object, **_options: object) -> None:
        raise RuntimeError("13900000001 is a secret")

    monkeypatch.setattr("api.json.lists.list_all_choices", explode)
    answer = await world.client("staff").get("/api/v1/lists")
    assert answer.status_code == 500
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert "secret" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_database_that_went_away_is_told_as_try_again(world: World) -> None:
    client = world.client("staff")
    async with world.wired.sessions() as session:
        await session.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )
        )
    answers = [(await client.get("/api/v1/me")).status_code for _ in range(3)]
    assert set(answers) <= {200, 503}
    assert answers[-1] == 200


async def test_people_get_a_page_and_programs_a_problem(world: World) -> None:
    client = world.client()
    page = await client.get("/no/such/page", headers={"Accept": "text/html,*/*"})
    assert page.status_code == 404
    assert page.headers["content-type"].startswith("text/html")
    problem = await client.get("/no/such/page", headers={"Accept": "application/json"})
    assert problem.headers["content-type"] == "application/problem+json"


async def test_who_is_signed_out_and_looks_at_a_page_goes_to_the_sign_in_page(world: World) -> None:
    answer = await world.client().get("/issues?phase=customs", headers={"Accept": "text/html"})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=%2Fissues%3Fphase%3Dcustoms"
