"""The engine's SQL that matters, named. Every change of an instance is one statement: whatever one command has to write
(tasks, groups, history, the instance itself) is written together, because a round trip costs more than a row.

Lists of rows travel as one JSON parameter each and are spread by `jsonb_to_recordset`. No row is touched twice in one
statement: a task is either new, or changed once.
"""

from sqlalchemy import TextClause, text

_INSTANCE = """i.id, i.definition_id, i.subject, i.state, i.state_name, i.status, i.phase, i.active_elements,
    i.next_due, i.version, i.started_at, i.started_by, i.ended_at"""

# Rows are locked in the order they are named here: the instance first, as every other command does.
LOCK_TASK: TextClause = text(f"""
SELECT {_INSTANCE},
    t.id AS task_id, t.definition_id AS task_definition_id, t.element_id, t.name, t.state AS task_state,
    t.version AS task_version, t.candidate_groups, t.assignee, t.claimed_by, t.claimed_at, t.claimed_first_at,
    t.due_at, t.created_at, t.completed_at, t.completed_by
FROM user_task t JOIN process_instance i ON i.id = t.instance_id
WHERE t.id = :task_id
FOR UPDATE OF i FOR UPDATE OF t
""")

LOCK_INSTANCE: TextClause = text(
    f"SELECT {_INSTANCE} FROM process_instance i WHERE i.id = :instance_id FOR UPDATE"
)

LOCK_DUE_INSTANCE: TextClause = text(f"""
SELECT {_INSTANCE} FROM process_instance i
WHERE i.next_due <= :now ORDER BY i.next_due LIMIT 1 FOR UPDATE SKIP LOCKED
""")

CLAIMED_AMONG: TextClause = text("""
SELECT id FROM user_task WHERE id = ANY(CAST(:task_ids AS uuid[])) AND claimed_by IS NOT NULL
""")

# Claim, release and hand-over differ only in who has the task afterwards. The state changes where a timer follows claims.
MOVE_TASK: TextClause = text("""
WITH task AS (
    UPDATE user_task SET
        claimed_by = CAST(:claimed_by AS uuid),
        claimed_at = CAST(:claimed_at AS timestamptz),
        claimed_first_at = coalesce(claimed_first_at, CAST(:claimed_at AS timestamptz)),
        assignee = CAST(:assignee AS uuid),
        version = version + 1
    WHERE id = :task_id AND state = 'ready'
), groups AS (
    UPDATE user_task_group SET open = CAST(:open AS boolean)
    WHERE task_id = :task_id AND open <> CAST(:open AS boolean)
), event AS (
    INSERT INTO process_event (instance_id, at, kind, element_id, element_name, task_id, actor_id, waited_s, details)
    VALUES (:instance_id, CAST(:now AS timestamptz), :kind, :element_id, :element_name, :task_id, CAST(:actor AS uuid),
        CAST(:waited_s AS float), CAST(:details AS jsonb))
)
UPDATE process_instance SET status = CAST(:status AS text), state = coalesce(CAST(:state AS bytea), state),
    next_due = CAST(:next_due AS timestamptz), version = version + 1
WHERE id = :instance_id AND version = :version
""")

# What tasks and history a step brings, the same for a new instance and for a step of an old one.
_STEP = """
new_task AS (
    INSERT INTO user_task (id, instance_id, definition_id, element_id, name, state, version, candidate_groups,
        assignee, claimed_by, claimed_at, claimed_first_at, due_at, created_at)
    SELECT r.id, :instance_id, :definition_id, r.element_id, r.name, 'ready', 1, r.candidate_groups,
        r.assignee, r.claimed_by, r.claimed_at, r.claimed_at, r.due_at, CAST(:now AS timestamptz)
    FROM jsonb_to_recordset(CAST(:new_tasks AS jsonb)) AS r(id uuid, element_id text, name text,
        candidate_groups text[], assignee uuid, claimed_by uuid, claimed_at timestamptz, due_at timestamptz)
    RETURNING id, candidate_groups, claimed_by, due_at
), new_group AS (
    INSERT INTO user_task_group (task_id, group_name, due_at, open)
    SELECT n.id, g.name, n.due_at, n.claimed_by IS NULL
    FROM new_task n, unnest(n.candidate_groups) AS g(name)
), event AS (
    INSERT INTO process_event (instance_id, at, kind, element_id, element_name, task_id, actor_id, waited_s, details)
    SELECT :instance_id, CAST(:now AS timestamptz), r.kind, r.element_id, r.element_name, r.task_id,
        CAST(:actor AS uuid),
        CASE WHEN r.kind IN ('task_completed', 'task_cancelled') THEN
            (SELECT extract(epoch FROM CAST(:now AS timestamptz) - t.created_at) FROM user_task t WHERE t.id = r.task_id)
        END,
        r.details
    FROM jsonb_to_recordset(CAST(:events AS jsonb)) AS r(kind text, element_id text, element_name text,
        task_id uuid, details jsonb)
)"""

START_INSTANCE: TextClause = text(f"""
WITH {_STEP}
INSERT INTO process_instance (id, definition_id, subject, state, state_name, status, phase, active_elements,
    next_due, version, started_at, started_by, ended_at)
VALUES (:instance_id, :definition_id, :subject, :state, :state_name, CAST(:status AS text), CAST(:phase AS text),
    CAST(:active_elements AS text[]), CAST(:next_due AS timestamptz), 1, CAST(:now AS timestamptz),
    CAST(:actor AS uuid), CAST(:ended_at AS timestamptz))
""")

SAVE_STEP: TextClause = text(f"""
WITH change AS (
    SELECT * FROM jsonb_to_recordset(CAST(:changes AS jsonb))
        AS r(id uuid, state text, due_at timestamptz, keep_due boolean, answers jsonb)
), changed_task AS (
    UPDATE user_task t SET
        state = c.state,
        definition_id = :definition_id,
        due_at = CASE WHEN c.keep_due THEN t.due_at ELSE c.due_at END,
        answers = c.answers,
        draft = CASE WHEN c.state = 'ready' THEN t.draft END,
        draft_saved_at = CASE WHEN c.state = 'ready' THEN t.draft_saved_at END,
        completed_at = CASE WHEN c.state <> 'ready' THEN CAST(:now AS timestamptz) END,
        completed_by = CASE WHEN c.state <> 'ready' THEN CAST(:actor AS uuid) END
    FROM change c WHERE t.id = c.id AND t.state = 'ready'
    RETURNING t.id, t.due_at, t.state
), changed_group AS (
    UPDATE user_task_group g SET open = g.open AND c.state = 'ready', due_at = c.due_at
    FROM changed_task c
    WHERE g.task_id = c.id AND (g.open AND c.state <> 'ready' OR g.due_at IS DISTINCT FROM c.due_at)
), {_STEP}
UPDATE process_instance SET
    definition_id = :definition_id, state = :state, state_name = :state_name, status = CAST(:status AS text),
    phase = CAST(:phase AS text), active_elements = CAST(:active_elements AS text[]),
    next_due = CAST(:next_due AS timestamptz), ended_at = CAST(:ended_at AS timestamptz), version = version + 1
WHERE id = :instance_id AND version = :version
""")

# A failure that is open already is counted, not repeated; the wait before the timer's next try doubles up to six hours.
RECORD_INCIDENT: TextClause = text("""
WITH again AS (
    UPDATE incident SET tries = tries + 1, last_at = CAST(:now AS timestamptz), error = CAST(:error AS varchar)
    WHERE id = (
        SELECT id FROM incident
        WHERE instance_id = :instance_id AND command = CAST(:command AS varchar) AND resolved_at IS NULL
            AND element_id IS NOT DISTINCT FROM CAST(:element_id AS text)
            AND task_id IS NOT DISTINCT FROM CAST(:task_id AS uuid)
        ORDER BY first_at LIMIT 1)
    RETURNING tries
), first AS (
    INSERT INTO incident (id, instance_id, element_id, task_id, command, error, tries, first_at, last_at)
    SELECT :incident_id, :instance_id, CAST(:element_id AS text), CAST(:task_id AS uuid),
        CAST(:command AS varchar), CAST(:error AS varchar), 1, CAST(:now AS timestamptz), CAST(:now AS timestamptz)
    WHERE NOT EXISTS (SELECT FROM again)
    RETURNING tries
)
UPDATE process_instance SET
    next_due = CAST(:now AS timestamptz) + least(interval '6 hours', interval '1 minute' * power(2, least(f.tries, 10) - 1))
FROM (SELECT tries FROM again UNION ALL SELECT tries FROM first) AS f
WHERE id = :instance_id AND next_due <= CAST(:now AS timestamptz)
""")

NEWEST_DEFINITION: TextClause = text("""
SELECT id, key, version, content_hash, deployed_at, deployed_by FROM process_definition
WHERE key = :key ORDER BY version DESC LIMIT 1
""")

DEFINITION_FILES: TextClause = text("SELECT key, files FROM process_definition WHERE id = :definition_id")

LOCK_KEY: TextClause = text(
    "SELECT pg_advisory_xact_lock(hashtextextended('process_definition:' || :key, 0))"
)

INSERT_DEFINITION: TextClause = text("""
INSERT INTO process_definition (id, key, version, content_hash, files, deployed_at, deployed_by)
SELECT :definition_id, CAST(:key AS varchar), coalesce(max(version), 0) + 1, CAST(:content_hash AS varchar),
    CAST(:files AS jsonb), CAST(:now AS timestamptz), CAST(:actor AS uuid)
FROM process_definition WHERE key = CAST(:key AS varchar)
RETURNING id, key, version, content_hash, deployed_at, deployed_by
""")
