"""The pages people use, in Chinese: each file draws one kind of page. They work without JavaScript; htmx makes them quick.

Commands and reading rights are those of `tasks` and `domain`; a page only asks, shows, and says what happens next.
"""

from api.pages import (
    account,
    admin_offer,
    administration,
    answer_templates,
    at_desk,
    audit,
    beside,
    captcha,
    card_register,
    card_requests,
    card_sign_in,
    demo_inbox,
    files,
    issue,
    issue_list,
    member_import,
    member_leaving,
    members,
    my_cards,
    my_messages,
    my_page,
    my_sessions,
    my_wechat,
    new_issue,
    notices,
    phone_requests,
    phones,
    register,
    register_begin,
    register_files,
    registrations,
    sign_in,
    task,
    task_list,
    wechat_bind,
    wechat_enter,
    wechat_pictures,
)
from api.pages.error_page import error_page
from api.phone import second
from api.routing import join

__all__ = ["error_page", "router"]

# Fixed addresses before those with an id in the same place.
PARTS = (
    sign_in,
    card_sign_in,
    captcha,
    account,
    phones,
    my_messages,
    my_sessions,
    my_cards,
    notices,
    phone_requests,
    card_requests,
    demo_inbox,
    answer_templates,
    audit,
    beside,
    task_list,
    task,
    issue_list,
    new_issue,
    issue,
    files,
    administration,
    member_import,
    admin_offer,
    members,
    member_leaving,
    card_register,
    register_begin,
    register,
    register_files,
    registrations,
)
# Doors of the WeChat version, and what it shows besides: the same routes once more, under /w.
PHONE_ONLY = (wechat_enter, wechat_bind, my_wechat, my_page, wechat_pictures)
ON_PHONE_TOO = (
    sign_in,
    my_messages,
    my_sessions,
    notices,
    phones,
    task_list,
    task,
    issue_list,
    new_issue,
    issue,
    files,
    admin_offer,
    members,
    member_leaving,
    register_begin,
    register,
    register_files,
    registrations,
)
AT_DESK_ONLY = frozenset(
    {
        "/attachments/{attachment_id}",
        "/attachments/{attachment_id}/download",
        "/attachments/{attachment_id}/pages/{page}",
        "/attachments/{attachment_id}/small",
        "/issues/export",
        "/issues/filters",
        "/issues/filters/{filter_id}/drop",
        "/registrations",
        "/sign-in/help",
        "/sign-in/help/send",
        "/tasks/claim",
        "/tasks/{task_id}/claim",
        "/tasks/{task_id}/hand-over",
        "/tasks/{task_id}/release",
    }
)
"""What is for officers, or needs a wide screen; files are the same everywhere."""
router = join(
    [
        *(part.router for part in (*PARTS, *PHONE_ONLY)),
        *(second(part.router, without=AT_DESK_ONLY) for part in ON_PHONE_TOO),
        at_desk.router,  # what is left
    ]
)
