"""What the programs that verify bridges share: our server, killed at will, and a proxy that stands before the
outside system and delays, cuts, resets, throttles and garbles."""
import ctypes, json, os, random, re, signal, socket, subprocess, threading, time, urllib.error, urllib.request

from checks import until
from ports import free_port


HASTE = ("'bridge.timeout' = '500 ms', 'bridge.retry.backoff' = '10 ms', 'bridge.retry.backoff.max' = '100 ms', "
         "'bridge.breaker.open' = '50 ms', 'bridge.breaker.open.max' = '100 ms'")


def made(first, count):
    """Rows of Server.source's columns."""
    return [{"id": i, "k": "k%d" % (i % 7), "n": i % 100, "ts": "2026-01-01 00:00:%02d.5" % (i % 60)}
            for i in range(first, first + count)]


def child(arguments, **more):
    """A process that ends with this one, however that ends."""
    return subprocess.Popen(arguments, preexec_fn=lambda: ctypes.CDLL(None).prctl(1, signal.SIGKILL), **more)


def statements(page):
    """Those that a page of docs shows, in its order."""
    with open(page) as f:
        return "\n".join(re.findall(r"^```sql\n(.*?)^```", f.read(), re.S | re.M))


class Server:
    """quickwater on a data directory of its own."""

    def __init__(self, work, **environment):
        os.makedirs(work, exist_ok=True)
        self.environment = {**os.environ, **environment}
        self.data, self.log = os.path.join(work, "data"), open(os.path.join(work, "server.err"), "ab")
        self.address = "127.0.0.1:%d" % free_port()
        self.start()

    def start(self):
        self.process = child(
            ["build/release/quickwater", "serve", "--data", self.data, "--http", self.address, "--kafka", "off",
             "--pg", "off", "--redis", "off"], stdout=subprocess.PIPE, stderr=self.log, text=True, env=self.environment)
        self.address = re.search(r"http=(\S+)", self.process.stdout.readline()).group(1)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def again(self):
        self.kill()
        self.start()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) == 0

    def http(self, method, path, body=None):
        request = urllib.request.Request("http://%s%s" % (self.address, path), method=method,
                                         data=body.encode() if body is not None else None)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as e:
            return json.loads(e.read())

    def sql(self, text):
        answer = self.http("POST", "/v1/sql", text)
        assert "error" not in answer, (text, answer)
        return answer["results"]

    def rows(self, text):
        return self.sql(text)[-1]["rows"]

    def refused(self, text):
        answer = self.http("POST", "/v1/sql", text)
        assert "error" in answer, (text, answer)
        return answer["error"]["message"]

    def post(self, topic, rows):
        self.http("POST", "/v1/topics/%s" % topic, "\n".join(json.dumps(r) for r in rows))

    def source(self, name):
        self.sql("CREATE TABLE %s (id BIGINT, k STRING, n INT, ts TIMESTAMP(3)) WITH ('connector' = 'kafka', "
                 "'topic' = '%s', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');" % (name, name))

    def arrived(self, table, seconds=60):
        try:
            until("%s is carried" % table, seconds, lambda: self.bridge(table)["lag"] == 0)
        except AssertionError as e:
            raise AssertionError(self.bridge(table)) from e

    def bridge(self, table):
        return [b for b in self.http("GET", "/v1/bridges") if b["table"] == table][0]

    def force(self, table, state):
        return self.http("POST", "/v1/bridges/%s/state" % table, json.dumps({"state": state}))


class Proxy:
    """On a port of its own, to a target; trouble is a set of words of delay, throttle, garble, cut, deaf, mute
    (what the target answers is dropped)."""

    def __init__(self, target):
        self.target, self.trouble, self.pairs = target, set(), []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.random = random.Random(7)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            client, _ = self.listener.accept()
            try:
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                client.close()
                continue
            self.pairs.append((client, server))
            for a, b, back in ((client, server, False), (server, client, True)):
                threading.Thread(target=self._carry, args=(a, b, back), daemon=True).start()

    def _carry(self, a, b, back):
        try:
            while data := a.recv(65536):
                if "deaf" in self.trouble or (back and "mute" in self.trouble):
                    continue
                if "delay" in self.trouble:
                    time.sleep(self.random.random() * 0.05)
                if "cut" in self.trouble and self.random.random() < 0.2:
                    b.sendall(data[:self.random.randrange(len(data))])
                    break
                if back and "garble" in self.trouble and self.random.random() < 0.3:
                    at = self.random.randrange(len(data))
                    data = data[:at] + bytes([data[at] ^ 0x5A]) + data[at + 1:]
                if "throttle" in self.trouble:
                    for i in range(0, len(data), 512):
                        b.sendall(data[i:i + 512])
                        time.sleep(0.002)
                else:
                    b.sendall(data)
        except OSError:
            pass
        for s in (a, b):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()

    def reset_all(self):
        """By RST, as when a firewall forgets."""
        for pair in self.pairs:
            for s in pair:
                try:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    s.close()
                except OSError:
                    pass
        self.pairs = []


def hurt(server, proxy, topic, rounds=4):
    """All that a connection can suffer, while rows go in; how many did."""
    sent = 0
    for trouble in ({"delay"}, {"cut"}, {"garble"}, {"throttle"}, {"deaf"}, {"cut", "delay"}, {"garble", "cut"}, set()):
        proxy.trouble = trouble
        for _ in range(rounds):
            server.post(topic, made(sent, 100))
            sent += 100
            time.sleep(0.3)
            proxy.reset_all()
    proxy.trouble = set()
    return sent


def kills(server, outside, topic, few=6, many=30):
    """Ours and theirs by turns, while rows go in; how many did."""
    rounds = few if os.environ.get("INTEROP_MODE") == "ci" else many
    for i in range(rounds):
        server.post(topic, made(i * 200, 200))
        time.sleep(0.02 * (i % 5))
        (outside, server)[i % 2].again()
    return rounds * 200
