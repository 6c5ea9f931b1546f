"""What answers about issues, registrations and tasks have in common."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from api.json.schemas.parts import (
    AnsweredField,
    AttachmentOut,
    ChangeOut,
    Diagram,
    DoneTaskOut,
    EntryOut,
    OpenTaskOut,
    PersonRef,
    TimelineOut,
    UploadedFile,
)
from domain.models import Attachment
from tasks.details import Change, OpenTask, Picture
from tasks.kept_answers import Kept
from tasks.timeline import Answer, DoneTask, Entry

LOCKED = "这个 PDF 有密码，不知道密码的人看不到内容。建议换成没有密码的文件。"


def show_file(one: Attachment) -> AttachmentOut:
    """A file; where it lies in the store is nobody's business."""
    return AttachmentOut(
        id=one.id, name=one.name, size=one.size, type=one.media_type, pages=_count_pages(one)
    )


def show_upload(one: Attachment) -> UploadedFile:
    """The same for whoever has just uploaded it."""
    return UploadedFile(
        id=one.id,
        name=one.name,
        size=one.size,
        type=one.media_type,
        pages=_count_pages(one),
        hint=LOCKED if one.locked else None,
    )


def _count_pages(one: Attachment) -> int:
    """Nobody has counted those of a file from before; the first will be there."""
    return one.pages if one.pages is not None else int(one.is_shown)


def show_person(id_: UUID | None, names: Mapping[UUID, str]) -> PersonRef | None:
    """A person by id and name; None for nobody."""
    return PersonRef(id=id_, name=names.get(id_, "")) if id_ else None


def show_change(one: Change) -> ChangeOut:
    """One changed field."""
    return ChangeOut(
        field=one.field,
        label=one.label,
        before=one.before,
        after=one.after,
        actor_id=one.actor_id,
        actor_name=one.actor_name,
        at=one.at,
    )


def show_open_task(one: OpenTask) -> OpenTaskOut:
    """A task that is open."""
    return OpenTaskOut(
        id=one.id,
        element_id=one.element_id,
        name=one.name,
        claimed_by=one.claimed_by,
        claimed_by_name=one.claimed_by_name,
        due_at=one.due_at,
        created_at=one.created_at,
        version=one.version,
        is_mine=one.is_mine,
        may_claim=one.may_claim,
    )


def show_done_task(one: DoneTask) -> DoneTaskOut:
    """A task that was completed, with its answers."""
    return DoneTaskOut(
        task_id=one.task_id,
        element_id=one.element_id,
        name=one.name,
        completed_at=one.completed_at,
        completed_by=one.completed_by,
        completed_by_name=one.completed_by_name,
        answers=show_answers(one.answers),
        is_generic=one.is_generic,
    )


def show_answers(answers: Iterable[Answer]) -> list[AnsweredField]:
    """Answered fields of a form."""
    return [
        AnsweredField(key=one.key, label=one.label, kind=one.kind, value=one.value, text=one.text)
        for one in answers
    ]


def show_kept(kept: Mapping[str, Kept]) -> list[AnsweredField]:
    """What forms asked besides the columns of a record."""
    return [
        AnsweredField(key=key, label=one.label, kind=one.kind, value=one.value, text=one.text)
        for key, one in kept.items()
    ]


def show_timeline(entries: Iterable[Entry]) -> TimelineOut:
    """Everything that happened."""
    return TimelineOut(items=[_show_entry(one) for one in entries])


def _show_entry(one: Entry) -> EntryOut:
    return EntryOut(
        id=one.id,
        at=one.at,
        kind=one.kind,
        text=one.text,
        element_id=one.element_id,
        element_name=one.element_name,
        task_id=one.task_id,
        actor_id=one.actor_id,
        actor_name=one.actor_name,
        waited_s=one.waited_s,
        is_quiet=one.is_quiet,
        answers=show_answers(one.answers),
    )


def show_picture(picture: Picture) -> Diagram:
    """The process as it is drawn, and where it stands."""
    return Diagram(xml=picture.xml, active=list(picture.active), done=list(picture.done))
