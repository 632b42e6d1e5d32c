"""Heartbeats into SQLite as a person would write it: a row each, committed before the answer."""

import logging
import sqlite3
import sys
import threading
import time

from flask import Flask, jsonify, request
from waitress import serve

# More connections than threads is what is measured; it need not say so every second.
logging.getLogger("waitress.queue").setLevel(logging.ERROR)
port, database, tokens = int(sys.argv[1]), sys.argv[2], sys.argv[3]
app = Flask(__name__)
local = threading.local()


def connection():
    if not hasattr(local, "db"):
        local.db = sqlite3.connect(database, timeout=30)
        local.db.execute("PRAGMA journal_mode = WAL")
        local.db.execute("PRAGMA synchronous = FULL")
    return local.db


@app.post("/api/v1/heartbeats")
def heartbeats():
    db = connection()
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    device = db.execute("SELECT id FROM devices WHERE token = ?", (token,)).fetchone()
    if device is None:
        return jsonify(success=False), 401
    said = request.get_json()
    now = int(time.time())
    with db:
        for one in said if isinstance(said, list) else [said]:
            db.execute(
                "INSERT INTO heartbeats VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (device[0], one["boot_epoch"], one["boot_number"], one["session_start"], one["run_seconds"],
                 one["last_update"], one["status"], now),
            )
    return jsonify(success=True)


@app.get("/count")
def count():
    return jsonify(count=connection().execute("SELECT count(*) FROM heartbeats").fetchone()[0])


db = connection()
db.execute("CREATE TABLE devices (id INTEGER PRIMARY KEY, token TEXT NOT NULL UNIQUE)")
db.execute(
    "CREATE TABLE heartbeats (device INTEGER, boot_epoch TEXT, boot_number INTEGER, session_start INTEGER, "
    "run_seconds INTEGER, last_update INTEGER, status TEXT, received_at INTEGER)"
)
with open(tokens) as lines, db:
    db.executemany("INSERT INTO devices (token) VALUES (?)", ((line.strip(),) for line in lines))
serve(app, host="127.0.0.1", port=port)
