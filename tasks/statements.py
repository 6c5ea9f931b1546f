"""The SQL of human work that matters, named. Lists page by key through indexed columns and never read an engine state."""

from functools import lru_cache

from sqlalchemy import TextClause, text

from tasks.pages import COUNTED, LAST_ID

# What a form, the operators and the messages of one command need, in one round trip; parts that are not wanted are
# not worked out. Also for tasks of processes that are about nothing: then only the record's columns are empty.
_LOAD = """
SELECT i.*, i.id IS NOT NULL AS has_record, o.name AS office_name, e.name AS enterprise_name,
    CASE WHEN :want_lists THEN (
        SELECT jsonb_agg(jsonb_build_array(l.list_name, l.code, l.name) ORDER BY l.list_name, l.position, l.code)
        FROM list_entry l WHERE l.active) END AS list_entries,
    CASE WHEN :want_offices THEN (
        SELECT jsonb_agg(jsonb_build_array(c.code, c.name) ORDER BY c.code)
        FROM customs_office c WHERE c.active) END AS open_offices,
    (SELECT jsonb_agg(jsonb_build_array(m.person_id, coalesce(nullif(m.display_name, ''), p.name)) ORDER BY m.id)
        FROM membership m JOIN person p ON p.id = m.person_id
        WHERE m.enterprise_id = coalesce(i.enterprise_id, CAST(:enterprise_id AS uuid))
            AND m.active AND p.active AND 'executive' = ANY(m.roles)) AS executives,
    CASE WHEN cardinality(CAST(:file_ids AS uuid[])) > 0 THEN (
        SELECT jsonb_agg(jsonb_build_array(a.id, a.name, coalesce(a.uploader_id, a.challenge_id), a.instance_id))
        FROM attachment a WHERE a.id = ANY(CAST(:file_ids AS uuid[]))) END AS files
FROM (SELECT 1) AS always
LEFT JOIN {table} i ON i.id = :instance_id
LEFT JOIN customs_office o ON o.code = i.office
LEFT JOIN enterprise e ON e.id = i.enterprise_id
"""
LOAD_SUBJECT: TextClause = text(_LOAD.format(table="issue"))
LOAD_REGISTRATION: TextClause = text(_LOAD.format(table="registration"))

COPY_STATUS: TextClause = text("""
UPDATE issue SET status = CAST(:status AS text), phase = CAST(:phase AS text),
    first_claimed_at = CASE WHEN CAST(:phase AS text) = 'customs'
        THEN coalesce(first_claimed_at, CAST(:claimed_at AS timestamptz)) ELSE first_claimed_at END,
    handler_id = CASE WHEN :moves_handler THEN CAST(:handler AS uuid) ELSE handler_id END
WHERE id = :instance_id
""")

COPY_REGISTRATION_STATUS: TextClause = text("""
UPDATE registration SET status = CAST(:status AS text), phase = CAST(:phase AS text)
WHERE id = :instance_id
""")


JSON_COLUMNS = ("answers",)


@lru_cache(maxsize=500)
def save_record(
    table: str, columns: tuple[str, ...], beside: tuple[str, ...], files: bool, new: bool
) -> TextClause:
    """Everything one command changes about an issue or a registration, as one statement: its columns, new rows beside it,
    used files.

    Rows of a table travel as one JSON parameter named after the table, JSON_COLUMNS as JSON.
    """
    parts = [
        f"new_{name} AS (INSERT INTO {name} SELECT * FROM jsonb_populate_recordset("
        f"NULL::{name}, CAST(:{name} AS jsonb)) ON CONFLICT DO NOTHING)"
        for name in beside
    ]
    if files:
        parts.append(
            "used_files AS (UPDATE attachment SET instance_id = :id, task_id = CAST(:task_id AS uuid)"
            " WHERE id = ANY(CAST(:file_ids AS uuid[])) AND instance_id IS NULL)"
        )
    if new:
        names, values = ", ".join(columns), ", ".join(map(_as_value, columns))
        last = f"INSERT INTO {table} (id, {names}) VALUES (:id, {values})"
    elif columns:
        last = f"UPDATE {table} SET {', '.join(f'{name} = {_as_value(name)}' for name in columns)} WHERE id = :id"
    else:
        last = "SELECT 1"
    return text(f"WITH {', '.join(parts)} {last}" if parts else last)


def _as_value(column: str) -> str:
    return f"CAST(:{column} AS jsonb)" if column in JSON_COLUMNS else f":{column}"


# Everyone active in these groups (`role:office`, `role:enterprise id`), and the supervisors of an office and of all
# above it.
FIND_RECIPIENTS: TextClause = text("""
WITH RECURSIVE above AS (
    SELECT c.code, c.parent FROM customs_office c WHERE c.code = CAST(:supervised AS text)
    UNION SELECT c.code, c.parent FROM customs_office c JOIN above ON c.code = above.parent
)
SELECT r.role || ':' || r.office AS group_name, p.id AS person_id
FROM officer_role r JOIN officer f ON f.id = r.officer_id JOIN person p ON p.id = f.person_id
WHERE (r.role, r.office) IN (
        SELECT split_part(g, ':', 1), split_part(g, ':', 2) FROM unnest(CAST(:office_groups AS text[])) AS g
        UNION ALL SELECT 'supervisor', code FROM above)
    AND f.active AND p.active
UNION ALL
SELECT g.role || ':' || m.enterprise_id, p.id
FROM (SELECT split_part(g, ':', 1) AS role, CAST(split_part(g, ':', 2) AS uuid) AS enterprise_id
        FROM unnest(CAST(:member_groups AS text[])) AS g) AS g
    JOIN membership m ON m.enterprise_id = g.enterprise_id AND g.role = ANY(m.roles)
    JOIN person p ON p.id = m.person_id
WHERE m.active AND p.active
""")

OPEN_TASKS_OF_INSTANCE: TextClause = text("""
SELECT t.claimed_by, t.candidate_groups FROM user_task t
WHERE t.instance_id = :instance_id AND t.state = 'ready'
""")

FIRST_CLAIM: TextClause = text("""
SELECT actor_id, at FROM process_event
WHERE instance_id = :instance_id AND kind = 'task_claimed' ORDER BY id LIMIT 1
""")

IS_ACTIVE_HANDLER: TextClause = text("""
SELECT 1 FROM officer f JOIN person p ON p.id = f.person_id JOIN officer_role r ON r.officer_id = f.id
WHERE f.person_id = :person_id AND f.active AND p.active AND r.role = 'handler' AND r.office = :office
""")

KEEP_ANSWER: TextClause = text("""
INSERT INTO idempotency_key (person_id, route, key, body_hash, response, created_at)
VALUES (:person_id, :route, :key, :body_hash, CAST(:response AS jsonb), :now)
ON CONFLICT DO NOTHING
RETURNING 1
""")

FIND_ANSWER: TextClause = text("""
SELECT body_hash, response FROM idempotency_key WHERE person_id = :person_id AND route = :route AND key = :key
""")

# An attachment whose id stands as a string anywhere in the draft of an open task.
DRAFTED_FILES: TextClause = text("""
SELECT a.id FROM attachment a
WHERE a.instance_id IS NULL AND EXISTS (
    SELECT FROM user_task t WHERE t.state = 'ready' AND t.claimed_by = a.uploader_id
        AND jsonb_path_exists(t.draft, '$.** ? (@ == $id)', jsonb_build_object('id', a.id)))
""")

PURGE_ANSWERS: TextClause = text("DELETE FROM idempotency_key WHERE created_at < :before")

_LINE = """t.id, t.element_id, t.name, t.instance_id, t.definition_id, t.due_at,
    t.claimed_by, t.claimed_at, t.version, t.created_at,
    t.completed_at, p.subject, i.id IS NOT NULL AS has_issue, reg.id IS NOT NULL AS has_registration,
    coalesce(i.number, reg.number) AS number, i.title, coalesce(i.status, reg.status) AS status,
    coalesce(i.phase, reg.phase) AS phase, i.category, i.importance, coalesce(i.office, reg.office) AS office,
    coalesce(i.round, reg.round) AS round, o.name AS office_name, e.name AS enterprise_name"""

_JOINS = """JOIN process_instance p ON p.id = t.instance_id
LEFT JOIN issue i ON i.id = t.instance_id
LEFT JOIN registration reg ON reg.id = t.instance_id
LEFT JOIN customs_office o ON o.code = coalesce(i.office, reg.office)
LEFT JOIN enterprise e ON e.id = coalesce(i.enterprise_id, reg.enterprise_id)"""

# Whoever serves several enterprises, or is an officer besides, sees only what belongs to the part they act in.
_SCOPE = """CASE WHEN CAST(:enterprise_id AS uuid) IS NOT NULL
        THEN coalesce(i.enterprise_id, reg.enterprise_id, :enterprise_id) = CAST(:enterprise_id AS uuid)
    ELSE NOT EXISTS (SELECT FROM membership m WHERE m.person_id = :person_id
        AND m.enterprise_id = coalesce(i.enterprise_id, reg.enterprise_id)) END"""

_AFTER = "(coalesce({0}.due_at, 'infinity'::timestamptz), {0}.{1}) > (CAST(:after_at AS timestamptz), CAST(:after_id AS uuid))"

MY_TASKS: TextClause = text(f"""
SELECT {_LINE} FROM user_task t {_JOINS}
WHERE t.claimed_by = :person_id AND t.state = 'ready' AND {_SCOPE} AND {_AFTER.format("t", "id")}
ORDER BY coalesce(t.due_at, 'infinity'::timestamptz), t.id LIMIT :limit
""")

# Each group's own stretch of the index, so many rows of it.
_STRETCHES = f"""
SELECT DISTINCT coalesce(stretch.due_at, 'infinity'::timestamptz) AS due, stretch.task_id
FROM unnest(CAST(:groups AS text[])) AS mine(group_name)
CROSS JOIN LATERAL (
    SELECT g.task_id, g.due_at FROM user_task_group g
    WHERE g.group_name = mine.group_name AND g.open AND {_AFTER.format("g", "task_id")} {{within}}
    ORDER BY coalesce(g.due_at, 'infinity'::timestamptz), g.task_id LIMIT {{rows}}
) AS stretch
ORDER BY 1, 2"""
# A few of every group come first: the last of a page's worth of them is a bound, within which the page lies. Somebody in 200
# groups would read 200 pages without it.
_FEW = "greatest(4, 2 * :limit / greatest(1, cardinality(CAST(:groups AS text[]))))"
_BOUND = (
    f"SELECT due, task_id FROM ({_STRETCHES.format(within='', rows=_FEW)}) AS few OFFSET :limit - 1 LIMIT 1"
)
_WITHIN = f"""AND (coalesce(g.due_at, 'infinity'::timestamptz), g.task_id) <=
    (coalesce((SELECT due FROM bound), 'infinity'::timestamptz), coalesce((SELECT task_id FROM bound), '{LAST_ID}'::uuid))"""
_OPEN = f"""
WITH bound AS MATERIALIZED ({_BOUND})
{_STRETCHES.format(within=_WITHIN, rows=":limit")} LIMIT :limit"""

CLAIMABLE_TASKS: TextClause = text(f"""
SELECT {_LINE} FROM ({_OPEN}) AS open_task JOIN user_task t ON t.id = open_task.task_id {_JOINS}
ORDER BY open_task.due, t.id
""")

DONE_TASKS: TextClause = text(f"""
SELECT {_LINE} FROM user_task t {_JOINS}
WHERE t.completed_by = :person_id AND t.state = 'completed' AND {_SCOPE}
    AND (t.completed_at, t.id) < (CAST(:after_at AS timestamptz), CAST(:after_id AS uuid))
ORDER BY t.completed_at DESC, t.id DESC LIMIT :limit
""")

# What an officer has claimed in groups of officers that they are in no longer, or never were: a task that members of an
# enterprise do is none of them.
TASKS_OUTSIDE_GROUPS: TextClause = text("""
SELECT t.id, t.assignee FROM user_task t
WHERE t.claimed_by = :person_id AND t.state = 'ready' AND NOT EXISTS (
        SELECT FROM officer_role r JOIN officer f ON f.id = r.officer_id JOIN person p ON p.id = f.person_id
        WHERE f.person_id = t.claimed_by AND f.active AND p.active
            AND r.role || ':' || r.office = ANY(t.candidate_groups))
    AND EXISTS (SELECT FROM unnest(t.candidate_groups) AS g(group_name)
        JOIN customs_office c ON c.code = split_part(g.group_name, ':', 2))
ORDER BY t.id
""")
_SUBJECT = "LEFT JOIN issue i ON i.id = t.instance_id LEFT JOIN registration reg ON reg.id = t.instance_id"

# Counting ends at COUNTED, which stands in the text: a prepared plan that does not know its limits reads and sorts everything.
# A few rows of every group are mostly enough to get there; if not, a task stands at most once in each of my groups, so as many
# of each are.
_SEEN = f"""SELECT count(*) FROM (SELECT DISTINCT g.task_id FROM unnest(CAST(:groups AS text[])) AS mine(group_name)
    CROSS JOIN LATERAL (SELECT task_id FROM user_task_group
        WHERE group_name = mine.group_name AND open
        ORDER BY coalesce(due_at, 'infinity'::timestamptz), task_id LIMIT {{rows}}) AS g LIMIT {COUNTED}) AS seen"""
COUNT_TASKS: TextClause = text(f"""
SELECT
    (SELECT count(*) FROM (SELECT FROM user_task t {_SUBJECT}
        WHERE t.claimed_by = :person_id AND t.state = 'ready' AND {_SCOPE}
        ORDER BY coalesce(t.due_at, 'infinity'::timestamptz), t.id LIMIT {COUNTED}) AS mine) AS mine,
    CASE WHEN ({_SEEN.format(rows=4)}) = {COUNTED} THEN {COUNTED} ELSE ({_SEEN.format(rows=COUNTED)}) END AS claimable,
    (SELECT count(*) FROM (SELECT FROM user_task t {_SUBJECT}
        WHERE t.completed_by = :person_id AND t.state = 'completed' AND {_SCOPE}
        ORDER BY t.completed_at DESC, t.id DESC LIMIT {COUNTED}) AS done) AS done
""")

GET_TASK: TextClause = text(f"""
SELECT {_LINE}, t.state, t.candidate_groups, t.assignee, t.draft, t.draft_saved_at, t.answers,
    t.completed_by, {_SCOPE} AS in_scope, coalesce(nullif(member.display_name, ''), holder.name) AS claimed_by_name
FROM user_task t {_JOINS} LEFT JOIN person holder ON holder.id = t.claimed_by
LEFT JOIN membership member ON member.person_id = holder.id
    AND member.enterprise_id = coalesce(i.enterprise_id, reg.enterprise_id)
    AND NOT EXISTS (SELECT FROM officer f WHERE f.person_id = holder.id)
WHERE t.id = :task_id
""")

SAVE_DRAFT: TextClause = text(f"""
UPDATE user_task t SET draft = CAST(:draft AS jsonb), draft_saved_at = :now
FROM user_task same LEFT JOIN issue i ON i.id = same.instance_id
    LEFT JOIN registration reg ON reg.id = same.instance_id
WHERE t.id = :task_id AND same.id = t.id AND t.state = 'ready' AND t.claimed_by = :person_id AND {_SCOPE}
RETURNING t.id
""")

KEEP_DRAFT: TextClause = text("""
UPDATE user_task SET draft = CAST(:draft AS jsonb), draft_saved_at = :now
WHERE id = :task_id AND state = 'ready' AND claimed_by = :person_id
RETURNING id
""")

# Who may take over a task: everyone active in one of its candidate groups.
COLLEAGUES: TextClause = text("""
SELECT DISTINCT p.id, p.name FROM user_task t
CROSS JOIN LATERAL unnest(t.candidate_groups) AS g(group_name)
JOIN officer_role r ON r.role = split_part(g.group_name, ':', 1) AND r.office = split_part(g.group_name, ':', 2)
JOIN officer f ON f.id = r.officer_id AND f.active
JOIN person p ON p.id = f.person_id AND p.active
WHERE t.id = :task_id
UNION
SELECT p.id, coalesce(nullif(m.display_name, ''), p.name) FROM user_task t
CROSS JOIN LATERAL unnest(t.candidate_groups) AS g(group_name)
JOIN membership m ON m.enterprise_id::text = split_part(g.group_name, ':', 2)
    AND split_part(g.group_name, ':', 1) = ANY(m.roles) AND m.active
JOIN person p ON p.id = m.person_id AND p.active
WHERE t.id = :task_id
ORDER BY name, id
""")

TIMELINE: TextClause = text("""
SELECT e.id, e.at, e.kind, e.element_id, e.element_name, e.task_id, e.actor_id, e.waited_s, e.details,
    t.definition_id, CASE WHEN e.kind = 'task_completed' THEN t.answers END AS answers
FROM process_event e LEFT JOIN user_task t ON t.id = e.task_id
WHERE e.instance_id = :instance_id ORDER BY e.id
""")

SERVICES_DONE: TextClause = text("""
SELECT element_id, at FROM process_event
WHERE instance_id = :instance_id AND kind = 'service_done' AND at >= :since ORDER BY id
""")

DONE_OF_INSTANCE: TextClause = text("""
SELECT id, definition_id, element_id, name, completed_at, completed_by, answers FROM user_task
WHERE instance_id = :instance_id AND state = 'completed' ORDER BY completed_at, id
""")

OPEN_OF_INSTANCE: TextClause = text("""
SELECT id, element_id, name, claimed_by, candidate_groups, due_at, created_at, version FROM user_task
WHERE instance_id = :instance_id AND state = 'ready' ORDER BY created_at, id
""")

PICTURE: TextClause = text("""
SELECT p.definition_id, p.active_elements, (
    SELECT array_agg(DISTINCT e.element_id) FROM process_event e
    WHERE e.instance_id = p.id AND e.element_id IS NOT NULL
        AND e.kind IN ('started', 'task_completed', 'service_done', 'timer_fired', 'message_caught', 'event_caught', 'ended')
) AS done
FROM process_instance p WHERE p.id = :instance_id
""")

# Where an instance stands: its open tasks and where it ended, the latest first.
STANDING: TextClause = text("""
SELECT p.definition_id, p.state_name, p.active_elements,
    (SELECT array_agg(t.element_id ORDER BY t.created_at DESC, t.id DESC) FROM user_task t
        WHERE t.instance_id = p.id AND t.state = 'ready') AS tasks,
    (SELECT array_agg(e.element_id ORDER BY e.id DESC) FROM process_event e
        WHERE e.instance_id = p.id AND e.kind = 'ended') AS ended,
    EXISTS (SELECT FROM user_task t
        WHERE t.instance_id = p.id AND t.state = 'ready' AND t.claimed_by IS NOT NULL) AS is_claimed
FROM process_instance p WHERE p.id = :instance_id
""")

# What of an enterprise's open issues lies with one of its people: those they raised (until they have evaluated the answer
# at hand), those they have sent to customs as the executive or are reviewing, and whatever task has their name on it.
_LIES_WITH = """i.enterprise_id = {enterprise} AND i.closed_at IS NULL
    AND (i.submitter_id = {person} OR i.executive_id = {person} OR i.id IN (
        SELECT t.instance_id FROM user_task t WHERE t.claimed_by = {person} AND t.state = 'ready'))"""

_OPEN_SEATS = """SELECT
        i.submitter_id = {person} AND NOT evaluated.has AS as_submitter,
        coalesce(i.executive_id = {person}, false) AND i.submitter_id <> {person} AND NOT evaluated.has
            AND (i.submitted_at IS NOT NULL OR open_task.names IS NOT NULL) AS as_executive,
        open_task.names AS tasks, open_task.names IS NOT NULL AS has_task
    FROM (SELECT i.phase = 'answered' AND EXISTS (
            SELECT FROM evaluation v WHERE v.issue_id = i.id AND v.round = i.round AND v.person_id = {person}) AS has
        ) AS evaluated,
        (SELECT array_agg(t.name ORDER BY t.created_at, t.id) AS names FROM user_task t
            WHERE t.instance_id = i.id AND t.claimed_by = {person} AND t.state = 'ready') AS open_task"""

WORK_OF_MEMBER: TextClause = text(f"""
SELECT i.id, i.number, i.title, i.status, i.phase, seat.as_executive, seat.tasks
FROM issue i CROSS JOIN LATERAL ({_OPEN_SEATS.format(person="CAST(:person_id AS uuid)")}) AS seat
WHERE {_LIES_WITH.format(enterprise=":enterprise_id", person="CAST(:person_id AS uuid)")}
    AND (seat.as_submitter OR seat.as_executive OR seat.has_task)
ORDER BY i.id
""")

# What came to somebody who is gone after their work had been given away: a step that was under way at that moment, a
# new round of an issue they had evaluated.
LATE_WORK: TextClause = text(f"""
SELECT m.id AS membership_id, m.person_id, i.id AS issue_id,
    heir.person_id AS work_to, coalesce('executive' = ANY(heir.roles), false) AS work_is_executive,
    CASE WHEN 'executive' = ANY(chief.roles) THEN chief.person_id END AS reviews_to
FROM membership m
JOIN issue i ON {_LIES_WITH.format(enterprise="m.enterprise_id", person="m.person_id")}
CROSS JOIN LATERAL ({_OPEN_SEATS.format(person="m.person_id")}) AS seat
LEFT JOIN membership heir ON heir.id = m.work_to AND heir.active
LEFT JOIN membership chief ON chief.id = m.reviews_to AND chief.active
WHERE NOT m.active AND (m.work_to IS NOT NULL OR m.reviews_to IS NOT NULL)
    AND CASE WHEN seat.as_executive THEN chief.id IS NOT NULL AND 'executive' = ANY(chief.roles)
        ELSE heir.id IS NOT NULL AND (seat.as_submitter OR seat.has_task) END
ORDER BY i.id LIMIT :limit
""")

TASKS_OF_PERSON: TextClause = text("""
SELECT id FROM user_task
WHERE instance_id = :instance_id AND claimed_by = :person_id AND state = 'ready' ORDER BY created_at, id
""")

# Whether somebody has such a task of this instance already, or has evaluated this round.
IS_ASKED_ALREADY: TextClause = text("""
SELECT 1 FROM user_task WHERE instance_id = :instance_id AND element_id = :element_id
    AND claimed_by = :person_id AND state = 'ready'
UNION ALL
SELECT 1 FROM evaluation v JOIN issue i ON i.id = v.issue_id AND i.round = v.round
WHERE v.issue_id = :instance_id AND v.person_id = :person_id AND v.rating IS NOT NULL
""")

# Files named in a draft go with it: they become the instance's, or whoever goes on could not send them.
BIND_DRAFTED_FILES: TextClause = text("""
UPDATE attachment a SET instance_id = t.instance_id, task_id = t.id
FROM user_task t
WHERE t.id = :task_id AND a.instance_id IS NULL AND a.uploader_id = :person_id AND t.draft IS NOT NULL
    AND jsonb_path_exists(t.draft, '$.** ? (@ == $id)', jsonb_build_object('id', a.id))
""")

BY_INSTANCE: TextClause = text("""
SELECT id FROM user_task WHERE id = ANY(CAST(:task_ids AS uuid[])) ORDER BY instance_id, id
""")

# Who is suspended or gone and still has something open here, and how much.
LEFT_BEHIND: TextClause = text(f"""
SELECT m.id, count(*) AS issues
FROM membership m
JOIN issue i ON {_LIES_WITH.format(enterprise="m.enterprise_id", person="m.person_id")}
CROSS JOIN LATERAL ({_OPEN_SEATS.format(person="m.person_id")}) AS seat
WHERE m.enterprise_id = :enterprise_id AND NOT m.active
    AND (seat.as_submitter OR seat.as_executive OR seat.has_task)
GROUP BY m.id ORDER BY m.id
""")
