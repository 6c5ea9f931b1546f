"""What the kinds of messages are called, for the people who run the system: the titles of their texts. A title that is filled
from an issue stays out: it would say what a message is about."""

from sqlalchemy.ext.asyncio import AsyncSession

from engine.catalogue import Catalogue
from engine.exceptions import UnknownProcess
from messages import codes
from messages.routes import name_of
from tasks import admin_offers, cards, mail_addresses, phones
from tasks.kinds import KINDS
from tasks.notices import TEXTS, read_texts

FIXED = {f"code_{purpose}": one.title for purpose, one in codes.TEXTS.items()} | {
    template: one.title
    for texts in (admin_offers.TEXTS, cards.TEXTS, mail_addresses.TEXTS, phones.TEXTS)
    for template, one in texts.items()
}


async def name_messages(session: AsyncSession, catalogue: Catalogue) -> dict[str, str]:
    """By the template's name (`issue.answered`, `code_sign_in`): those of the newest version of every process, and the rest."""
    names: dict[str, str] = {}
    for process in KINDS:
        try:
            newest = await catalogue.newest(session, process)
        except UnknownProcess:
            continue
        definition = await catalogue.load(session, newest.id)
        texts = read_texts(definition.text(TEXTS))
        names |= {
            name_of(process, template): one.title for template, one in texts.items() if "{" not in one.title
        }
    return names | FIXED
