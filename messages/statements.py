"""The SQL of delivery, named. A claim, the tries of what was claimed, and what became of it."""

from sqlalchemy import TextClause, text

CLAIM: TextClause = text("""
    UPDATE message SET state = 'sending', claimed_at = :now, waits_for = NULL
    WHERE id IN (
        SELECT id FROM message
        WHERE id = ANY(:ids) AND (expires_at IS NULL OR expires_at > :now)
            AND ((state IN ('queued', 'asking') AND due_at <= :now) OR (state = 'sending' AND claimed_at <= :stale))
        ORDER BY id FOR UPDATE SKIP LOCKED
    )
    RETURNING id, person_id, to_phone, to_mail, template, params, title, text, sms_text, secret, is_code, topic, channels,
        process, instance_id, claimed_at, expires_at
""")

READ_TRIES: TextClause = text("""
    SELECT a.id, a.message_id, a.channel, a.provider, a.at, a.outcome, a.answer, a.arrived, a.asks
    FROM message_attempt a JOIN message m ON m.id = a.message_id
    WHERE a.message_id = ANY(:ids) AND a.at >= coalesce(m.again_at, '-infinity'::timestamptz)
    ORDER BY a.at, a.id
""")

READ_PREFERENCES: TextClause = text("""
    SELECT person_id, off, quiet_from, quiet_to FROM message_preference WHERE person_id = ANY(:ids)
""")

# Whoever died while sending may have sent it.
CLOSE_TRIES: TextClause = text("""
    UPDATE message_attempt SET outcome = 'uncertain', code = 'worker_died', ended_at = :now, explanation = :explanation,
        answer = CASE WHEN id = ANY(:repeated) THEN 'repeated' END
    WHERE id = ANY(:ids)
""")

BEGIN_TRIES: TextClause = text("""
    WITH begun AS (
        INSERT INTO message_attempt (id, message_id, at, channel, provider, is_code, outcome, code, explanation, ended_at, asks)
        SELECT id, message_id, at, channel, provider, is_code, outcome, code, explanation, ended_at, 0
        FROM jsonb_populate_recordset(NULL::message_attempt, CAST(:rows AS jsonb))
        RETURNING message_id, channel, provider, outcome
    )
    UPDATE message m SET tries = tries + 1, channel = begun.channel, provider = begun.provider
    FROM begun WHERE m.id = begun.message_id AND begun.outcome IS NULL
""")

# What was claimed and is not sent now: put off, or the end of it.
PUT_OFF: TextClause = text("""
    UPDATE message m SET state = r.state, due_at = coalesce(r.due_at, m.due_at), error = coalesce(r.error, m.error),
        waits_for = r.waits_for,
        secret = CASE WHEN r.state = 'queued' THEN m.secret END
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(id uuid, state text, due_at timestamptz, error text, waits_for text)
    WHERE m.id = r.id
""")

# A try that was accepted is accepted, also when it took so long that another worker has looked after the message meanwhile.
_MINE = "m.state = 'sending' AND m.claimed_at = :claimed_at"
_SETTLE = f"""
    UPDATE message m SET state = CAST(:state AS text), due_at = coalesce(CAST(:due_at AS timestamptz), m.due_at),
        error = CAST(:error AS text),
        secret = CASE WHEN CAST(:state AS text) IN ('queued', 'asking') THEN m.secret END,
        channel = CAST(:channel AS text), provider = CAST(:provider AS text),
        reference = coalesce(CAST(:reference AS text), m.reference),
        sent_at = coalesce(CAST(:sent_at AS timestamptz), m.sent_at),
        arrived = CAST(:arrived AS boolean), report_code = CAST(:report_code AS text),
        reported_at = CASE WHEN CAST(:arrived AS boolean) IS NOT NULL THEN CAST(:now AS timestamptz) END
    WHERE m.id = :id AND ({_MINE}
        OR (CAST(:sent_at AS timestamptz) IS NOT NULL
            AND m.state IN ('queued', 'asking', 'uncertain', 'failed', 'expired')))
    RETURNING m.id
"""

# What was accepted says that nothing is wrong with its route any more.
RECORD_TRY: TextClause = text(f"""
    WITH ended AS (
        UPDATE message_attempt SET ended_at = CAST(:now AS timestamptz), outcome = CAST(:outcome AS text),
            code = CAST(:code AS text),
            explanation = CAST(:explanation AS text), reference = CAST(:reference AS text), answer = CAST(:answer AS text)
        WHERE id = :attempt_id
            AND (outcome IS NULL OR CAST(:outcome AS text) = 'accepted' OR (outcome = 'uncertain' AND answer IS NULL))
    ), works AS (
        UPDATE message_alarm SET closed_at = CAST(:now AS timestamptz)
        WHERE channel = CAST(:channel AS text) AND provider = CAST(:provider AS text) AND closed_at IS NULL
            AND CAST(:outcome AS text) = 'accepted'
    ) {_SETTLE}
""")

RECORD_ANSWER: TextClause = text(f"""
    WITH answered AS (
        UPDATE message_attempt SET asks = asks + 1, answer = CAST(:answer AS text), code = coalesce(CAST(:code AS text), code),
            explanation = coalesce(CAST(:explanation AS text), explanation), reference = CAST(:reference AS text),
            answered_at = CASE WHEN CAST(:answer AS text) IS NOT NULL THEN CAST(:now AS timestamptz) END,
            arrived = CAST(:arrived AS boolean), report_code = CAST(:report_code AS text)
        WHERE id = :attempt_id
    ) {_SETTLE}
""")

EXPIRE: TextClause = text("""
    UPDATE message SET state = 'expired', secret = NULL
    WHERE state IN ('queued', 'sending', 'asking') AND expires_at <= :now
""")

FIND_FORGOTTEN: TextClause = text("""
    SELECT id FROM message
    WHERE (state IN ('queued', 'asking') AND due_at <= :stale) OR (state = 'sending' AND claimed_at <= :stale)
    ORDER BY id LIMIT :batch
""")

# A route is in trouble while its last word of the past minute was bad, or while somebody waits for it too long.
FIND_TROUBLED: TextClause = text("""
    SELECT r.channel, r.provider
    FROM unnest(CAST(:channels AS text[]), CAST(:providers AS text[])) AS r(channel, provider)
    CROSS JOIN LATERAL (
        SELECT a.outcome FROM message_attempt a
        WHERE a.channel = r.channel AND a.provider = r.provider AND a.at > :since
            AND (a.outcome IN ('accepted', 'later', 'operator', 'uncertain') OR (a.outcome IS NULL AND a.at < :slow))
        ORDER BY a.at DESC LIMIT 1
    ) AS last
    WHERE last.outcome IS DISTINCT FROM 'accepted'
""")

COUNT_SMS: TextClause = text("""
    SELECT count(*) FROM message_attempt
    WHERE channel = 'sms' AND at > :since AND NOT is_code AND outcome IS DISTINCT FROM 'skipped'
""")

# By person, and by phone where there is no person; the receiver is in `message` alone.
COUNT_SMS_OF_EACH: TextClause = text("""
    SELECT coalesce(CAST(m.person_id AS text), m.to_phone) AS receiver, count(*) AS sms
    FROM message m JOIN message_attempt a ON a.message_id = m.id
    WHERE (m.person_id = ANY(:person_ids) OR (m.person_id IS NULL AND m.to_phone = ANY(:phones)))
        AND m.id > :since_id AND a.channel = 'sms' AND a.at > :since AND NOT a.is_code
        AND a.outcome IS DISTINCT FROM 'skipped'
    GROUP BY 1
""")

LOCK_BUDGET: TextClause = text("SELECT pg_advisory_xact_lock(hashtextextended('message budget', 0))")
