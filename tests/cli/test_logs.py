from __future__ import annotations

import json
import logging
import sys

from livekit.cli.logs import JsonFormatter


def formatted(record: logging.LogRecord) -> dict[str, object]:
    line = JsonFormatter().format(record)
    assert "\n" not in line
    fields: dict[str, object] = json.loads(line)
    return fields


def test_record_becomes_an_object_with_its_fields() -> None:
    record = logging.getLogger("a.b").makeRecord(
        "a.b", logging.INFO, __file__, 1, "hello %s", ("you\n",), None, extra={"status": 200, "thing": {1}}
    )
    record.created = 0.25
    assert formatted(record) == {
        "time": "1970-01-01T00:00:00.250+00:00",
        "level": "info",
        "logger": "a.b",
        "message": "hello you\n",
        "status": 200,
        "thing": "{1}",
    }


def test_traceback_is_a_field() -> None:
    try:
        raise ValueError("no")
    except ValueError:
        record = logging.LogRecord("a", logging.ERROR, __file__, 1, "failed", None, sys.exc_info())
    assert "ValueError: no" in str(formatted(record)["exception"])
