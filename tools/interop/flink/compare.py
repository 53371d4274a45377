#!/usr/bin/env python3
"""Runs the same SQL on a real Flink and on Quickwater, and compares what comes out.

compare.py --oracle COMMAND --quickwater PROGRAM --work DIR [--kept DIR] FILE...

FILE.sql is a script. A SELECT or INSERT in it is a check: what is left of its changes must be the same,
row by row as the print connector shows them, and a SELECT's types too (ours may be NOT NULL where Flink's is
not: constants are folded earlier). A comment line of one word
before a statement says more:

  -- ordered          the printed changes themselves must be the same, in their order
  -- refused          both refuse the statement
  -- fails            both accept it, and both jobs fail
  -- differs: WHY     a stated difference: it must differ (docs/sql/differences.md has it)

FILE.expr is statements, a line `FROM ...`, and then an expression a line, computed over all rows; before
an expression may stand `refused:`, `fails:`, `differs:` or `close:`, numbers that may differ in their
last two digits (functions of libm).

In both, /* data NAME ... */ is a file, and $DIR its folder. Lines that start with # are left out.
"""
import argparse
import collections
import hashlib
import json
import os
import re
import subprocess
import sys
import time

MARK = "~|~"
BATCH = 40
PRINT = "print_of_select"


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

    def run(self, statements, folder):
        """statements: [(directive, sql)]"""
        statements = [{"sql": sql, "alone": d in ("refused", "fails")} for d, sql in statements]
        if not self.kept:
            return self.ask(statements)
        digest = hashlib.sha256(json.dumps(statements).replace(folder, "$DIR").encode())
        for name in sorted(os.listdir(folder)):
            path = os.path.join(folder, name)
            digest.update(open(path, "rb").read() if os.path.isfile(path) else b"")
        path = os.path.join(self.kept, digest.hexdigest())
        if not os.path.exists(path):
            answers = self.ask(statements)
            with open(path, "w", encoding="utf-8") as f:
                json.dump(answers, f)
        return json.load(open(path, encoding="utf-8"))

    def ask(self, statements):
        if not self.process:
            self.start()
        begun = time.time()
        self.process.stdin.write(json.dumps({"statements": statements}) + "\n")
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
        self.program, self.config = program, os.path.join(work, "quickwater.toml")
        with open(self.config, "w", encoding="utf-8") as f:
            f.write("[engine]\ntick_rows = 1\n")  # the watermark follows each row, as the oracle's does

    def script(self, statements):
        text = ";\n".join(statements) + ";\n"
        done = subprocess.run([self.program, "run", "-", "--kafka", "off", "--http", "off", "--config", self.config],
                              input=text, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout, done.stderr

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
            note = re.match(r"-- (ordered|refused|fails|differs:.*)$", text[i:end])
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
    return problems + difference(folded(theirs["lines"]), folded(ours["lines"]))


def run_script(path, oracle, ours, work, report):
    folder = os.path.join(work, os.path.basename(path))
    statements = split_statements(take_data(open(path, encoding="utf-8").read(), folder))
    theirs = oracle.run(statements, folder)
    setup = []
    for (directive, sql), answer in zip(statements, theirs):
        name = f"{os.path.basename(path)}: {' '.join(sql.split())[:100]}"
        if is_job(sql) or directive == "refused":
            report.check(name, compare(answer, ours.run(setup, sql, len(answer.get("types", []))), directive), directive)
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
