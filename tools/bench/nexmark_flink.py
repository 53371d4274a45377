#!/usr/bin/env python3
"""Nexmark's queries here and on a real Flink, one after the other: the table, its geometric means, and a line of JSON.

nexmark_flink.py --quickwater PROGRAM --java COMMAND --work DIR --out FILE [--events N] [--events-json N]
                 [--parallelism 1,2] [--sources memory,kafka-json] [--queries q0,q5]

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
import subprocess
import sys

SPAN_SECONDS = 1000  # as `quickwater bench nexmark` has it
QUERIES = "bench/nexmark"


class Bench:
    def __init__(self, args):
        self.args, self.cases = args, []

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
        """A line a query, as it comes."""
        command = self.args.java.split() + [str(events), str(parallelism), source, f"{QUERIES}/ddl.sql"]
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
        case = {"case": f"{theirs['query']} p{parallelism} {source}", "events": events, "settings": theirs["settings"],
                "flink_events_per_second": events / theirs["seconds"], "ours_events_per_second": own["events_per_second"],
                "flink_cpu_s_per_million": theirs["cpu_ns"] / events / 1e3,
                "ours_cpu_s_per_million": own["cpu_seconds"] / events * 1e6,
                "flink_peak_rss_bytes": theirs["peak_rss_bytes"], "ours_peak_rss_bytes": own["peak_rss_bytes"]}
        case["ratio"] = case["flink_cpu_s_per_million"] / case["ours_cpu_s_per_million"]
        self.cases.append(case)
        print(f"| {theirs['query']} | {case['flink_events_per_second'] / 1e6:.3f} | {case['ours_events_per_second'] / 1e6:.3f} | "
              f"{case['flink_cpu_s_per_million']:.3f} | {case['ours_cpu_s_per_million']:.3f} | "
              f"{theirs['peak_rss_bytes'] >> 20} | {own['peak_rss_bytes'] >> 20} | {case['ratio']:.1f} | {theirs['settings']} |",
              flush=True)
        return case["ratio"]

    def part(self, source, parallelism, events, queries, where):
        print(f"\n{source}, parallelism {parallelism}, {events} events\n")
        print("| query | Flink, million events/s | ours | Flink, CPU s per million | ours | Flink, peak MiB | ours | ratio | "
              "Flink's best settings |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
        ratios = []
        for theirs in self.flink(events, parallelism, where, queries):
            if "error" in theirs:
                print(f"| {theirs['query']} | Flink refuses: {theirs['error'][:80]} |", flush=True)
                continue
            own = self.ours(events, parallelism, source, theirs["query"])
            ratios.append(self.compare(events, parallelism, source, theirs, own))
        if ratios:
            mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
            print(f"\ngeometric mean of {len(ratios)} ratios {mean:.2f}, least {min(ratios):.2f}", flush=True)

    def topic(self, events, partitions):
        """A server over a topic of the events: its process and address."""
        data = os.path.join(self.args.work, f"topic{partitions}")
        self.fill(events, "'connector' = 'kafka', 'topic' = 'nexmark_events', 'format' = 'json', "
                          f"'topic.partitions' = '{partitions}'", data)
        server = subprocess.Popen([self.args.quickwater, "serve", "--data", data, "--kafka", "127.0.0.1:0", "--http", "off"],
                                  stdout=subprocess.PIPE, text=True)
        return server, re.search(r"kafka=(\S+)", server.stdout.readline()).group(1)

    def all(self):
        queries = self.args.queries.split(",")
        parallel = [int(p) for p in self.args.parallelism.split(",")]
        if "memory" in self.args.sources:
            dump = os.path.join(self.args.work, "dump")
            self.fill(self.args.events, f"'connector' = 'filesystem', 'path' = '{dump}', 'format' = 'json'",
                      os.path.join(self.args.work, "fill"))
            for p in parallel:
                self.part("memory", p, self.args.events, queries, dump)
        if "kafka-json" in self.args.sources:
            for p in parallel:
                server, address = self.topic(self.args.events_json, p)
                try:
                    self.part("kafka-json", p, self.args.events_json, queries, address)
                finally:
                    server.terminate()
                    server.wait(30)
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
    Bench(parser.parse_args()).all()


if __name__ == "__main__":
    sys.exit(main())
