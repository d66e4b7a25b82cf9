"""The native module: functions of the headers without their prefix, called by the typed modules beside it."""

from typing import Any

def __getattr__(name: str) -> Any: ...
