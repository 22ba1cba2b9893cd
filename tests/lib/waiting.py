"""Waiting for something to become true, without sleeping longer than it takes."""

import time

POLL_S = 0.01
PATIENCE_S = 10.0


def wait_for(condition, what, timeout_s=PATIENCE_S):
    """Call condition() until it returns something true, and return that.

    An exception that condition() raises on its last call is passed on, so that an assertion
    inside it explains the failure; otherwise the failure says what was waited for.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        late = time.monotonic() >= deadline
        try:
            value = condition()
        except (AssertionError, OSError):
            if late:
                raise
            value = None
        if value:
            return value
        if late:
            raise AssertionError(f"waited {timeout_s:g} s in vain for {what}")
        time.sleep(POLL_S)


def wait_until(moment):
    """Sleep until the wall clock (time.time()) shows at least moment, in short naps."""
    while True:
        left = moment - time.time()
        if left <= 0:
            return
        time.sleep(min(left, 0.1))
