"""Members of one group come, go and are killed, and so is the server: python3 consumers.py SEED ROUNDS SERVER… -- READ… -- WRITE…

Says what is wrong: a partition that two members read at one time, one that nobody reads when all is quiet, a
record that nobody read. SERVER… takes --data DIR and --kafka ADDRESS; READ… and WRITE… are members as in
consumers_member.c. PROTOCOLS: of the members, "consumer" or "classic" or both with a comma (one for each by
chance; then the group goes from one protocol to the other and back as they come and go). Standard library only.
"""
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

from ports import free_port

PARTITIONS, MEMBERS = 8, 5
PROTOCOLS = os.environ.get('PROTOCOLS', 'consumer').split(',')


class Member:
    def __init__(self, world, command, *args):
        self.static, self.lost = args[-1] == 'one', 0
        self.path = os.path.join(world.dir, '%s%d' % (args[0], len(world.members)))
        self.out = open(self.path, 'wb')
        self.err = open(self.path + '.err', 'wb')
        self.ended = None  # ns
        self.process = subprocess.Popen(command + list(args), stdout=self.out, stderr=self.err)

    def alive(self):
        return self.ended is None and self.process.poll() is None

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.ended = time.monotonic_ns()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)

    def lines(self):
        for line in open(self.path):
            if not line.endswith('\n'):  # still being written, or cut off by a kill
                break
            t, what, partition, offset = line.split()
            yield int(t), what, int(partition), int(offset)

    def spans(self):
        """(partition, from, to) in ns; to None: still. A member that was put out learns of it late: what it
        had ends with the last record that it read."""
        open_since, last, out = {}, {}, []
        self.lost = 0
        for t, what, p, lost in self.lines():
            if what == 'A':
                open_since[p] = last[p] = t
            elif what == 'M':
                last[p] = t
            elif what == 'R' and p in open_since:
                self.lost += lost
                out.append((p, open_since.pop(p), last[p] if lost else t))
        end = self.ended
        if end is None and self.process.poll() is not None:
            end = time.monotonic_ns()
        return out + [(p, t, end) for p, t in open_since.items()]


class World:
    def __init__(self, server, read, write, folder):
        self.server_command, self.read, self.write, self.dir = server, read, write, folder
        self.members, self.server, self.writer = [], None, None
        self.broker = '127.0.0.1:%d' % free_port()

    def start_server(self):
        log = open(os.path.join(self.dir, 'server.out'), 'w+')
        self.server = subprocess.Popen(
            self.server_command + ['--data', os.path.join(self.dir, 'data'), '--kafka', self.broker,
                                   '--config', os.path.join(self.dir, 'conf')], stdout=log, stderr=log)
        for _ in range(300):
            log.seek(0)
            if 'ready' in log.read():
                return
            time.sleep(0.05)
        log.seek(0)
        sys.exit('the server does not start: ' + log.read())

    def kill_server(self):
        self.server.send_signal(signal.SIGKILL)
        self.server.wait()
        self.start_server()

    def join(self, protocol, instance='-'):
        self.members.append(Member(self, self.read, 'read', self.broker, 't', 'g', protocol, instance))

    def living(self):
        return [m for m in self.members if m.alive()]


def act(world, rng, log):
    living = world.living()
    what = rng.choice(['join', 'join', 'stop', 'kill', 'server'])
    if what == 'join' and len(living) < MEMBERS:
        world.join(rng.choice(PROTOCOLS), 'one' if rng.random() < 0.2 and not any(m.static for m in living) else '-')
    elif what == 'stop' and len(living) > 1:
        rng.choice(living).stop()
    elif what == 'kill' and len(living) > 1:
        rng.choice(living).kill()
    elif what == 'server':
        world.kill_server()
    else:
        return
    log[what] = log.get(what, 0) + 1


def read_twice(world):
    spans = sorted((p, a, b or float('inf'), i) for i, m in enumerate(world.members) for p, a, b in m.spans())
    bad = []
    for (p, _, end, i), (q, begin, _, k) in zip(spans, spans[1:]):
        if p == q and begin < end and i != k:
            bad.append('partition %d: member %d begins %.0f ms before member %d ends' % (p, k, (end - begin) / 1e6, i))
    return bad


def owners(world):
    out = {}
    for m in world.living():
        for p, _, end in m.spans():
            if end is None:
                out[p] = out.get(p, 0) + 1
    return out


def settle(world, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if owners(world) == {p: 1 for p in range(PARTITIONS)}:
            return None
        time.sleep(0.2)
    return 'when all is quiet: partitions and their readers %s' % owners(world)


def unread(world, writer, seconds):
    end = time.monotonic() + seconds
    while True:
        written = {(p, o) for _, what, p, o in writer.lines() if what == 'P'}
        read = {(p, o) for m in world.members for _, what, p, o in m.lines() if what == 'M'}
        if written <= read or time.monotonic() > end:
            return len(written), sorted(written - read)
        time.sleep(0.5)


def run(world, rng, rounds):
    log = {}
    open(os.path.join(world.dir, 'conf'), 'w').write(
        '[kafka]\nconsumer_session = "5s"\nconsumer_heartbeat = "300ms"\n[topics]\npartitions = %d\n' % PARTITIONS)
    world.start_server()
    writer = world.writer = Member(world, world.write, 'write', world.broker, 't', '100000000')
    time.sleep(1)
    for _ in range(3):
        world.join(rng.choice(PROTOCOLS))
    for _ in range(rounds):
        time.sleep(rng.uniform(0.3, 2.5))
        act(world, rng, log)
    bad = []
    late = settle(world, 120)
    if late:
        bad.append(late)
    writer.stop()
    writer.process.wait()
    count, missing = unread(world, writer, 30)
    if missing:
        bad.append('%d of %d records nobody read, the first %s' % (len(missing), count, missing[:5]))
    bad += read_twice(world)
    print('%d members (%d partitions taken from who was put out), %d records; %s' % (len(world.members), sum(m.lost for m in world.members), count, ', '.join('%s %d' % i for i in sorted(log.items()))))
    return bad


def main():
    seed, rounds, commands = int(sys.argv[1]), int(sys.argv[2]), [[]]
    for word in sys.argv[3:]:
        if word == '--':
            commands.append([])
        else:
            commands[-1].append(word)
    with contextlib.ExitStack() as stack:
        folder = os.environ.get('KEEP') or stack.enter_context(tempfile.TemporaryDirectory())
        world = World(commands[0], commands[1], commands[2], folder)
        try:
            bad = run(world, random.Random(seed), rounds)
        finally:
            for m in world.members + [world.writer]:
                if m and m.alive():
                    m.kill()
            if world.server:
                world.server.send_signal(signal.SIGKILL)
                world.server.wait()
    for line in bad:
        print('FAILED seed %d: %s' % (seed, line))
    if not bad:
        print('ok seed %d' % seed)
    sys.exit(1 if bad else 0)


main()
