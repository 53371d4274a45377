// franz-go against the Kafka face: franz HOST:PORT [CASE…]. Ends in 'N passed, N failed'.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sort"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	. "interop/checks"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

var background = context.Background()

func client(opts ...kgo.Opt) *kgo.Client {
	return Get(kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(Broker), kgo.MetadataMinAge(100 * time.Millisecond)}, opts...)...))
}

func create(topic string, partitions int32) string {
	a := kadm.NewClient(client())
	defer a.Close()
	Get(a.CreateTopic(background, partitions, 1, nil, topic))
	return topic
}

func outgoing(topic string, i int) *kgo.Record {
	s := Sent(i)
	r := &kgo.Record{Topic: topic, Key: s.Key, Value: s.Value, Timestamp: time.UnixMilli(s.Time)}
	for _, h := range s.Headers {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: string(h.Key), Value: h.Value})
	}
	return r
}

func incoming(r *kgo.Record) Record {
	out := Record{Partition: r.Partition, Offset: r.Offset, Key: r.Key, Value: r.Value, Time: r.Timestamp.UnixMilli()}
	for _, h := range r.Headers {
		out.Headers = append(out.Headers, Header{Key: []byte(h.Key), Value: h.Value})
	}
	return out
}

func produce(topic string, count int, opts ...kgo.Opt) {
	c := client(opts...)
	defer c.Close()
	var mu sync.Mutex
	var bad error
	for i := 0; i < count; i++ {
		c.Produce(background, outgoing(topic, i), func(_ *kgo.Record, err error) {
			mu.Lock()
			bad = errors.Join(bad, err)
			mu.Unlock()
		})
	}
	Must(c.Flush(background))
	Must(bad)
}

// poll gives at least count records, and what comes within half a second after them.
func poll(c *kgo.Client, count int) (got []*kgo.Record) {
	end := time.Now().Add(30 * time.Second)
	for enough := false; time.Now().Before(end); {
		ctx, cancel := context.WithTimeout(background, 200*time.Millisecond)
		fetches := c.PollFetches(ctx)
		cancel()
		for _, e := range fetches.Errors() {
			Want(errors.Is(e.Err, context.DeadlineExceeded), "fetch: %v", e.Err)
		}
		got = append(got, fetches.Records()...)
		if len(got) >= count && !enough {
			enough, end = true, time.Now().Add(500*time.Millisecond)
		}
	}
	return
}

func readNew(topic string, count int, opts ...kgo.Opt) []*kgo.Record {
	c := client(append([]kgo.Opt{kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())}, opts...)...)
	defer c.Close()
	return poll(c, count)
}

func records(got []*kgo.Record) (out []Record) {
	for _, r := range got {
		out = append(out, incoming(r))
	}
	return
}

func contents() {
	topic := create(Unique("fz"), 4)
	produce(topic, 5000)
	SameAll(records(readNew(topic, 5000)), 5000)
}

func codecs() {
	for name, codec := range map[string]kgo.CompressionCodec{"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(),
		"snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()} {
		for _, more := range [][]kgo.Opt{{}, {kgo.DisableIdempotentWrite()}} {
			topic := create(Unique("fz-"+name), 4)
			produce(topic, 2000, append(more, kgo.ProducerBatchCompression(codec), kgo.ProducerLinger(20*time.Millisecond),
				kgo.MaxProduceRequestsInflightPerBroker(1))...)
			SameAll(records(readNew(topic, 2000)), 2000)
		}
	}
}

func acksOf0And1() {
	for _, acks := range []kgo.Acks{kgo.NoAck(), kgo.LeaderAck()} {
		topic := create(Unique("fz-acks"), 1)
		produce(topic, 200, kgo.RequiredAcks(acks), kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(1))
		SameAll(records(readNew(topic, 200)), 200)
	}
}

func offsetsAreResumed() {
	topic, group := create(Unique("fz-off"), 4), Unique("g")
	for _, count := range []int{500, 70} {
		produce(topic, count)
		c := client(kgo.ConsumeTopics(topic), kgo.ConsumerGroup(group), kgo.DisableAutoCommit(),
			kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
		got := poll(c, count)
		Want(len(got) == count, "%d came, not %d", len(got), count)
		Must(c.CommitUncommittedOffsets(background))
		c.Close()
	}
}

func byTimeAndSeeking() {
	topic := create(Unique("fz-time"), 1)
	produce(topic, 100)
	a := kadm.NewClient(client())
	defer a.Close()
	at := func(o kadm.ListedOffsets, err error) int64 {
		Must(err)
		one, _ := o.Lookup(topic, 0)
		Must(one.Err)
		return one.Offset
	}
	Want(at(a.ListOffsetsAfterMilli(background, Sent(50).Time-3, topic)) == 50, "by time")
	Want(at(a.ListStartOffsets(background, topic)) == 0 && at(a.ListEndOffsets(background, topic)) == 100, "ends")
	Want(at(a.ListMaxTimestampOffsets(background, topic)) == 99, "the newest")
	for start, first := range map[int64]int64{90: 90, 500: 0} { // 500 is out of range: reset to the start
		c := client(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().At(start)}}),
			kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
		got := poll(c, int(100-first))
		Want(len(got) == int(100-first) && got[0].Offset == first, "from %d: %d came", start, len(got))
		c.Close()
	}
}

func groupMemberDies() {
	a := kadm.NewClient(client())
	defer a.Close()
	for _, balancer := range []string{"range", "cooperative-sticky"} {
		topic, group := create(Unique("fz-grp"), 6), Unique("g")
		MemberDies(func(n int) { produce(topic, n) }, func() string {
			d := Get(a.DescribeGroups(background, group))[group]
			return fmt.Sprint(d.State, " ", len(d.Members))
		}, group, topic, balancer)
	}
}

// One open transaction at the end shows the last stable offset.
func transactions() {
	topic := create(Unique("fz-tx"), 2)
	c := client(kgo.TransactionalID(Unique("tx")), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	defer c.Close()
	for run := 0; run < 4; run++ {
		Must(c.BeginTransaction())
		for i := 0; i < 50; i++ {
			c.Produce(background, &kgo.Record{Topic: topic, Partition: int32(i % 2), Value: []byte(fmt.Sprint(run, "/", i))}, nil)
		}
		Must(c.Flush(background))
		Must(c.EndTransaction(background, run%2 == 0))
	}
	Must(c.BeginTransaction())
	Must(c.ProduceSync(background, &kgo.Record{Topic: topic, Partition: 0, Value: []byte("open")}).FirstErr())
	got := map[int32][]string{}
	for _, r := range readNew(topic, 100, kgo.FetchIsolationLevel(kgo.ReadCommitted())) {
		got[r.Partition] = append(got[r.Partition], string(r.Value))
	}
	for p := 0; p < 2; p++ {
		var want []string
		for _, run := range []int{0, 2} {
			for i := p; i < 50; i += 2 {
				want = append(want, fmt.Sprint(run, "/", i))
			}
		}
		Want(fmt.Sprint(got[int32(p)]) == fmt.Sprint(want), "partition %d: %v", p, got[int32(p)])
	}
	all := len(readNew(topic, 201))
	Want(all == 201, "uncommitted: %d", all)
	Must(c.EndTransaction(background, kgo.TryCommit))
	all = len(readNew(topic, 101, kgo.FetchIsolationLevel(kgo.ReadCommitted())))
	Want(all == 101, "in the end: %d", all)
}

// Reads, writes on, commits its offsets in the same transaction; every other one is thrown away and done again.
func offsetsInTransactions() {
	source, sink, group := create(Unique("fz-from"), 2), create(Unique("fz-to"), 2), Unique("g")
	produce(source, 1000)
	s := Get(kgo.NewGroupTransactSession(kgo.SeedBrokers(Broker), kgo.TransactionalID(Unique("tx")), kgo.ConsumerGroup(group),
		kgo.ConsumeTopics(source), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.RequireStableFetchOffsets(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.RecordPartitioner(kgo.ManualPartitioner())))
	defer s.Close()
	done, end := 0, time.Now().Add(60*time.Second)
	for round := 0; done < 1000; round++ {
		Want(time.Now().Before(end), "only %d done", done)
		ctx, cancel := context.WithTimeout(background, 5*time.Second)
		got := s.PollRecords(ctx, 150).Records()
		cancel()
		if len(got) == 0 {
			continue
		}
		Must(s.Begin())
		for _, r := range got {
			s.Produce(background, &kgo.Record{Topic: sink, Partition: r.Partition, Key: r.Key, Value: r.Value, Headers: r.Headers,
				Timestamp: r.Timestamp}, nil)
		}
		Must(s.Client().Flush(background))
		if Get(s.End(background, kgo.TransactionEndTry(round%2 == 1))) {
			done += len(got)
		}
	}
	numbers := func(got []*kgo.Record) (out []string) {
		for _, r := range got {
			out = append(out, fmt.Sprint(r.Partition, " ", string(r.Headers[0].Value)))
		}
		sort.Strings(out)
		return
	}
	is := numbers(readNew(sink, 1000, kgo.FetchIsolationLevel(kgo.ReadCommitted())))
	Want(fmt.Sprint(is) == fmt.Sprint(numbers(readNew(source, 1000))), "%d written on", len(is))
}

func oldProducerIsFenced() {
	topic, id := create(Unique("fz-fence"), 1), Unique("tx")
	old, fresh := client(kgo.TransactionalID(id)), client(kgo.TransactionalID(id))
	defer old.Close()
	defer fresh.Close()
	Must(old.BeginTransaction())
	Must(old.ProduceSync(background, kgo.KeySliceRecord(nil, nil), &kgo.Record{Topic: topic, Value: []byte("old")})[1].Err)
	Must(fresh.BeginTransaction())
	Must(fresh.ProduceSync(background, &kgo.Record{Topic: topic, Value: []byte("fresh")}).FirstErr())
	err := old.EndTransaction(background, kgo.TryCommit)
	Want(errors.Is(err, kerr.ProducerFenced) || errors.Is(err, kerr.InvalidProducerEpoch), "the old one: %v", err)
	Must(fresh.EndTransaction(background, kgo.TryCommit))
	got := readNew(topic, 1, kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	Want(len(got) == 1 && string(got[0].Value) == "fresh", "%d came", len(got))
}

func admin() {
	a := kadm.NewClient(client())
	defer a.Close()
	topic, compact := Unique("fz-adm"), "compact"
	Get(a.CreateTopic(background, 2, 1, map[string]*string{"cleanup.policy": &compact}, topic))
	_, err := a.CreateTopic(background, 2, 1, nil, topic)
	Want(errors.Is(err, kerr.TopicAlreadyExists), "again: %v", err)
	_, err = a.CreateTopic(background, 1, 3, nil, Unique("t"))
	Want(errors.Is(err, kerr.InvalidReplicationFactor), "three replicas: %v", err)
	_, err = a.CreateTopic(background, 1, 1, nil, "a b")
	Want(errors.Is(err, kerr.InvalidTopicException), "a name: %v", err)
	Must(Get(a.UpdatePartitions(background, 5, topic)).Error())
	Want(len(Get(a.ListTopics(background, topic))[topic].Partitions) == 5, "partitions")
	config := func(name string) string {
		for _, c := range Get(Get(a.DescribeTopicConfigs(background, topic)).On(topic, nil)).Configs {
			if c.Key == name {
				return c.MaybeValue()
			}
		}
		return "not told"
	}
	Want(config("cleanup.policy") == "compact", "%s", config("cleanup.policy"))
	week, more := "77777", "delete"
	alter := func(op kadm.IncrementalOp, name string, value *string) {
		for _, r := range Get(a.AlterTopicConfigs(background, []kadm.AlterConfig{{Op: op, Name: name, Value: value}}, topic)) {
			Must(r.Err)
		}
	}
	alter(kadm.SetConfig, "retention.ms", &week)
	alter(kadm.AppendConfig, "cleanup.policy", &more)
	Want(config("retention.ms") == "77777" && config("cleanup.policy") == "compact,delete", "%s", config("cleanup.policy"))
	alter(kadm.DeleteConfig, "retention.ms", nil)
	Want(config("retention.ms") == "604800000", "%s", config("retention.ms"))
	produce(topic, 200)
	for _, r := range Get(a.DeleteRecords(background, kadm.Offsets{topic: {0: {Topic: topic, Partition: 0, At: 5}}})).Sorted() {
		Must(r.Err)
		Want(r.LowWatermark == 5, "low %d", r.LowWatermark)
	}
	dirs, count := Get(a.DescribeAllLogDirs(background, nil)), 0
	for _, broker := range dirs {
		broker.EachPartition(func(p kadm.DescribedLogDirPartition) {
			if p.Topic == topic && p.Size > 0 {
				count++
			}
		})
	}
	Want(count == 5, "%d partitions in log directories", count)
	group := Unique("g")
	offsets := kadm.Offsets{}
	offsets.Add(kadm.Offset{Topic: topic, Partition: 1, At: 3, LeaderEpoch: -1, Metadata: "text \u00e9"})
	Must(a.CommitAllOffsets(background, group, offsets))
	o, _ := Get(a.FetchOffsets(background, group)).Lookup(topic, 1)
	Want(o.At == 3 && o.Metadata == "text \u00e9", "%v", o)
	Want(Get(a.Lag(background, group))[group].Lag.Total() > 0, "lag")
	Get(a.DeleteGroup(background, group))
	_, err = a.DeleteGroup(background, group)
	Want(errors.Is(err, kerr.GroupIDNotFound), "gone: %v", err)
	Get(a.DeleteTopic(background, topic))
	Want(!Get(a.ListTopics(background)).Has(topic), "deleted")
	brokers := Get(a.ListBrokers(background))
	Want(len(brokers) == 1 && fmt.Sprintf("%s:%d", brokers[0].Host, brokers[0].Port) == Broker, "%v", brokers)
}

func adminOfTransactions() {
	a, topic, id := kadm.NewClient(client()), create(Unique("fz-atx"), 1), Unique("tx")
	defer a.Close()
	c := client(kgo.TransactionalID(id))
	defer c.Close()
	Must(c.BeginTransaction())
	Must(c.ProduceSync(background, &kgo.Record{Topic: topic, Value: []byte("x")}).FirstErr())
	listed := Get(a.ListTransactions(background, nil, nil))[id]
	Want(listed.State == "Ongoing", "%v", listed)
	d := Get(a.DescribeTransactions(background, id))[id]
	Want(d.ProducerID == listed.ProducerID && d.Topics.Lookup(topic, 0), "%v", d)
	var topics kadm.TopicsSet
	topics.Add(topic, 0)
	active := Get(a.DescribeProducers(background, topics)).SortedProducers()
	Want(len(active) == 1 && active[0].ProducerID == d.ProducerID, "%v", active)
	Must(c.EndTransaction(background, kgo.TryAbort))
}

func member(args []string) {
	balancer := kgo.RangeBalancer()
	if args[2] != "range" {
		balancer = kgo.CooperativeStickyBalancer()
	}
	var has atomic.Int64
	add := func(sign int64) func(context.Context, *kgo.Client, map[string][]int32) {
		return func(_ context.Context, _ *kgo.Client, m map[string][]int32) {
			for _, ps := range m {
				has.Add(sign * int64(len(ps)))
			}
			fmt.Println("has", has.Load())
		}
	}
	c := client(kgo.ConsumeTopics(args[1]), kgo.ConsumerGroup(args[0]), kgo.Balancers(balancer), kgo.DisableAutoCommit(),
		kgo.SessionTimeout(6*time.Second), kgo.HeartbeatInterval(500*time.Millisecond), kgo.BlockRebalanceOnPoll(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.OnPartitionsAssigned(add(1)), kgo.OnPartitionsRevoked(add(-1)), kgo.OnPartitionsLost(add(-1)))
	ctx, cancel := signal.NotifyContext(background, syscall.SIGTERM)
	defer cancel()
	for ctx.Err() == nil {
		got := c.PollRecords(ctx, 50)
		got.EachRecord(func(r *kgo.Record) { fmt.Println("got", r.Partition, r.Offset) })
		if err := c.CommitUncommittedOffsets(background); err != nil {
			fmt.Fprintln(os.Stderr, "commit:", err) // the next one reads them again
		}
		c.AllowRebalance()
	}
	c.CloseAllowingRebalance()
}

func main() {
	Main([]Case{{"contents", contents}, {"codecs", codecs}, {"acksOf0And1", acksOf0And1}, {"offsetsAreResumed", offsetsAreResumed},
		{"byTimeAndSeeking", byTimeAndSeeking}, {"groupMemberDies", groupMemberDies}, {"transactions", transactions},
		{"offsetsInTransactions", offsetsInTransactions}, {"oldProducerIsFenced", oldProducerIsFenced}, {"admin", admin},
		{"adminOfTransactions", adminOfTransactions}}, member)
}
