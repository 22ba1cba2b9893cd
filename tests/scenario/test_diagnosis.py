"""The manual's samples of what is said about ten faults are what is said."""

import os
import subprocess
import sys

import pytest

from gateway import PROGRAM, TOP

pytestmark = pytest.mark.countersign


def test_the_page_has_what_is_printed_today():
    done = subprocess.run([sys.executable, os.path.join(TOP, "tools", "gen-diagnosis"), PROGRAM,
                           "--check"], capture_output=True, text=True, check=False)
    if done.returncode == 77:
        pytest.skip(done.stdout.strip())
    assert done.returncode == 0, done.stdout + done.stderr
