#!/usr/bin/env python3
"""Runs the same SQL on a real Flink and on Quickwater, and compares what comes out.

compare.py --oracle COMMAND --quickwater PROGRAM --work DIR [--kept DIR] FILE...

FILE.sql is a script. A SELECT or INSERT in it is a check: what is left of its changes must be the same,
row by row as the print connector shows them, and a SELECT's types too (ours may be NOT NULL where Flink's is
not: constants are folded earlier). A comment line of one word
before a statement says more:

  -- keyed            what is left is the last row of each first column: changes without the row before
  -- ordered          the printed changes themselves must be the same, in their order
  -- refused          both refuse the statement
  -- fails            both accept it, and both jobs fail
  -- differs: WHY     a stated difference: it must differ (docs/sql/differences.md has it)

FILE.expr is statements, a line `FROM ...`, and then an expression a line, computed over all rows; before
an expression may stand `refused:`, `fails:`, `differs:` or `close:`, numbers that may differ in their
last two digits (functions of libm).

In both, /* data NAME ... */ is a file, and $DIR its folder; $NOW are milliseconds since 1970 when the run began;
/* made ... */ are statements that ours runs first, which leave their files there; /* topics ... */ the same, and what
is left are topics: Flink's tables find them at the server 'properties.bootstrap.servers' = '$KAFKA', one of ours, and
ours have each a copy of them as they were before.
A table with 'connector' = 'looked-up' and 'path' is a file of csv: Flink's side has a connector that looks it up.
Lines that start with # are left out. A file that begins with `-- batch` is run by Flink in its batch mode, which computes what
it has read once, when it has read all.

  -- include FILE                  FILE's statements, from the project's top
  -- include FILE where A is B     with B for A
  -- queries FILE...               of each its statements, and the query of its INSERT INTO as a check: the sink, whose
                                   CREATE TABLE is left out, need not be one that can be read
"""
import argparse
import collections
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

MARK = "~|~"
BATCH = 40
PRINT = "print_of_select"
LOOKED_UP = "'connector' = 'filesystem', 'format' = 'csv', 'csv.null-literal' = ''"
NOW = str(int(time.time()) * 1000)


class Oracle:
    """The Flink that stays up; a request is a list of statements. Its answers may be kept in a folder,
    for working on a difference: nothing is asked twice then."""

    def __init__(self, command, kept):
        self.command, self.kept, self.process, self.seconds = command, kept, None, 0
        if kept:
            os.makedirs(kept, exist_ok=True)

    def start(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if not self.process.stdout.readline():
            raise SystemExit("the Flink oracle did not start")

    def run(self, statements, folder, address=None, batch=False):
        """statements: [(directive, sql)]; address: what stands in them for $KAFKA; batch: all at once, when all is read"""
        statements = [{"sql": sql, "alone": d in ("refused", "fails")} for d, sql in statements]
        if not self.kept:
            return self.ask(statements, batch)
        digest = hashlib.sha256(json.dumps(statements).replace(folder, "$DIR").replace(address or folder, "$KAFKA").encode())
        digest.update(b"batch" * batch)
        for inner, _, names in sorted(os.walk(folder)):
            for name in sorted(names):
                digest.update(open(os.path.join(inner, name), "rb").read())
        path = os.path.join(self.kept, digest.hexdigest())
        if not os.path.exists(path):
            answers = self.ask(statements, batch)
            with open(path, "w", encoding="utf-8") as f:
                json.dump(answers, f)
        return json.load(open(path, encoding="utf-8"))

    def ask(self, statements, batch):
        if not self.process:
            self.start()
        begun = time.time()
        self.process.stdin.write(json.dumps({"statements": statements, "batch": batch}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("the Flink oracle died")
        self.seconds += time.time() - begun
        return json.loads(line)["answers"]

    def close(self):
        if not self.process:
            return
        self.process.stdin.close()
        self.process.wait(20)


class Quickwater:
    """One run of the program a call; gives an answer in the oracle's form for the last statement."""

    def __init__(self, program, work):
        self.topics = None  # a folder of which each run gets a copy
        self.program, self.config = program, os.path.join(work, "quickwater.toml")
        with open(self.config, "w", encoding="utf-8") as f:
            f.write("[engine]\ntick_rows = 1\n")  # the watermark follows each row, as the oracle's does

    def script(self, statements, data=None):
        """data: a folder for its log."""
        text = ";\n".join(statements) + ";\n"
        command = [self.program, "run", "-", "--kafka", "off", "--http", "off", "--config", self.config]
        with tempfile.TemporaryDirectory() as scratch:
            if self.topics and not data:
                data = os.path.join(scratch, "data")
                shutil.copytree(self.topics, data)
            done = subprocess.run(command + (["--data", data] if data else []), input=text, capture_output=True,
                                  text=True, timeout=240)
        return done.returncode, done.stdout, done.stderr

    def serve(self, data):
        """A server over a folder: the process, and where its Kafka face is."""
        process = subprocess.Popen([self.program, "serve", "--data", data, "--kafka", "127.0.0.1:0", "--http", "off"],
                                   stdout=subprocess.PIPE, text=True)
        ready = re.search(r"kafka=(\S+)", process.stdout.readline())
        if not ready:
            raise SystemExit("the server for Flink's Kafka connector did not start")
        return process, ready.group(1)

    def types(self, setup, select, count):
        names = " (" + ", ".join(f"c{i}" for i in range(count)) + ")" if count else ""
        code, out, err = self.script(setup + [f"CREATE VIEW {PRINT}_view{names} AS {select}",
                                              f"DESCRIBE {PRINT}_view"])
        if code:
            return None, err
        table = out[out.index(" name "):].split("\n")[2:]
        rows = [[c.strip() for c in line.split("|")] for line in table if "|" in line]
        return [r[1] + ("" if r[2] == "TRUE" else " NOT NULL") for r in rows], None

    def run(self, setup, statement, columns_count=0):
        answer = {"ok": False, "lines": []}
        if is_query(statement):
            types, error = self.types(setup, statement, columns_count)
            if types is None:
                return {**answer, "error": error}
            answer["types"] = types
            columns = ", ".join(f"c{i} {t.split(' *')[0].removesuffix(' NOT NULL')}" for i, t in enumerate(types))
            setup = setup + [f"CREATE TABLE {PRINT} ({columns}) WITH ('connector' = 'print')"]
            statement = f"INSERT INTO {PRINT} {statement}"
        code, out, err = self.script(setup + [statement])
        answer["lines"] = [l for l in out.split("\n") if re.match(r"^(\S+> )?[-+][IUD]\[", l)]
        answer["ran"] = "' has failed: " in err
        answer["ok"] = code == 0
        answer["error"] = err
        return answer


def is_query(sql):
    return re.match(r"(?i)(SELECT|WITH|VALUES)\b", sql) is not None


def is_job(sql):
    return is_query(sql) or re.match(r"(?i)(INSERT|EXECUTE\s+STATEMENT)\b", sql) is not None


def included(match):
    """The text of an include."""
    path, _, swap = match.group(1).partition(" where ")
    text = open(path, encoding="utf-8").read()
    if swap:
        old, new = swap.split(" is ", 1)
        if old not in text:
            raise SystemExit(f"there is no {old} in {path}")
        text = text.replace(old, new)
    return re.sub(r"(?m)^--.*\n", "", text)


def queries_of(match):
    """The queries of scripts that INSERT INTO a sink of their own."""
    out = ""
    for path in match.group(1).split():
        for _, sql in split_statements(re.sub(r"(?m)^--.*\n", "", open(path, encoding="utf-8").read())):
            if re.match(r"(?i)CREATE TABLE\b", sql):
                continue
            out += re.sub(r"(?i)^INSERT INTO \S+\s+", "", sql).strip() + ";\n"
    return out


def take_text(path, folder, ours):
    """A script with all that its comments bring in, and its files made."""
    text = take_data(open(path, encoding="utf-8").read(), folder)
    text = re.sub(r"(?m)^-- include (.+)$", included, text)
    text = re.sub(r"(?m)^-- queries (.+)$", queries_of, text)

    def make(match):
        code, _, err = ours.script([s for _, s in split_statements(match.group(1).replace("$DIR", folder))])
        if code:
            raise SystemExit(f"{path}: what is to be made: {err}")
        return ""
    return re.sub(r"/\* made\n(.*?)\*/", make, text, flags=re.S).replace("$DIR", folder).replace("$NOW", NOW)


def take_data(text, folder):
    """Writes the data blocks; gives the text without them and without # lines."""
    def write(match):
        with open(os.path.join(folder, match.group(1)), "w", encoding="utf-8") as f:
            f.write(match.group(2))
        return ""
    os.makedirs(folder, exist_ok=True)
    text = re.sub(r"/\* data (\S+)\n(.*?)\*/", write, text, flags=re.S)
    text = re.sub(r"(?m)^#.*\n", "", text)
    return text.replace("$DIR", folder)


def split_statements(text):
    """[(directive, statement)]; a statement ends at a ; outside of quotes, comments and statement sets."""
    found, start, i, directive = [], 0, 0, ""
    while i < len(text):
        c = text[i]
        if text.startswith("--", i):
            end = text.find("\n", i)
            end = len(text) if end < 0 else end
            note = re.match(r"-- (ordered|keyed|refused|fails|differs:.*)$", text[i:end])
            if note:
                directive = note.group(1)
            text = text[:i] + text[end:]
        elif c in "'`":
            i = text.index(c, i + 1) + 1
        elif c == ";":
            statement = text[start:i].strip()
            if re.match(r"(?i)EXECUTE\s+STATEMENT\s+SET", statement) and not re.search(r"(?i)\bEND$", statement):
                i += 1
                continue
            found.append((directive, statement))
            directive, start = "", i + 1
            i += 1
        else:
            i += 1
    if text[start:].strip():
        raise SystemExit(f"a statement without its ;: {text[start:].strip()[:80]}")
    return found


def folded(lines):
    """What is left of a changelog: rows and how often."""
    left = collections.Counter()
    for line in lines:
        prefix, kind, row = re.match(r"(?s)^(\S+> )?([-+][IUD])(.*)$", line).groups()
        left[(prefix or "") + row] += 1 if kind in ("+I", "+U") else -1
    return sorted((row, n) for row, n in left.items() if n)


def last_of_key(lines):
    """What is left of a changelog whose rows' first column is their key."""
    left = {}
    for line in lines:
        kind, row = re.match(r"(?s)^([-+][IUD])(.*)$", line).groups()
        key = row[1:].split(", ")[0]
        if kind in ("+I", "+U"):
            left[key] = row
        elif kind == "-D":
            left.pop(key, None)
    return sorted((row, 1) for row in left.values())


def difference(theirs, ours):
    theirs, ours = collections.Counter(dict(theirs)), collections.Counter(dict(ours))
    return [f"      flink {n}x {row}" for row, n in sorted((theirs - ours).items())] + \
           [f"      ours  {n}x {row}" for row, n in sorted((ours - theirs).items())]


def rounded(line):
    """A printed number with its last two digits gone."""
    value = line[3:-1]
    try:
        return f"{float(value):.14g}"
    except ValueError:
        return value


def outcome(answer):
    if answer["ok"]:
        return "accepted"
    return "fails" if answer.get("ran") else "refused"


def short(why):
    """The last causes of an error of Flink's, or ours whole."""
    return " <- ".join(why.strip().removesuffix(" <-").split(" <- ")[-2:])[:500]


class Report:
    def __init__(self):
        self.passed = self.failed = 0

    def check(self, what, problems, directive):
        if directive.startswith("differs"):
            problems = [] if problems else ["      a stated difference that is none any more"]
        if problems:
            self.failed += 1
            print(f"FAILED {what}")
            print("\n".join(problems[:40]))
        else:
            self.passed += 1


def compare(theirs, ours, directive):
    """The lines that say how two answers differ."""
    want = directive if directive in ("refused", "fails") else "accepted"
    problems = []
    for who, answer in (("flink", theirs), ("ours ", ours)):
        if outcome(answer) != want:
            why = answer.get("error", "").strip()
            problems.append(f"      {who}: {outcome(answer)}, not {want}: {short(why)}")
    if problems or want != "accepted":
        return problems
    if "types" in theirs:
        for i, (a, b) in enumerate(zip(theirs["types"], ours["types"])):
            if b.removesuffix(" *ROWTIME*") not in (a.removesuffix(" *ROWTIME*"), a + " NOT NULL"):
                problems.append(f"      column {i}: flink {a}, ours {b}")
    if directive == "close":
        theirs, ours = ({**a, "lines": [rounded(l) for l in a["lines"]]} for a in (theirs, ours))
    if directive in ("ordered", "close"):
        if theirs["lines"] != ours["lines"]:
            problems += [f"      flink {l}" for l in theirs["lines"]] + [f"      ours  {l}" for l in ours["lines"]]
        return problems
    fold = last_of_key if directive == "keyed" else folded
    return problems + difference(fold(theirs["lines"]), fold(ours["lines"]))


def take_topics(text, folder, ours):
    """The text without its block of topics, and the folder where they are; None: there are none."""
    found = re.search(r"/\* topics\n(.*?)\*/", text, flags=re.S)
    if not found:
        return text, None
    data = folder + ".topics"
    code, _, err = ours.script([s for _, s in split_statements(found.group(1))], data)
    if code:
        raise SystemExit(f"the topics: {err}")
    return text.replace(found.group(0), ""), data


def answers_over(topics, oracle, ours, statements, folder, batch):
    """Flink's answers; over topics: of a server of ours, over a copy of them."""
    if not topics:
        return oracle.run(statements, folder, batch=batch)
    shutil.copytree(topics, topics + "-flink")
    server, address = ours.serve(topics + "-flink")
    try:
        return oracle.run([(d, s.replace("$KAFKA", address)) for d, s in statements], folder, address, batch)
    finally:
        server.terminate()
        server.wait(20)


def run_script(path, oracle, ours, work, report):
    folder = os.path.join(work, os.path.basename(path))
    text, topics = take_topics(take_text(path, folder, ours), folder, ours)
    statements = split_statements(text)
    theirs = answers_over(topics, oracle, ours, statements, folder, text.startswith("-- batch\n"))
    statements = [(d, re.sub(r"'properties.bootstrap.servers' = '[^']*', ", "", s)) for d, s in statements]
    statements = [(d, s.replace("'connector' = 'looked-up'", LOOKED_UP)) for d, s in statements]
    ours.topics = topics
    check_script(path, statements, theirs, ours, report)
    ours.topics = None


def check_script(path, statements, theirs, ours, report):
    setup = []
    for (directive, sql), answer in zip(statements, theirs):
        name = f"{os.path.basename(path)}: {' '.join(sql.split())[:100]}"
        if is_job(sql) or directive == "refused":
            report.check(name, compare(answer, ours.run(setup, sql, len(answer.get("types", []))), directive), directive)
            if ours.topics and not is_query(sql) and not directive:
                ours.script(setup + [sql], ours.topics)  # what it has written is read later
            continue
        if not answer["ok"]:
            report.check(name, [f"      flink: refused: {short(answer['error'])}"], directive)
        setup.append(sql)


class Expressions:
    def __init__(self, path, work):
        self.folder = os.path.join(work, os.path.basename(path))
        text = take_data(open(path, encoding="utf-8").read(), self.folder)
        head, self.tail, body = re.split(r"(?m)^(FROM .*)$", text, maxsplit=1)
        self.setup = [s for _, s in split_statements(head)]
        self.lines = []
        for line in body.split("\n"):
            note = re.match(r"(refused|fails|differs|close):\s*(.*)", line)
            if line.strip():
                self.lines.append((note.group(1), note.group(2)) if note else ("", line.strip()))

    def select(self, some):
        return "SELECT " + f", '{MARK}', ".join(e for _, e in some) + " " + self.tail


def by_expression(answer, count):
    """An answer to a batch as one answer an expression."""
    if not answer["ok"]:
        return None
    rows = [line[3:-1].split(f", {MARK}, ") for line in answer["lines"]]
    return [{"ok": True, "types": [answer["types"][2 * i]], "lines": [f"+I[{r[i]}]" for r in rows]}
            for i in range(count)]


def answers_for(batch, file, run):
    """Runs a batch as one query, or one by one where it fails as a whole."""
    split = by_expression(run(file.select(batch)), len(batch))
    if split:
        return split
    if len(batch) == 1:
        return [run(file.select(batch))]
    half = len(batch) // 2
    return answers_for(batch[:half], file, run) + answers_for(batch[half:], file, run)


def run_expressions(path, oracle, ours, work, report):
    file = Expressions(path, work)
    plain = [l for l in file.lines if l[0] == ""]
    batches = [plain[i:i + BATCH] for i in range(0, len(plain), BATCH)] + [[l] for l in file.lines if l[0]]
    for batch in batches:
        theirs = answers_for(batch, file, lambda q: oracle.run([("", s) for s in file.setup] + [("", q)], file.folder)[-1])
        own = answers_for(batch, file, lambda q: ours.run(file.setup, q))
        for (directive, e), a, b in zip(batch, theirs, own):
            problems = compare(a, b, directive or "ordered")
            report.check(f"{os.path.basename(path)}: {e}", problems, directive)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--oracle", required=True)
    parser.add_argument("--quickwater", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--kept", help="a folder for Flink's answers")
    parser.add_argument("files", nargs="+")
    args = parser.parse_args()
    oracle, ours, report = Oracle(args.oracle.split(), args.kept), Quickwater(args.quickwater, args.work), Report()
    for path in args.files:
        begun, before, failed = time.time(), oracle.seconds, report.failed
        run = run_expressions if path.endswith(".expr") else run_script
        run(path, oracle, ours, args.work, report)
        verdict = "ok" if report.failed == failed else "not ok"
        print(f"{verdict} {os.path.basename(path)} ({time.time() - begun:.1f} s, flink {oracle.seconds - before:.1f} s)",
              flush=True)
    oracle.close()
    print(f"{report.passed} passed, {report.failed} failed")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
