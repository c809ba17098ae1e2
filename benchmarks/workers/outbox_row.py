"""A row of the outbox as somebody writes it who has a session and no chassis: one statement."""

from sqlalchemy import text

ADD = text(
    """
    INSERT INTO outbox (id, segment, shard, event_id, topic, key, headers, body, created_at)
    SELECT id, outbox_segment(id), :shard, :event_id, :topic, :key, :headers, :body, :created_at
    FROM nextval('outbox_ids') AS id
    """
)
