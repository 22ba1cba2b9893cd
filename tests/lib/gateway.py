"""The gateway under test, as a process with its own folder, ports and logs.

The environment decides what is tested:
  COUNTERSIGN      the binary (default build/countersign)
  COUNTERSIGN_AS   "nginx" runs the distribution's nginx in its place. Every story about what
                   nginx does too must pass there: this is how the stories are kept honest.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile

from backend import free_port
from waiting import wait_for

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
IS_NGINX = os.environ.get("COUNTERSIGN_AS") == "nginx"
BINARY = os.path.abspath(os.environ.get("COUNTERSIGN")
                         or os.path.join(TOP, "build", "countersign"))
PROGRAM = shutil.which("nginx") if IS_NGINX else BINARY


def _is_sanitized(path):
    try:
        with open(path, "rb") as file:
            return b"__asan_init" in file.read()
    except OSError:
        return False


SANITIZED = _is_sanitized(PROGRAM)
IS_ROOT = os.geteuid() == 0
STOP_S = 5.0

# what must never be said, in any log, by any process
CALAMITY = re.compile(r"AddressSanitizer|LeakSanitizer|runtime error:|UndefinedBehavior"
                      r"|assertion .* failed|exited on signal (?!15|9)|SIGSEGV|SIGABRT", re.I)

TEMP_PATHS = "".join(f"    {kind}_temp_path @dir@/{kind};\n"
                     for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))

# A whole nginx.conf around the body that a story brings.
WHOLE = """\
worker_processes @workers@;
pid @dir@/gateway.pid;
error_log @dir@/error.log @level@;
@main@
events { worker_connections @connections@; }
http {
""" + TEMP_PATHS + """\
    access_log @dir@/access.log;
@protocols@
@body@
}
"""

# the default of current nginx, which the distribution's has not yet
PROTOCOLS = "    ssl_protocols TLSv1.2 TLSv1.3;" if IS_NGINX else ""

TLS_SERVER = """
server {
    listen 127.0.0.1:@tls@ ssl;
    server_name @name@;
    ssl_certificate @pki@/server.pem;
    ssl_certificate_key @pki@/server.key;
    ssl_client_certificate @pki@/ca.pem;
    ssl_verify_client @verify@;
@body@
}
"""


def server(body="location / { proxy_pass http://@backend@; }", name="a.test", verify="on",
           port="@tls@", ca="ca.pem"):
    """A server block with mutual TLS, as most stories need it."""
    text = TLS_SERVER.replace("@tls@", port).replace("@name@", name)
    return (text.replace("@verify@", verify).replace("@pki@/ca.pem", "@pki@/" + ca)
            .replace("@body@", body))


class StartFailure(Exception):
    """The gateway ended instead of starting; the text is what it printed and logged."""


class Gateway:
    """A running gateway.

    The body is http content; @word@ stands for a value: dir, pki, every keyword argument,
    and a fresh port for every other word. port["word"] tells which.
    whole=False takes the text as the whole configuration file.
    """

    def __init__(self, body, *, pki, whole=True, start=True, workers=1, connections=1024,
                 level="info", main="", arguments=None, program=None, limits=None,
                 prepare=None, **words):
        self.dir = tempfile.mkdtemp(prefix="countersign-")
        os.chmod(self.dir, 0o755)
        os.mkdir(self.path("san"), 0o777)
        os.chmod(self.path("san"), 0o777)
        self.body = body
        self.whole = whole
        self.program = program or PROGRAM
        self.arguments = arguments
        self.limits = limits
        self.words = {"dir": self.dir, "pki": pki.dir, "workers": workers, "main": main,
                      "connections": connections, "level": level, "protocols": PROTOCOLS,
                      **words}
        self.port = {}
        self.process = None
        self.output = self.path("output")
        self.pid_file = "gateway.pid"
        self.forgiven = None
        self.ended = False  # the story has seen it end
        self.conf = self.path("gateway.conf")
        if prepare:
            prepare(self.dir)
        if start:
            self.start()

    def path(self, name):
        return os.path.join(self.dir, name)

    # configuration

    def write(self, body=None):
        """Write the configuration, with the ports it already has."""
        if body is not None:
            self.body = body
        text = WHOLE.replace("@body@", self.body) if self.whole else self.body
        for _ in range(3):
            text = re.sub(r"@([a-z_0-9]+)@", self._word, text)
        with open(self.conf, "w", encoding="utf-8") as out:
            out.write(text)
        return self

    def _word(self, match):
        word = match.group(1)
        if word in self.words:
            return str(self.words[word])
        if word not in self.port:
            self.port[word] = free_port()
        return str(self.port[word])

    # life

    def command(self):
        if self.arguments is not None:
            arguments = [a.replace("@dir@", self.dir) for a in self.arguments]
            return [self.program, *arguments]
        flags = ["-p", self.dir + "/", "-c", "gateway.conf", "-e", self.path("error.log"),
                 "-g", "daemon off;"]
        return [self.program, *([] if IS_NGINX else ["run"]), *flags]

    def start(self):
        """Start and wait until it listens; a port that was taken meanwhile is replaced."""
        for attempt in range(3):
            self.write()
            try:
                self._start()
                return self
            except StartFailure as failure:
                if "in use" not in str(failure) or attempt == 2:
                    raise
                self.port.clear()
                for log in ("error.log", "output"):
                    if os.path.exists(self.path(log)):
                        os.unlink(self.path(log))
        return self

    def environment(self):
        env = dict(os.environ)
        log = self.path("san") + "/report"
        env["ASAN_OPTIONS"] = f"log_path={log}:" + env.get("ASAN_OPTIONS", "")
        env["UBSAN_OPTIONS"] = (f"log_path={log}:print_stacktrace=1:"
                                + env.get("UBSAN_OPTIONS", ""))
        return env

    def _start(self):
        with open(self.output, "ab") as out:
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=self.dir,
                start_new_session=True, env=self.environment(), preexec_fn=self.limits)
        wait_for(self._ready, "the pid file of the gateway")

    def _ready(self):
        code = self.process.poll()
        if code is not None:
            self.ended = True
            raise StartFailure(f"exit status {code}: {self.said()}\n{self.log()}")
        return self.pid() is not None

    def pid(self):
        """What the pid file says; None while there is no whole one."""
        try:
            with open(self.path(self.pid_file), encoding="ascii") as file:
                text = file.read()
        except FileNotFoundError:
            return None
        return int(text) if text.strip() else None

    def send_signal(self, number):
        os.kill(self.process.pid, number)

    def workers(self):
        """The process ids of the children of the supervisor."""
        pid = self.process.pid
        try:
            with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
                return [int(p) for p in file.read().split() if not _is_zombie(int(p))]
        except FileNotFoundError:
            return []

    def reload(self, body=None, settled=False):
        """Reload with another body, and wait for the new workers; settled: until the old ones
        have gone too, which is when the last connection of theirs has ended."""
        if body is not None:
            self.write(body)
        before = set(self.workers())
        self.send_signal(signal.SIGHUP)
        wanted = int(self.words["workers"])
        wait_for(lambda: len(set(self.workers()) - before) >= wanted, "new workers")
        if settled:
            wait_for(lambda: not set(self.workers()) & before, "the old workers to go")

    def wait(self, timeout_s=STOP_S):
        """The exit status, once the process has ended."""
        status = self.process.wait(timeout_s)
        self.ended = True
        return status

    def stop(self, number=signal.SIGTERM):
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.send_signal(number)
        return self.wait()

    def finish(self):
        """End of the story: it must go at once when told to, and must have kept its temper."""
        try:
            if self.process is not None and not self.ended:
                assert self.process.poll() is None, (
                    f"it ended by itself, exit status {self.process.poll()}: "
                    f"{self.said()}\n{self.log()[-3000:]}")
                family = self.family()
                status = self.stop()
                assert status == 0, f"exit status {status}: {self.said()}\n{self.log()[-3000:]}"
                wait_for(lambda: not any(map(_is_alive, family)), "every worker to end", STOP_S)
            self.check_temper()
        finally:
            self.kill()
            shutil.rmtree(self.dir, ignore_errors=True)

    def family(self):
        return [self.process.pid, *self.workers()]

    def kill(self):
        """Leave nothing behind, whatever happened."""
        if self.process is None:
            return
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait(STOP_S)

    def check_temper(self):
        reports = [open(self.path("san/" + f), encoding="utf-8", errors="replace").read()
                   for f in os.listdir(self.path("san"))]
        assert not reports, "\n".join(reports)[:8000]
        for text in (self.said(), self.log()):
            bad = CALAMITY.search(text)
            if bad and not (self.forgiven and re.search(self.forgiven, text)):
                raise AssertionError(text[max(0, bad.start() - 500):bad.start() + 4000])

    # what it says

    def read(self, name):
        try:
            with open(self.path(name), encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def log(self):
        return self.read("error.log")

    def said(self):
        """Standard output and standard error."""
        return self.read("output")

    def access(self):
        return self.read("access.log")

    def wait_log(self, pattern, timeout_s=5.0, name="error.log", start=0):
        """The first match of the pattern in a log, as soon as it is there."""
        found = re.compile(pattern, re.I)

        def look():
            return found.search(self.read(name), start)

        try:
            return wait_for(look, pattern, timeout_s)
        except AssertionError:
            raise AssertionError(f"no {pattern!r} in {name}:\n{self.read(name)[-3000:]}") from None

    def memory_kib(self):
        """Resident memory of all workers together, shared pages split among them; without the
        program's own pages, of which a path that is taken for the first time brings in some."""
        total = 0
        for pid in self.workers():
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
                total += sum(map(int, re.findall(r"^Pss_(?:Anon|Shmem):\s+(\d+)", file.read(),
                                                 re.M)))
        return total

    def descriptors(self):
        return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in self.workers())


def _state(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="latin-1") as file:
            return file.read().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return None


def _is_zombie(pid):
    return _state(pid) in ("Z", None)


def _is_alive(pid):
    return _state(pid) not in ("Z", None)


def run(*arguments, program=None, cwd=None, input_text=None, timeout_s=20, env=None):
    """Run the program to its end: exit status, standard output, standard error."""
    done = subprocess.run([program or PROGRAM, *arguments], capture_output=True, cwd=cwd,
                          timeout=timeout_s, check=False, text=True, errors="replace",
                          input=input_text, env={**os.environ, **(env or {})})
    return done


def listens(port, host="127.0.0.1"):
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False
