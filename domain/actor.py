"""Who is acting: the person behind a session, for one enterprise or as an officer. Worked out once a request."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class Actor:
    """A person in the part they play at the moment.

    `groups` are the candidate groups of tasks: `handler:2301` for an officer, `executive:<enterprise id>` for a member.
    `ip` is where the request comes from; None outside the web.
    """

    person_id: UUID
    name: str
    phone: str
    session_id: UUID | None
    membership_id: UUID | None
    enterprise_id: UUID | None
    enterprise_status: str | None
    officer_id: UUID | None
    roles: frozenset[str]
    groups: tuple[str, ...]
    offices: tuple[str, ...]
    enterprise_name: str | None = None
    must_change_password: bool = False
    ip: str | None = None

    @property
    def may_act(self) -> bool:
        """Whether this person may change anything: people of a suspended enterprise only read."""
        return self.enterprise_status != "suspended"

    def offices_as(self, *roles: str) -> frozenset[str]:
        """The offices at which this officer has one of these roles."""
        pairs = (group.split(":", 1) for group in self.groups)
        return frozenset(office for role, office in pairs if self.officer_id and role in roles)


def member_groups(roles: Iterable[str], enterprise_id: UUID) -> tuple[str, ...]:
    """The candidate groups of a member with these roles."""
    return tuple(sorted(f"{role}:{enterprise_id}" for role in roles))
