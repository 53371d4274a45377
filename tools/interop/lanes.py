"""Runs peers side by side: lanes.py --lanes N --limit SECONDS [--scripts FOLDER] [--logs FOLDER] NAME…

Each NAME is a script SCRIPTS/NAME.sh; what it prints goes to LOGS/interop-NAME.log, and its rows of the table of peers to
LOGS/interop-NAME.row. The longest begin first (SCRIPTS/seconds.txt: NAME SECONDS; what is not there may be long). Of each
that has ended is told in one piece, in the end of all, in the order of the NAMEs, and 'N passed, M failed'. A signal
ends all. $COMMIT is the rows'."""
import argparse, concurrent.futures, os, re, signal, subprocess, sys, threading, time

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
HERE = os.path.dirname(os.path.abspath(__file__))


class Peer:
    def __init__(self, name, options):
        self.name, self.options = name, options
        self.log = os.path.join(options.logs, "interop-%s.log" % name)
        self.passed, self.failed, self.seconds = 0, 1, 0
        self.keeper = None

    def start(self):
        self.begun = time.monotonic()
        # in a session of its own: a terminal's Ctrl-C comes to it through us alone, once
        self.keeper = subprocess.Popen([sys.executable, os.path.join(HERE, "keep.py"), str(self.options.limit), self.log,
                                        "sh", os.path.join(self.options.scripts, self.name + ".sh")], start_new_session=True)

    def finish(self):
        ended = self.keeper.wait() == 0
        self.seconds = int(time.monotonic() - self.begun)
        with open(self.log, errors="replace") as f:
            self.lines = f.read().splitlines()
        totals = [m for m in (re.match(r"(\d+) passed, (\d+) failed", line) for line in self.lines) if m]
        if totals:
            self.passed, self.failed = int(totals[-1][1]), int(totals[-1][2])
        if not ended:  # what it had counted is not all
            self.failed = max(self.failed, 1)
        self.write_rows()

    def write_rows(self):
        """One that ran its peer in more than one way says 'row: NAME, WAY N N' of each."""
        rows = [m.groups() for m in (re.match(r"row: (.*) (\d+) (\d+)$", line) for line in self.lines) if m]
        with open(os.path.join(self.options.logs, "interop-%s.row" % self.name), "w") as f:
            for row in rows or [(self.name, self.passed, self.failed)]:
                f.write("| %s | %s | %s | %d | %s | %s |\n" % (
                    *row, self.seconds, os.environ.get("COMMIT", "unknown"), time.strftime("%Y-%m-%d", time.gmtime())))

    def told(self):
        out = ["== " + self.name]
        if self.failed:
            out += [line for line in self.lines if not line.startswith("ok")][-40:] + ["   the whole log: " + self.log]
        return "\n".join(out + ["   %d passed, %d failed (%d s)" % (self.passed, self.failed, self.seconds), ""])


class Lanes:
    def __init__(self, options):
        self.peers = [Peer(name, options) for name in options.names]
        self.lanes, self.lock, self.stopped = options.lanes, threading.Lock(), False

    def run_one(self, peer):
        with self.lock:
            if self.stopped:
                return
            sys.stderr.write("   begun: %s\n" % peer.name)
            peer.start()
        peer.finish()
        with self.lock:
            if not self.stopped:
                sys.stdout.write(peer.told())
                sys.stdout.flush()

    def run(self, seconds):
        first = sorted(self.peers, key=lambda p: -seconds.get(p.name, float("inf")))
        with concurrent.futures.ThreadPoolExecutor(self.lanes) as pool:
            try:
                for done in concurrent.futures.as_completed([pool.submit(self.run_one, p) for p in first]):
                    done.result()
            except BaseException:
                self.stop()
                raise

    def stop(self):
        for s in STOPPING:
            signal.signal(s, signal.SIG_IGN)  # one is enough
        with self.lock:
            self.stopped = True
        for peer in self.peers:
            if peer.keeper:
                peer.keeper.terminate()

    def table(self):
        wide = max(len(p.name) for p in self.peers)
        out = ["%-*s  passed  failed  seconds" % (wide, "peer")]
        return "\n".join(out + ["%-*s  %6d  %6d  %7d" % (wide, p.name, p.passed, p.failed, p.seconds) for p in self.peers])


def seconds_known(folder):
    try:
        with open(os.path.join(folder, "seconds.txt")) as f:
            return {name: float(seconds) for name, seconds in (line.split() for line in f if not line.startswith("#"))}
    except FileNotFoundError:
        return {}


def stop(*_):
    raise KeyboardInterrupt


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--lanes", type=int, required=True)
    p.add_argument("--limit", type=float, required=True)
    p.add_argument("--scripts", default=HERE)
    p.add_argument("--logs", default="build")
    p.add_argument("names", nargs="+")
    options = p.parse_args()
    for s in STOPPING:
        signal.signal(s, stop)
    lanes = Lanes(options)
    try:
        lanes.run(seconds_known(options.scripts))
    except KeyboardInterrupt:
        sys.stderr.write("interop: stopped\n")
        sys.exit(130)
    if len(lanes.peers) > 1:
        print(lanes.table())
    failed = sum(p.failed for p in lanes.peers)
    print("%d passed, %d failed" % (sum(p.passed for p in lanes.peers), failed))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
