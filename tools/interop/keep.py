"""Runs a command, and nothing that it started outlives it: keep.py SECONDS LOG COMMAND…

After SECONDS, or by SIGTERM, the command is ended. Its temporary files go into a folder of its own, which is removed.
What it prints goes to LOG. Ends with 0 if the command came to its end, else with 1."""
import ctypes, os, shutil, signal, subprocess, sys, tempfile, time

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
WAKING = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP}


def reap(pid):
    """Whether pid is among the children that have ended."""
    ended = False
    while True:
        try:
            gone, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if gone == 0:
            return ended
        ended |= gone == pid


def descendants():
    """{pid: name} of what runs below this process: what lost its parent has become a child of this one."""
    below, names = {}, {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % pid, errors="replace") as f:
                head, _, tail = f.read().rpartition(")")
        except OSError:
            continue
        state, parent = tail.split()[:2]
        if state != "Z":
            below.setdefault(int(parent), []).append(int(pid))
            names[int(pid)] = head.partition("(")[2]
    found, todo = {}, [os.getpid()]
    while todo:
        for pid in below.get(todo.pop(), []):
            found[pid] = names[pid]
            todo.append(pid)
    return found


def end_all(log):
    """Asks what is left to end, and after five seconds no longer asks."""
    told = {}
    end = time.monotonic() + 5
    while left := descendants():
        for pid in left:
            sign = signal.SIGTERM if time.monotonic() < end else signal.SIGKILL
            if told.get(pid) != sign:
                told[pid] = sign
                try:
                    os.kill(pid, sign)
                except ProcessLookupError:
                    pass
        if time.monotonic() > end + 10:
            log.write("still there: %s\n" % left)
            break
        time.sleep(0.05)
        reap(0)
    reap(0)


def keep(seconds, log, command):
    """Whether the command came to its end."""
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    signal.pthread_sigmask(signal.SIG_BLOCK, WAKING)
    folder = tempfile.mkdtemp(prefix="interop-")
    os.chmod(folder, 0o711)  # PostgreSQL runs as another user
    try:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=dict(os.environ, TMPDIR=folder),
                                 preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, WAKING))
        end, why = time.monotonic() + seconds, None
        while not why and not reap(child.pid):
            left = end - time.monotonic()
            woken = signal.sigtimedwait(WAKING, left) if left > 0 else None
            if woken is None:
                why = "not at its end after %d s" % seconds
            elif woken.si_signo != signal.SIGCHLD:
                why = "it was stopped"
        end_all(log)
        child.returncode = 0  # reaped here, not by its object
        log.write("%s\n" % why if why else "")
        return not why
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    with open(sys.argv[2], "w", buffering=1) as log:
        ended = keep(float(sys.argv[1]), log, sys.argv[3:])
    sys.exit(0 if ended else 1)
