#!/usr/bin/env python3
"""Queries made by chance, run on a real Flink and on Quickwater over the same records: what is left must be the same.

made.py --oracle COMMAND --quickwater PROGRAM --maker PROGRAM --work DIR
        [--queries N] [--least N] [--seed N] [--batches N]

Queries come in batches, each over files of records of its own (tests/interop/made_queries.c, which draws on
tests/lib/sql_maker.c); Flink runs a batch as one job at parallelism 1, ours as one run of the program with a job for
each query, the watermark after each row in both. A query counts in a cell, of

    operator  x  how its input changes (append, upsert, retract)  x  what is in it (nulls, ties, late, retractions)

for each operator in it, where both accept it and some row came out. Batches go on until there are N queries (2,000) and
each cell that can be has N (20); later batches are made of queries for the cells that lack some. The table is printed.

The maker's queries have the columns k STRING and n BIGINT and one meaning each. What has none is left out by
construction, as no two runs of Flink need agree on it:

  - rankings whose ORDER BY leaves ties among rows that differ: all that comes out is in it;
  - OVER of ROWS, but for counts, where times are equal; MATCH_RECOGNIZE that sees the order of rows of equal times;
  - processing time: no query has it;
  - sums of floats: numbers are whole, deviations are cut to whole numbers;
  - late records below two scans where an operator looks at time: which file is read first says what is late.
    So interval, window and temporal joins, which have two, have no cell of late records;
  - an OVER whose results nobody reads, which Flink plans none for, so that no row is late: below a query a WHERE reads them;
  - OVER in the order of a value below a query: Flink does not take back all that it has told;
  - the order of changes: the rows that are left are compared;
  - LISTAGG, FIRST_VALUE and others that follow the order of rows over changes; ORDER BY without LIMIT.

Some queries give one thing or another on Flink, as it reads its two files in one order or another, though they have one
meaning: it is asked again, and where it then gives what ours gives, the query counts in no cell, and is told.

A difference that is meant is in tools/interop/flink/made_differences.txt: a line of a pattern of the query, ` => ` and a pattern
of a line of what differs, or of each line, with `only` before it. A query that it fits and that differs counts in no cell. Each line of it must have been met in a whole run.
"""
import argparse
import collections
import json
import os
import re
import subprocess
import sys
import time

import compare

TRAITS = {"nulls": 1, "ties": 2, "late": 4}
KINDS = ("append", "upsert", "retract")
TIMED = ("window-group", "interval-join", "window-join", "temporal-join", "window-rank", "over", "match")
TWO_SCANS = ("interval-join", "window-join", "temporal-join")
UNTIMED = ("select", "distinct", "group", "join", "outer-join", "rank", "union-all", "set", "semi-join", "anti-join",
           "scalar", "unnest", "over-values")
BATCH = 40
WANTED = 12  # cells that a batch is made for, those that lack most
RECORDS = 24


def all_cells():
    """Every cell that can be: what comes only has no retractions, operators on time take only what comes."""
    cells = []
    for op in UNTIMED + TIMED:
        for kind in KINDS[:1] if op in TIMED else KINDS:
            for trait in ("nulls", "ties", "late", "retractions"):
                late_of_two = trait == "late" and op in TWO_SCANS
                if not (kind == "append" and trait == "retractions") and not late_of_two:
                    cells.append((op, kind, trait))
    return cells


class Made:
    """A batch: its records in files, its queries, and the statements that both sides run."""

    def __init__(self, maker, seed, traits, wanted, folder):
        bits = sum(TRAITS[t] for t in traits)
        out = subprocess.run([maker, str(seed), str(BATCH), str(RECORDS), str(bits), *wanted], capture_output=True,
                             check=True, text=True).stdout
        made = json.loads(out)
        os.makedirs(folder)
        for name, lines in made["records"].items():
            with open(os.path.join(folder, name + ".json"), "w", encoding="utf-8") as f:
                f.write(lines)
        files = rf"WITH ('connector' = 'filesystem', 'path' = '{folder}/\1.json', 'format' = 'json')"
        text = re.sub(r"WITH \('connector' = 'kafka', 'topic' = '(\w+)'[^)]*\)", files, made["tables"])
        self.seed, self.folder, self.traits = seed, folder, set(made["traits"])
        self.setup = [s for _, s in compare.split_statements(text)]
        self.queries = made["queries"]

    def cells(self, query):
        found = set()
        for cell in query["cells"]:
            op, kind, *deletes = cell.split(" ")
            found |= {(op, kind, trait) for trait in list(self.traits) + deletes}
        return found


def ours_of(program, setup, queries):
    """An answer a query, in the oracle's form: all in one run of the program, or in halves where that fails."""
    statements = list(setup)
    for i, q in enumerate(queries):
        statements += [f"CREATE TABLE out_{i} (k STRING, n BIGINT) WITH ('connector' = 'print', 'print-identifier' = '{i}')",
                       f"INSERT INTO out_{i} {q['sql']}"]
    try:
        code, out, err = program.script(statements)
    except subprocess.TimeoutExpired:
        code, out, err = 1, "", "not at its end after 240 s"
    if code and len(queries) > 1:
        half = len(queries) // 2
        return ours_of(program, setup, queries[:half]) + ours_of(program, setup, queries[half:])
    answers = [{"ok": code == 0, "ran": "' has failed: " in err, "error": err, "lines": []} for _ in queries]
    for line in out.split("\n"):
        printed = re.match(r"^(\d+)> ([-+][IUD]\[.*)$", line)
        if printed:
            answers[int(printed.group(1))]["lines"].append(printed.group(2))
    return answers


class Run:
    def __init__(self, args):
        self.args = args
        self.oracle = compare.Oracle(args.oracle.split(), None)
        self.ours = compare.Quickwater(args.quickwater, args.work)
        self.count = collections.Counter({c: 0 for c in all_cells()})
        self.asked = self.same = self.empty = self.failed = self.wavering = 0
        self.refused = collections.Counter()
        self.differences = self.read_differences()
        self.met = collections.Counter()

    def read_differences(self):
        path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "made_differences.txt")
        lines = [l for l in open(path, encoding="utf-8").read().split("\n") if l and not l.startswith("#")]
        return [tuple(l.split(" => ")) for l in lines]

    def stated(self, sql, problems):
        for pattern, what in self.differences:
            every = what.startswith("only ")
            hits = [bool(re.search(what.removeprefix("only "), line)) for line in problems]
            if re.search(pattern, sql) and (all(hits) if every else any(hits)):
                self.met[pattern] += 1
                return True
        return False

    def lacking(self):
        return [c for c in all_cells() if self.count[c] < self.args.least]

    def batch(self, number):
        seed = self.args.seed * 100000 + number
        traits = [t for i, t in enumerate(TRAITS) if (number * 5 + 7) >> i & 1]
        wanted = []
        if number % 2 or self.asked >= self.args.queries:  # for those that lack most
            lacking = sorted(self.lacking(), key=lambda c: self.count[c])
            late = bool(lacking) and lacking[0][2] == "late"
            lacking = [c for c in lacking if (c[0] not in TWO_SCANS if late else c[2] != "late")][:WANTED]
            need = collections.Counter(c[2] for c in lacking)
            traits = [t for t in TRAITS if need[t]] or ["nulls"]
            wanted = sorted({f"{op} {kind}{' retractions' if trait == 'retractions' else ''}" for op, kind, trait in lacking})
            wanted = sorted(set(wanted) | {w + " retractions" for w in wanted if not w.endswith("s") and "append" not in w})
        made = Made(self.args.maker, seed, traits, wanted, os.path.join(self.args.work, f"made{number}"))
        if not made.queries:
            return False
        statements = [("", s) for s in made.setup] + [("", q["sql"]) for q in made.queries]
        theirs = self.oracle.run(statements, made.folder)[len(made.setup):]
        own = ours_of(self.ours, made.setup, made.queries)
        for query, a, b in zip(made.queries, theirs, own):
            self.check(made, query, a, b)
        return True

    def wavers(self, made, sql, own):
        """Whether Flink gives ours when it is asked again: two files are read in any order."""
        for _ in range(3):
            theirs = self.oracle.run([("", s) for s in made.setup] + [("", sql)], made.folder)[-1]
            theirs.pop("types", None)
            if not compare.compare(theirs, own, ""):
                return True
        return False

    def check(self, made, query, theirs, own):
        self.asked += 1
        theirs.pop("types", None)
        both = [compare.outcome(theirs), compare.outcome(own)]
        if both[0] == both[1] != "accepted":
            self.refused[both[0] + ": " + compare.short(theirs["error"])[:150]] += 1
            return
        problems = compare.compare(theirs, own, "")
        if problems and own["ok"] and self.stated(query["sql"], problems):  # none of them is a failure of ours
            return
        if problems and theirs["ok"] and self.wavers(made, query["sql"], own):
            self.wavering += 1
            print(f"flink's answers waver, seed {made.seed}: {query['sql']}", flush=True)
            return
        if problems:
            self.failed += 1
            print(f"FAILED seed {made.seed}, {made.folder}: {query['sql']}\n" + "\n".join(problems[:30]), flush=True)
            return
        self.same += 1
        if not theirs["lines"]:
            self.empty += 1
            return
        for cell in made.cells(query):
            if cell in self.count:
                self.count[cell] += 1

    def table(self):
        traits = ("nulls", "ties", "late", "retractions")
        print(f"{'operator':<16}" + "".join(f"{k:<38}" for k in KINDS))
        print(f"{'':<16}" + "".join(f"{t[:6]:>8}" for t in traits) + ("      " + "".join(f"{t[:6]:>8}" for t in traits)) * 2)
        for op in UNTIMED + TIMED:
            row = ["".join(f"{self.count[(op, k, t)] if (op, k, t) in self.count else '-':>8}" for t in traits) for k in KINDS]
            print(f"{op:<16}" + "      ".join(row))

    def all(self):
        begun, number = time.time(), 0
        while self.asked < self.args.queries or self.lacking():
            if self.args.batches and number == self.args.batches:
                break
            if not self.batch(number):
                print(f"no query can be made for: {self.lacking()}")
                self.failed += 1
                break
            number += 1
            print(f"... {self.asked} asked, {self.same} the same, {self.failed} not; {len(self.lacking())} cells lack some; "
                  f"{time.time() - begun:.0f} s, flink {self.oracle.seconds:.0f} s", flush=True)
        self.oracle.close()

    def report(self):
        self.table()
        for why, n in self.refused.most_common(12):
            print(f"both {n}x {why}")
        for pattern, n in self.met.items():
            print(f"stated difference {n}x {pattern}")
        cells = all_cells()
        full = sum(1 for c in cells if self.count[c] >= self.args.least)
        print(f"{self.asked} queries, {self.same} the same, {self.empty} of them without a row; {self.wavering} where Flink "
              f"wavers and gives ours at times; "
              f"{full} of {len(cells)} cells have {self.args.least}")
        whole = not self.args.batches
        lacking = self.lacking() if whole else []
        unmet = [p for p, _ in self.differences if whole and not self.met[p]]
        for cell in lacking:
            print(f"FAILED the cell {' '.join(cell)} has {self.count[cell]}")
        for pattern in unmet:
            print(f"FAILED a stated difference was not met: {pattern}")
        failed = self.failed + len(lacking) + len(unmet)
        print(f"{self.same} passed, {failed} failed")
        return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser()
    for name in ("oracle", "quickwater", "maker", "work"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--queries", type=int, default=2000)
    parser.add_argument("--least", type=int, default=20, help="queries in each cell")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--batches", type=int, default=0, help="no more than so many; cells may then lack some; 0: whole")
    run = Run(parser.parse_args())
    run.all()
    return run.report()


if __name__ == "__main__":
    sys.exit(main())
