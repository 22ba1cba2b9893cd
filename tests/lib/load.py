"""Load: many clients that do as HTTP says, and remember every failure."""

import threading

from waiting import wait_for


class Load:
    """Keep-alive clients that do as HTTP says: one request after the other on a connection
    until the answer says close, then a new connection. Every failure is kept."""

    def __init__(self, connect, count, target="/"):
        self.connect = connect
        self.target = target
        self.stop = threading.Event()
        self.failures = []
        self.done = [0] * count
        self.threads = [threading.Thread(target=self._run, args=(n,), daemon=True)
                        for n in range(count)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        wait_for(lambda: all(self.done), "every client to have had an answer", 20)
        return self

    def __exit__(self, *exc):
        self.stop.set()
        for thread in self.threads:
            thread.join(15)

    def _run(self, number):
        while not self.stop.is_set():
            try:
                with self.connect() as client:
                    while not self.stop.is_set():
                        answer = client.request("GET", self.target)
                        assert answer.status == 200, answer.status
                        self.done[number] += 1
                        if not answer.keeps_alive():
                            break
            except Exception as error:  # pylint: disable=broad-except
                self.failures.append(repr(error))
                if len(self.failures) > 100:
                    return


class OneRequest:
    """A client that takes a new connection for each request."""

    def __init__(self, connection):
        self.connection = connection

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.connection.close()

    def request(self, method, target):
        answer = self.connection.request(method, target)
        answer.keeps_alive = lambda: False
        return answer
