// Package checks is what the verifying programs in Go share: cases, records that can be recognised, members of
// groups that can die.
package checks

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Broker is HOST:PORT, the first argument.
var Broker = os.Args[1]

// Epoch is recent: what is older than a week is deleted.
var Epoch = time.Now().UnixMilli() - 1_000_000

// Must panics with an error, which fails the case.
func Must(err error) {
	if err != nil {
		panic(err)
	}
}

// Get is Must for a call that gives something too.
func Get[T any](v T, err error) T {
	Must(err)
	return v
}

// Want fails the case unless ok.
func Want(ok bool, format string, args ...any) {
	if !ok {
		panic(fmt.Sprintf(format, args...))
	}
}

func Until(what string, seconds int, ok func() bool) {
	end := time.Now().Add(time.Duration(seconds) * time.Second)
	for !ok() {
		Want(time.Now().Before(end), "not within %d s: %s", seconds, what)
		time.Sleep(50 * time.Millisecond)
	}
}

func Unique(prefix string) string {
	b := make([]byte, 4)
	rand.Read(b)
	return prefix + "-" + hex.EncodeToString(b)
}

type Header struct{ Key, Value []byte }

// Record is one as read or as to be sent.
type Record struct {
	Partition int32
	Offset    int64
	Key       []byte
	Value     []byte // nil is a tombstone
	Headers   []Header
	Time      int64 // ms
}

// Sent is record i of a run, all that a record can carry made from i alone. Every 7th has no value, every 11th an
// empty one; keys repeat, so that order by key can be seen.
func Sent(i int) Record {
	r := Record{Key: []byte("k" + strconv.Itoa(i%37)), Time: Epoch + int64(i)*10}
	switch {
	case i%7 == 6:
	case i%11 == 10:
		r.Value = []byte{}
	default:
		r.Value = append([]byte(fmt.Sprintf("value %d ", i)), bytes.Repeat([]byte{byte(i)}, i%300)...)
	}
	all := make([]byte, 256)
	for b := range all {
		all[b] = byte(b)
	}
	r.Headers = []Header{{[]byte("n"), []byte(strconv.Itoa(i))}, {[]byte("binary"), all[i%200:]}, {[]byte("n"), []byte("again")}}
	return r
}

// SameAll wants every one of count there once, partitions with offsets 0, 1, 2…, and a key's records in one
// partition, in order. got is in the order in which they came.
func SameAll(got []Record, count int) {
	Want(len(got) == count, "%d of %d came", len(got), count)
	next, last, home, seen := map[int32]int64{}, map[string]int{}, map[string]int32{}, map[int]bool{}
	for _, r := range got {
		Want(r.Offset == next[r.Partition], "offset %d of partition %d came as %d", next[r.Partition], r.Partition, r.Offset)
		next[r.Partition]++
		Want(len(r.Headers) == 3, "%d headers", len(r.Headers))
		i := Get(strconv.Atoi(string(r.Headers[0].Value)))
		s := Sent(i)
		Want(bytes.Equal(r.Key, s.Key), "key %q, not %q", r.Key, s.Key)
		Want(bytes.Equal(r.Value, s.Value) && (r.Value == nil) == (s.Value == nil), "value of %d: %q", i, r.Value)
		Want(r.Time == s.Time, "time %d, not %d", r.Time, s.Time)
		for h := range s.Headers {
			Want(bytes.Equal(r.Headers[h].Key, s.Headers[h].Key) && bytes.Equal(r.Headers[h].Value, s.Headers[h].Value), "header %d", h)
		}
		key := string(r.Key)
		at, known := home[key]
		Want(!known || at == r.Partition, "key %s in two partitions", key)
		home[key] = r.Partition
		before, known := last[key]
		Want(!known || before < i, "key %s: %d after %d", key, i, before)
		last[key] = i
		seen[i] = true
	}
	Want(len(seen) == count, "%d different ones", len(seen))
}

// Member is a member of a group in a process of its own: PROGRAM BROKER member GROUP TOPIC MORE, which prints
// 'has N' at each assignment and 'got PARTITION OFFSET' for each record.
type Member struct {
	mu  sync.Mutex
	cmd *exec.Cmd
	has int
	got map[[2]int64]bool
}

func NewMember(args ...string) *Member {
	m := &Member{has: -1, got: map[[2]int64]bool{}, cmd: exec.Command(os.Args[0], append([]string{Broker, "member"}, args...)...)}
	m.cmd.Stderr = os.Stderr
	out := Get(m.cmd.StdoutPipe())
	Must(m.cmd.Start())
	go func() {
		for s := bufio.NewScanner(out); s.Scan(); {
			var a, b int64
			m.mu.Lock()
			if n, _ := fmt.Sscanf(s.Text(), "has %d", &m.has); n == 0 {
				if n, _ := fmt.Sscanf(s.Text(), "got %d %d", &a, &b); n == 2 {
					m.got[[2]int64{a, b}] = true
				}
			}
			m.mu.Unlock()
		}
	}()
	return m
}

func (m *Member) Has() int { m.mu.Lock(); defer m.mu.Unlock(); return m.has }

func (m *Member) End(sig syscall.Signal) {
	m.cmd.Process.Signal(sig)
	m.cmd.Wait()
}

func distinct(ms ...*Member) int {
	all := map[[2]int64]bool{}
	for _, m := range ms {
		m.mu.Lock()
		for k := range m.got {
			all[k] = true
		}
		m.mu.Unlock()
	}
	return len(all)
}

// MemberDies: two members share six partitions; one is killed, the other takes over; one comes back, the first
// leaves in good order. Records go in all the while: none may be missed. describe gives state and members.
func MemberDies(produce func(n int), describe func() string, args ...string) {
	a, b := NewMember(args...), NewMember(args...)
	defer a.End(syscall.SIGKILL)
	defer b.End(syscall.SIGKILL)
	Until("three partitions each", 40, func() bool { return a.Has() == 3 && b.Has() == 3 })
	produce(300)
	Until("300 records", 30, func() bool { return distinct(a, b) == 300 })
	Want(distinct(a) > 0 && distinct(b) > 0 && distinct(a)+distinct(b) == 300, "read by both, or by one alone")
	b.End(syscall.SIGKILL)
	produce(300)
	Until("six for the one that lives", 40, func() bool { return a.Has() == 6 })
	Until("600 records", 30, func() bool { return distinct(a, b) == 600 })
	Want(describe() == "Stable 1", "%s", describe())
	c := NewMember(args...)
	defer c.End(syscall.SIGKILL)
	Until("three each again", 40, func() bool { return a.Has() == 3 && c.Has() == 3 })
	a.End(syscall.SIGTERM)
	Until("six after the other left", 20, func() bool { return c.Has() == 6 })
	produce(300)
	Until("900 records", 30, func() bool { return distinct(a, b, c) == 900 })
}

type Case struct {
	Name string
	Run  func()
}

func run(c Case) (why string) {
	defer func() {
		if e := recover(); e != nil {
			why = fmt.Sprint(e) + "\n" + string(debug.Stack())
		}
	}()
	c.Run()
	return
}

// Main runs the cases, or those named, and ends in 'N passed, N failed'.
func Main(cases []Case, member func(args []string)) {
	if len(os.Args) > 2 && os.Args[2] == "member" {
		member(os.Args[3:])
		return
	}
	named := " " + strings.Join(os.Args[2:], " ") + " "
	passed, failed := 0, 0
	for _, c := range cases {
		if named != "  " && !strings.Contains(named, " "+c.Name+" ") {
			continue
		}
		begun := time.Now()
		if why := run(c); why != "" {
			fmt.Printf("FAILED %s: %s\n", c.Name, why)
			failed++
			continue
		}
		fmt.Printf("ok %s (%.1f s)\n", c.Name, time.Since(begun).Seconds())
		passed++
	}
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	if failed > 0 {
		os.Exit(1)
	}
}
