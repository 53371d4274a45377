"""The tests of one slice: slice.py FILE MOST NUMBER TEST…

Tests are laid into slices, the longest first, each into the first that takes at most MOST seconds with it; FILE says how long
they are: TEST SECONDS (10, if it does not say). Each test is in just one slice. Prints the slice NUMBER, counted round."""
import sys


def slices(seconds, most, tests):
    out = []
    for test in sorted(tests, key=lambda t: (-seconds.get(t, 10), t)):
        own = seconds.get(test, 10)
        for one in out:
            if one[0] + own <= most:
                break
        else:
            one = [0]
            out.append(one)
        one[0] += own
        one.append(test)
    return [sorted(one[1:]) for one in out]


def main(path, most, number, *tests):
    with open(path) as f:
        seconds = {test: int(own) for test, own in (line.split() for line in f if not line.startswith("#"))}
    all = slices(seconds, int(most), tests)
    print(" ".join(all[int(number) % len(all)]))


main(*sys.argv[1:])
