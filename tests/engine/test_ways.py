"""The ways from one wait to the next, in small diagrams."""

from engine.diagram import Diagram
from engine.specs import parse_xml
from engine.ways import list_ways
from tests.engine.handlers import by, handler
from tests.engine.process_files import END, START, diagram, flows, user

GATE = '<bpmn:exclusiveGateway id="which" default="which_left"/>'
FORK = '<bpmn:parallelGateway id="fork"/>'


def ways(body: str) -> dict[str, list[str]]:
    """Each way as one line, by what begins it."""
    found: dict[str, list[str]] = {}
    for way in list_ways(Diagram("p.bpmn", parse_xml("p.bpmn", diagram(body)))):
        found.setdefault(way.start, []).append(" ".join(way.path))
    return found


def boundary(id_: str, at: str, *, interrupting: bool) -> str:
    return (
        f'<bpmn:boundaryEvent id="{id_}" attachedToRef="{at}" cancelActivity="{str(interrupting).lower()}">'
        "<bpmn:timerEventDefinition><bpmn:timeDuration>P1D</bpmn:timeDuration></bpmn:timerEventDefinition>"
        "</bpmn:boundaryEvent>"
    )


def test_a_choice_makes_one_way_for_each_flow() -> None:
    body = START + GATE + user("left") + user("right") + END
    body += flows("begin > which > left > done", "which > right if x = 1", "right > done")
    assert ways(body) == {
        "begin": ["begin_which which which_left left", "begin_which which which_right right"],
        "left": ["left_done done"],
        "right": ["right_done done"],
    }


def test_what_goes_on_side_by_side_is_one_way() -> None:
    body = START + FORK + user("left") + user("right") + flows("begin > fork > left", "fork > right")
    assert ways(body)["begin"] == ["begin_fork fork fork_left left fork_right right"]


def test_a_way_goes_into_a_subprocess_and_out_of_it_again() -> None:
    inside = (
        '<bpmn:startEvent id="in"/>' + user("work") + '<bpmn:endEvent id="out"/>' + flows("in > work > out")
    )
    body = START + f'<bpmn:subProcess id="sub">{inside}</bpmn:subProcess>' + END + flows("begin > sub > done")
    assert ways(body) == {"begin": ["begin_sub sub in in_work work"], "work": ["work_out out sub_done done"]}


def test_an_event_that_interrupts_nothing_does_not_end_the_subprocess_it_lies_in() -> None:
    inside = (
        '<bpmn:startEvent id="in"/>' + user("work") + '<bpmn:endEvent id="out"/><bpmn:endEvent id="told"/>'
    )
    inside += boundary("late", "work", interrupting=False) + flows("in > work > out", "late > told")
    body = START + f'<bpmn:subProcess id="sub">{inside}</bpmn:subProcess>' + END
    body += boundary("over", "sub", interrupting=True) + flows("begin > sub > done", "over > done")
    found = ways(body)
    assert found["late"] == ["late_told told"]
    assert found["over"] == ["over_done done"]


def test_a_circle_of_what_happens_by_itself_is_gone_round_once() -> None:
    body = START + '<bpmn:exclusiveGateway id="again"/>' + GATE + END
    body += flows("begin > again > which", "which > again", "which > done if x = 1")
    assert ways(body)["begin"] == [
        "begin_again again again_which which which_again again",
        "begin_again again again_which which which_done done",
    ]


def test_an_event_that_starts_a_sub_process_begins_a_way_which_ends_the_scope_if_it_interrupts() -> None:
    inside = '<bpmn:startEvent id="in"/>' + user("work") + '<bpmn:endEvent id="out"/>'
    inside += flows("in > work > out") + handler("stop", by("message", "stop"))
    inside += handler("reply", by("message", "ask"), interrupting=False)
    body = START + f'<bpmn:subProcess id="sub">{inside}</bpmn:subProcess>' + END + flows("begin > sub > done")
    found = ways(body)
    assert found["stop_begins"] == ["stop_begins_do_stop do_stop"]
    assert found["do_stop"] == ["do_stop_stop_ends stop_ends sub_done done"]
    assert found["do_reply"] == ["do_reply_reply_ends reply_ends"]


def test_an_event_sub_process_of_the_process_ends_it() -> None:
    body = START + user("ask") + END + flows("begin > ask > done") + handler("stop", by("message", "stop"))
    assert ways(body)["do_stop"] == ["do_stop_stop_ends stop_ends"]
