#!/usr/bin/env python3
"""Nexmark's queries here and on a real Flink, one after the other: the table, its geometric means, and a line of JSON.

nexmark_flink.py --quickwater PROGRAM --java COMMAND --work DIR --out FILE [--events N] [--events-json N]
                 [--parallelism 1,2] [--sources memory,kafka-json] [--queries q0,q5] [--seconds N] [--prepare]

DIR keeps the events and what was measured. A run measures what DIR has not, for no more than N seconds; the next one goes on
where it ended, and the tables are of all. --prepare makes the events and measures nothing.

Both have the same events: our generator's, from one seed. From memory each engine has its own rows before the clock starts; from
kafka-json both read a topic in a log of ours, Flink by its Kafka connector. Processor time is that of the
process, in nanoseconds: of Flink its JVM's, with the compiler and the collection of garbage, from the first row on
(from a topic: once all tasks run), of ours all of it; a server that hands Flink the topic is not counted. Results go
nowhere; ours hashes them, and writes each tick's note into the log and syncs it, while Flink writes no checkpoint. The ratio is of processor time, Flink's by ours; seconds are of the wall.
"""
import argparse
import json
import math
import os
import re
import shutil
import subprocess
import sys
import time

SPAN_SECONDS = 1000  # as `quickwater bench nexmark` has it
QUERIES = "bench/nexmark"


class Bench:
    def __init__(self, args):
        self.args, self.begun, self.kept = args, time.time(), os.path.join(args.work, "cases.json")
        self.cases = json.load(open(self.kept, encoding="utf-8")) if os.path.exists(self.kept) else []

    def seconds_left(self):
        return self.args.seconds - (time.time() - self.begun)

    def keep(self, case):
        """Known from now on, also to the next run."""
        self.cases = [c for c in self.cases if c["case"] != case["case"]] + [case]
        with open(self.kept + ".new", "w", encoding="utf-8") as f:
            json.dump(self.cases, f)
        os.replace(self.kept + ".new", self.kept)

    def lacking(self, source, parallelism):
        known = {c["case"] for c in self.cases}
        return [q for q in self.args.queries.split(",") if f"{q} p{parallelism} {source}" not in known]

    def sql(self, text, data):
        done = subprocess.run([self.args.quickwater, "run", "-", "--kafka", "off", "--http", "off", "--data", data], input=text,
                              capture_output=True, text=True)
        if done.returncode:
            raise SystemExit("nexmark: " + done.stderr)

    def fill(self, events, sink, data):
        """Writes all events into a table: the generator's columns, from a sink's options."""
        ddl = re.sub(r"(?m)^--.*\n", "", open(f"{QUERIES}/ddl.sql", encoding="utf-8").read())
        rate = max(events // SPAN_SECONDS, 1)
        table = ddl[ddl.index("CREATE TABLE"):ddl.index(";") + 1]
        made = table.replace("'connector' = 'nexmark'",
                             f"'connector' = 'nexmark', 'events.num' = '{events}', 'first-event.rate' = '{rate}', "
                             f"'next-event.rate' = '{rate}', 'rate.limited' = 'false', 'seed' = '42'")
        columns = table[table.index("(") + 1:table.index("`dateTime` AS CASE")].rstrip().rstrip(",")
        self.sql(f"{made}\nCREATE TABLE filled ({columns}) WITH ({sink});\n"
                 "INSERT INTO filled SELECT event_type, person, auction, bid FROM datagen;\n", data)

    def flink(self, events, parallelism, source, queries):
        """A line a query, as it comes; no more queries than there is time for."""
        java, *options = self.args.java.split()
        command = [java, f"-Dseconds={int(self.seconds_left() * 0.9)}", *options, str(events), str(parallelism), source,
                   f"{QUERIES}/ddl.sql"]
        process = subprocess.Popen(command + [f"{QUERIES}/{q}.sql" for q in queries], stdout=subprocess.PIPE, text=True)
        for line in process.stdout:
            yield json.loads(line)
        if process.wait():
            raise SystemExit("nexmark: Flink's side ended with an error")

    def ours(self, events, parallelism, source, query):
        done = subprocess.run([self.args.quickwater, "bench", "nexmark", "--query", query, "--source", source, "--events",
                               str(events), "--shards", str(parallelism), "--results", "none", "--json"], capture_output=True, text=True)
        if done.returncode:
            raise SystemExit("nexmark: " + done.stderr)
        return json.loads(done.stdout)

    def compare(self, events, parallelism, source, theirs, own):
        case = {"case": f"{theirs['query']} p{parallelism} {source}", "query": theirs["query"], "source": source,
                "parallelism": parallelism, "events": events, "settings": theirs["settings"],
                "flink_events_per_second": events / theirs["seconds"], "ours_events_per_second": own["events_per_second"],
                "flink_cpu_s_per_million": theirs["cpu_ns"] / events / 1e3,
                "ours_cpu_s_per_million": own["cpu_seconds"] / events * 1e6,
                "flink_peak_rss_bytes": theirs["peak_rss_bytes"], "ours_peak_rss_bytes": own["peak_rss_bytes"]}
        case["ratio"] = case["flink_cpu_s_per_million"] / case["ours_cpu_s_per_million"]
        return case

    def part(self, source, parallelism, events, where):
        queries = self.lacking(source, parallelism)
        if not queries or self.seconds_left() < 10:
            return
        for theirs in self.flink(events, parallelism, where, queries):
            if "error" in theirs:
                self.keep({"case": f"{theirs['query']} p{parallelism} {source}", "query": theirs["query"], "source": source,
                           "parallelism": parallelism, "events": events, "error": theirs["error"]})
            else:
                own = self.ours(events, parallelism, source, theirs["query"])
                self.keep(self.compare(events, parallelism, source, theirs, own))
            print(self.row(self.cases[-1]), flush=True)

    @staticmethod
    def row(case):
        if "error" in case:
            return f"| {case['query']} | Flink refuses: {case['error'][:80]} |"
        return (f"| {case['query']} | {case['flink_events_per_second'] / 1e6:.3f} | {case['ours_events_per_second'] / 1e6:.3f} | "
                f"{case['flink_cpu_s_per_million']:.3f} | {case['ours_cpu_s_per_million']:.3f} | "
                f"{case['flink_peak_rss_bytes'] >> 20} | {case['ours_peak_rss_bytes'] >> 20} | {case['ratio']:.1f} | "
                f"{case['settings']} |")

    def table(self, source, parallelism):
        order = self.args.queries.split(",")
        cases = [c for c in self.cases if c["source"] == source and c["parallelism"] == parallelism and c["query"] in order]
        if not cases:
            return
        print(f"\n{source}, parallelism {parallelism}, {cases[0]['events']} events\n")
        print("| query | Flink, million events/s | ours | Flink, CPU s per million | ours | Flink, peak MiB so far | ours | ratio of "
              "CPU | Flink's best settings |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
        for case in sorted(cases, key=lambda c: order.index(c["query"])):
            print(self.row(case))
        ratios = [c["ratio"] for c in cases if "ratio" in c]
        if ratios:
            mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
            print(f"\ngeometric mean of {len(ratios)} ratios {mean:.2f}, least {min(ratios):.2f}")

    def made(self, name, events, sink):
        """The folder of that many events, made if it is not there."""
        folder = os.path.join(self.args.work, f"{name}-{events}")
        if not os.path.exists(folder + ".made"):
            shutil.rmtree(folder, ignore_errors=True)
            self.fill(events, *sink(folder))
            open(folder + ".made", "w", encoding="utf-8").close()
        return folder

    def dump(self):
        return self.made("dump", self.args.events, lambda folder: (
            f"'connector' = 'filesystem', 'path' = '{folder}', 'format' = 'json'", folder + ".fill"))

    def topic(self, partitions):
        return self.made(f"topic{partitions}", self.args.events_json, lambda folder: (
            "'connector' = 'kafka', 'topic' = 'nexmark_events', 'format' = 'json', "
            f"'topic.partitions' = '{partitions}'", folder))

    def serve(self, data):
        """A server over a topic of the events: its process and address."""
        server = subprocess.Popen([self.args.quickwater, "serve", "--data", data, "--kafka", "127.0.0.1:0", "--http", "off"],
                                  stdout=subprocess.PIPE, text=True)
        return server, re.search(r"kafka=(\S+)", server.stdout.readline()).group(1)

    def from_topic(self, parallelism):
        data = self.topic(parallelism)
        if self.args.prepare or not self.lacking("kafka-json", parallelism) or self.seconds_left() < 10:
            return
        server, address = self.serve(data)
        try:
            self.part("kafka-json", parallelism, self.args.events_json, address)
        finally:
            server.terminate()
            server.wait(30)

    def all(self):
        sources, parallel = self.args.sources.split(","), [int(p) for p in self.args.parallelism.split(",")]
        for source in sources:
            for p in parallel:
                if source == "kafka-json":
                    self.from_topic(p)
                    continue
                dump = self.dump()
                if not self.args.prepare:
                    self.part("memory", p, self.args.events, dump)
        for source in sources:
            for p in parallel:
                self.table(source, p)
        left = sum(len(self.lacking(source, p)) for source in sources for p in parallel)
        if left:
            print(f"\n{left} more to be measured")
        with open(self.args.out, "w", encoding="utf-8") as f:
            json.dump({"cases": self.cases}, f)
            f.write("\n")


def main():
    parser = argparse.ArgumentParser()
    for name in ("quickwater", "java", "work", "out", "queries"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--events", type=int, default=1000000)
    parser.add_argument("--events-json", type=int, default=500000)
    parser.add_argument("--parallelism", default="1,2")
    parser.add_argument("--sources", default="memory,kafka-json")
    parser.add_argument("--seconds", type=float, default=1e6, help="no longer than about this")
    parser.add_argument("--prepare", action="store_true")
    Bench(parser.parse_args()).all()


if __name__ == "__main__":
    sys.exit(main())
