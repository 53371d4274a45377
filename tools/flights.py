#!/usr/bin/env python3
"""Makes the demo's data from the flights of vega-datasets (npm package, flights-3m.parquet).

usage: flights.py PARQUET OUT.csv [FROM TO]      dates as 2001-01-01, TO exclusive

Lines come in the order in which the flights really arrived: scheduled time plus delay. Needs
pyarrow. The shipped slice: flights.py flights-3m.parquet flights.csv 2001-01-01 2001-01-22, then
zstd -19.
"""
import sys
from datetime import timezone

import pyarrow.parquet as parquet


def main():
    source, out = sys.argv[1:3]
    first, last = (sys.argv[3:5] + ["0001-01-01", "9999-12-31"][len(sys.argv) - 3:])[:2]
    table = parquet.read_table(source).to_pydict()
    rows = []
    for date, delay, distance, origin, destination in zip(
            table["date"], table["delay"], table["distance"], table["origin"],
            table["destination"]):
        if delay is None or not first <= date.isoformat() < last:
            continue
        minute = int(date.replace(tzinfo=timezone.utc).timestamp() // 60)
        rows.append((minute + delay, minute, delay, distance, origin, destination))
    rows.sort()
    with open(out, "w") as f:
        f.write("scheduled_minute,delay,distance,origin,destination\n")
        for row in rows:
            f.write(",".join(map(str, row[1:])) + "\n")
    print(f"{len(rows)} flights")


main()
