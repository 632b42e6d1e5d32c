-- A session that has a place is listed at its beginning: `uptime_sessions_newest` finds what this index found. It was a page of
-- each device in each commit of heartbeats.
DROP INDEX uptime_sessions_placed;
