// sarama against the Kafka face: sarama HOST:PORT [CASE…]. Ends in 'N passed, N failed'.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sort"
	"sync"
	"syscall"
	"time"

	. "interop/checks"

	"github.com/IBM/sarama"
)

type option func(*sarama.Config)

func config(opts ...option) *sarama.Config {
	c := sarama.NewConfig()
	c.Version = sarama.MaxVersion
	c.Producer.Return.Successes = true
	c.Consumer.Return.Errors = true
	c.Consumer.Offsets.Initial = sarama.OffsetOldest
	c.Consumer.Offsets.AutoCommit.Enable = false
	for _, o := range opts {
		o(c)
	}
	return c
}

func admin(opts ...option) sarama.ClusterAdmin {
	return Get(sarama.NewClusterAdmin([]string{Broker}, config(opts...)))
}

func create(topic string, partitions int32) string {
	a := admin()
	defer a.Close()
	Must(a.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: partitions, ReplicationFactor: 1}, false))
	return topic
}

func idempotent(c *sarama.Config) {
	c.Producer.Idempotent = true
	c.Producer.RequiredAcks = sarama.WaitForAll
	c.Net.MaxOpenRequests = 1
}

func transactional(id string) option {
	return func(c *sarama.Config) {
		idempotent(c)
		c.Producer.Transaction.ID = id
		c.Producer.Partitioner = sarama.NewManualPartitioner
	}
}

func committed(c *sarama.Config) { c.Consumer.IsolationLevel = sarama.ReadCommitted }

func outgoing(topic string, i int) *sarama.ProducerMessage {
	s := Sent(i)
	m := &sarama.ProducerMessage{Topic: topic, Key: sarama.ByteEncoder(s.Key), Timestamp: time.UnixMilli(s.Time)}
	if s.Value != nil {
		m.Value = sarama.ByteEncoder(s.Value)
	}
	for _, h := range s.Headers {
		m.Headers = append(m.Headers, sarama.RecordHeader{Key: h.Key, Value: h.Value})
	}
	return m
}

func incoming(m *sarama.ConsumerMessage) Record {
	r := Record{Partition: m.Partition, Offset: m.Offset, Key: m.Key, Value: m.Value, Time: m.Timestamp.UnixMilli()}
	for _, h := range m.Headers {
		r.Headers = append(r.Headers, Header{h.Key, h.Value})
	}
	return r
}

func produce(topic string, count int, opts ...option) {
	c := config(append([]option{idempotent}, opts...)...)
	p := Get(sarama.NewAsyncProducer([]string{Broker}, c))
	var bad error
	var wait sync.WaitGroup
	wait.Add(2)
	told := 0
	go func() {
		for range p.Successes() {
			told++
		}
		wait.Done()
	}()
	go func() {
		for e := range p.Errors() {
			bad = errors.Join(bad, e)
		}
		wait.Done()
	}()
	for i := 0; i < count; i++ {
		p.Input() <- outgoing(topic, i)
	}
	p.AsyncClose()
	wait.Wait()
	Must(bad)
	Want(told == count, "told of %d", told)
}

// read gives at least count records of all partitions, and what comes within half a second after them.
func read(topic string, count int, opts ...option) (got []*sarama.ConsumerMessage) {
	c := Get(sarama.NewConsumer([]string{Broker}, config(opts...)))
	defer c.Close()
	all := make(chan *sarama.ConsumerMessage)
	done := make(chan bool)
	defer close(done)
	for _, p := range Get(c.Partitions(topic)) {
		pc := Get(c.ConsumePartition(topic, p, sarama.OffsetOldest))
		defer pc.AsyncClose()
		go func() {
			for {
				select {
				case m := <-pc.Messages():
					select {
					case all <- m:
					case <-done:
						return
					}
				case <-done:
					return
				}
			}
		}()
	}
	end := time.After(30 * time.Second)
	for {
		select {
		case m := <-all:
			got = append(got, m)
			if len(got) == count {
				end = time.After(500 * time.Millisecond)
			}
		case <-end:
			return
		}
	}
}

func records(got []*sarama.ConsumerMessage) (out []Record) {
	for _, m := range got {
		out = append(out, incoming(m))
	}
	return
}

func contents() {
	topic := create(Unique("sa"), 4)
	produce(topic, 5000)
	SameAll(records(read(topic, 5000)), 5000)
}

func codecs() {
	for _, codec := range []sarama.CompressionCodec{sarama.CompressionNone, sarama.CompressionGZIP, sarama.CompressionSnappy,
		sarama.CompressionLZ4, sarama.CompressionZSTD} {
		for _, idem := range []bool{true, false} {
			topic := create(Unique("sa-"+codec.String()), 4)
			produce(topic, 2000, func(c *sarama.Config) {
				c.Producer.Compression = codec
				c.Producer.Idempotent = idem
				c.Producer.Flush.Frequency = 20 * time.Millisecond
			})
			SameAll(records(read(topic, 2000)), 2000)
		}
	}
}

// As clients of older brokers speak: from message sets of the first format's end to the newest.
func versions() {
	for _, v := range []sarama.KafkaVersion{sarama.V1_0_0_0, sarama.V2_1_0_0, sarama.V2_8_0_0, sarama.V3_6_0_0, sarama.MaxVersion} {
		topic := create(Unique("sa-v"), 4)
		old := func(c *sarama.Config) { c.Version = v }
		produce(topic, 500, old)
		SameAll(records(read(topic, 500, old)), 500)
	}
}

func acksOf0And1() {
	for _, acks := range []sarama.RequiredAcks{sarama.NoResponse, sarama.WaitForLocal} {
		topic := create(Unique("sa-acks"), 1)
		produce(topic, 200, func(c *sarama.Config) { c.Producer.Idempotent, c.Producer.RequiredAcks = false, acks })
		SameAll(records(read(topic, 200)), 200)
	}
}

// handler is a group's: it tells each record, and stops after stop of them.
type handler struct {
	mu      sync.Mutex
	got     []*sarama.ConsumerMessage
	stop    int
	cancel  func()
	assigns func(claims int)
	tell    bool
}

func (h *handler) Setup(s sarama.ConsumerGroupSession) error {
	n := 0
	for _, ps := range s.Claims() {
		n += len(ps)
	}
	if h.assigns != nil {
		h.assigns(n)
	}
	return nil
}

func (h *handler) Cleanup(s sarama.ConsumerGroupSession) error { s.Commit(); return nil }

func (h *handler) ConsumeClaim(s sarama.ConsumerGroupSession, c sarama.ConsumerGroupClaim) error {
	for {
		select {
		case m, more := <-c.Messages():
			if !more {
				return nil
			}
			h.mu.Lock()
			h.got = append(h.got, m)
			if h.tell {
				fmt.Println("got", m.Partition, m.Offset)
			}
			if len(h.got) == h.stop {
				time.AfterFunc(500*time.Millisecond, h.cancel)
			}
			h.mu.Unlock()
			s.MarkMessage(m, "")
		case <-s.Context().Done():
			return nil
		}
	}
}

func offsetsAreResumed() {
	topic, group := create(Unique("sa-off"), 4), Unique("g")
	for _, count := range []int{500, 70} {
		produce(topic, count)
		g := Get(sarama.NewConsumerGroup([]string{Broker}, group, config()))
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		h := &handler{stop: count, cancel: cancel}
		Must(g.Consume(ctx, []string{topic}, h))
		cancel()
		Must(g.Close())
		Want(len(h.got) == count, "%d came, not %d", len(h.got), count)
	}
}

func byTimeAndSeeking() {
	topic := create(Unique("sa-time"), 1)
	produce(topic, 100)
	c := Get(sarama.NewClient([]string{Broker}, config()))
	defer c.Close()
	Want(Get(c.GetOffset(topic, 0, Sent(50).Time-3)) == 50, "by time")
	Want(Get(c.GetOffset(topic, 0, sarama.OffsetOldest)) == 0 && Get(c.GetOffset(topic, 0, sarama.OffsetNewest)) == 100, "ends")
	consumer := Get(sarama.NewConsumerFromClient(c))
	defer consumer.Close()
	pc := Get(consumer.ConsumePartition(topic, 0, 90))
	for i := int64(90); i < 100; i++ {
		m := <-pc.Messages()
		Want(m.Offset == i, "offset %d, not %d", m.Offset, i)
	}
	pc.Close()
	_, err := consumer.ConsumePartition(topic, 0, 500)
	Want(errors.Is(err, sarama.ErrOffsetOutOfRange), "out of range: %v", err)
}

func groupMemberDies() {
	a := admin()
	defer a.Close()
	topic, group := create(Unique("sa-grp"), 6), Unique("g")
	MemberDies(func(n int) { produce(topic, n) }, func() string {
		d := Get(a.DescribeConsumerGroups([]string{group}))[0]
		return fmt.Sprint(d.State, " ", len(d.Members))
	}, group, topic)
}

func transactions() {
	topic := create(Unique("sa-tx"), 2)
	p := Get(sarama.NewSyncProducer([]string{Broker}, config(transactional(Unique("tx")))))
	defer p.Close()
	send := func(partition int, value string) {
		Get2(p.SendMessage(&sarama.ProducerMessage{Topic: topic, Partition: int32(partition), Value: sarama.StringEncoder(value)}))
	}
	for run := 0; run < 4; run++ {
		Must(p.BeginTxn())
		for i := 0; i < 20; i++ {
			send(i%2, fmt.Sprint(run, "/", i))
		}
		if run%2 == 0 {
			Must(p.CommitTxn())
		} else {
			Must(p.AbortTxn())
		}
	}
	Must(p.BeginTxn())
	send(0, "open")
	got := map[int32][]string{}
	for _, m := range read(topic, 40, committed) {
		got[m.Partition] = append(got[m.Partition], string(m.Value))
	}
	for part := 0; part < 2; part++ {
		var want []string
		for _, run := range []int{0, 2} {
			for i := part; i < 20; i += 2 {
				want = append(want, fmt.Sprint(run, "/", i))
			}
		}
		Want(fmt.Sprint(got[int32(part)]) == fmt.Sprint(want), "partition %d: %v", part, got[int32(part)])
	}
	Want(len(read(topic, 81)) == 81, "uncommitted")
	Must(p.CommitTxn())
	Want(len(read(topic, 41, committed)) == 41, "in the end")
}

func Get2(_ int32, offset int64, err error) int64 { Must(err); return offset }

// Reads, writes on, commits its offsets in the same transaction; every other one is thrown away and done again.
func offsetsInTransactions() {
	source, sink, group := create(Unique("sa-from"), 2), create(Unique("sa-to"), 2), Unique("g")
	produce(source, 200)
	p := Get(sarama.NewSyncProducer([]string{Broker}, config(transactional(Unique("tx")))))
	defer p.Close()
	a := admin()
	defer a.Close()
	all := read(source, 200)
	sort.Slice(all, func(i, j int) bool { return all[i].Offset < all[j].Offset })
	at := func(partition int32) int64 {
		r := Get(a.ListConsumerGroupOffsets(group, map[string][]int32{source: {0, 1}})).GetBlock(source, partition)
		Want(r.Err == sarama.ErrNoError, "offsets: %v", r.Err)
		return max(r.Offset, 0)
	}
	for round := 0; ; round++ {
		from := map[int32]int64{0: at(0), 1: at(1)}
		var batch []*sarama.ConsumerMessage
		for _, m := range all {
			if m.Offset >= from[m.Partition] && len(batch) < 60 {
				batch = append(batch, m)
			}
		}
		if len(batch) == 0 {
			break
		}
		Want(round < 20, "no end")
		Must(p.BeginTxn())
		for _, m := range batch {
			out := &sarama.ProducerMessage{Topic: sink, Partition: m.Partition, Key: sarama.ByteEncoder(m.Key), Timestamp: m.Timestamp}
			for _, h := range m.Headers {
				out.Headers = append(out.Headers, *h)
			}
			if m.Value != nil {
				out.Value = sarama.ByteEncoder(m.Value)
			}
			Get2(p.SendMessage(out))
			Must(p.AddMessageToTxn(m, group, nil))
		}
		if round%2 == 1 {
			Must(p.CommitTxn())
		} else {
			Must(p.AbortTxn())
		}
	}
	numbers := func(got []*sarama.ConsumerMessage) (out []string) {
		for _, m := range got {
			out = append(out, fmt.Sprint(m.Partition, " ", string(m.Headers[0].Value)))
		}
		sort.Strings(out)
		return
	}
	is := numbers(read(sink, 200, committed))
	Want(fmt.Sprint(is) == fmt.Sprint(numbers(all)), "%d written on", len(is))
}

func oldProducerIsFenced() {
	topic, id := create(Unique("sa-fence"), 1), Unique("tx")
	quick := func(c *sarama.Config) { c.Producer.Retry.Max, c.Producer.Transaction.Retry.Max = 1, 1 }
	open := func() sarama.SyncProducer {
		return Get(sarama.NewSyncProducer([]string{Broker}, config(transactional(id), quick)))
	}
	message := func(v string) *sarama.ProducerMessage {
		return &sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder(v)}
	}
	old := open()
	Must(old.BeginTxn())
	Get2(old.SendMessage(message("old")))
	fresh := open()
	_, _, err := old.SendMessage(message("old"))
	Want(err != nil || old.CommitTxn() != nil, "the old one committed")
	Must(fresh.BeginTxn())
	Get2(fresh.SendMessage(message("fresh")))
	Must(fresh.CommitTxn())
	got := read(topic, 1, committed)
	Want(len(got) == 1 && string(got[0].Value) == "fresh", "%d came", len(got))
	old.Close()
	fresh.Close()
}

func adminCalls() {
	a := admin()
	defer a.Close()
	topic, compact := Unique("sa-adm"), "compact"
	detail := &sarama.TopicDetail{NumPartitions: 2, ReplicationFactor: 1, ConfigEntries: map[string]*string{"cleanup.policy": &compact}}
	Must(a.CreateTopic(topic, detail, false))
	refused := func(want sarama.KError, err error) { Want(errors.Is(err, want), "%v, not %v", err, want) }
	refused(sarama.ErrTopicAlreadyExists, a.CreateTopic(topic, detail, false))
	refused(sarama.ErrInvalidReplicationFactor, a.CreateTopic(Unique("t"), &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 3}, false))
	refused(sarama.ErrInvalidTopic, a.CreateTopic("a b", &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1}, false))
	Must(a.CreatePartitions(topic, 5, nil, false))
	Want(len(Get(a.DescribeTopics([]string{topic}))[0].Partitions) == 5, "partitions")
	Want(Get(a.ListTopics())[topic].NumPartitions == 5, "listed")
	value := func(name string) string {
		for _, e := range Get(a.DescribeConfig(sarama.ConfigResource{Type: sarama.TopicResource, Name: topic, ConfigNames: []string{name}})) {
			return e.Value
		}
		return "not told"
	}
	Want(value("cleanup.policy") == "compact", "%s", value("cleanup.policy"))
	ms := "77777"
	Must(a.IncrementalAlterConfig(sarama.TopicResource, topic, map[string]sarama.IncrementalAlterConfigsEntry{
		"retention.ms": {Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &ms}}, false))
	Want(value("retention.ms") == "77777", "%s", value("retention.ms"))
	Must(a.AlterConfig(sarama.TopicResource, topic, map[string]*string{"cleanup.policy": &compact}, false))
	Want(value("retention.ms") == "604800000" && value("cleanup.policy") == "compact", "what is not named goes back")
	produce(topic, 200)
	Must(a.DeleteRecords(topic, map[int32]int64{0: 5}))
	offsets := Get(a.ListOffsets(map[string]map[int32]int64{topic: {0: sarama.OffsetOldest}}, nil))
	Want(offsets[topic][0].Offset == 5, "low %v", offsets[topic][0])
	brokers, _, err := a.DescribeCluster()
	Must(err)
	Want(len(brokers) == 1 && brokers[0].Addr() == Broker, "brokers")
	count := 0
	for _, dir := range Get(a.DescribeLogDirs([]int32{brokers[0].ID()}))[brokers[0].ID()] {
		for _, t := range dir.Topics {
			if t.Topic == topic {
				count += len(t.Partitions)
			}
		}
	}
	Want(count == 5, "%d partitions in log directories", count)
	group := Unique("g")
	Get(a.AlterConsumerGroupOffsets(group, map[string]map[int32]sarama.OffsetAndMetadata{topic: {1: {Offset: 3, LeaderEpoch: -1, Metadata: "text \u00e9"}}}, nil))
	b := Get(a.ListConsumerGroupOffsets(group, map[string][]int32{topic: {1}})).GetBlock(topic, 1)
	Want(b.Offset == 3 && b.Metadata == "text \u00e9", "%v", b)
	_, listed := Get(a.ListConsumerGroups())[group]
	Want(listed, "the group is not listed")
	Must(a.DeleteConsumerGroupOffset(group, topic, 1))
	Must(a.DeleteConsumerGroup(group))
	Must(a.DeleteTopic(topic))
	_, there := Get(a.ListTopics())[topic]
	Want(!there, "deleted")
}

func member(args []string) {
	c := config(func(c *sarama.Config) {
		c.Consumer.Group.Session.Timeout = 6 * time.Second
		c.Consumer.Group.Heartbeat.Interval = 500 * time.Millisecond
		c.Consumer.Offsets.AutoCommit.Enable = true
		c.Consumer.Offsets.AutoCommit.Interval = 200 * time.Millisecond
	})
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	g := Get(sarama.NewConsumerGroup([]string{Broker}, args[0], c))
	go func() {
		for e := range g.Errors() {
			fmt.Fprintln(os.Stderr, "group:", e)
		}
	}()
	h := &handler{tell: true, assigns: func(n int) { fmt.Println("has", n) }}
	for ctx.Err() == nil {
		if err := g.Consume(ctx, []string{args[1]}, h); err != nil {
			fmt.Fprintln(os.Stderr, "consume:", err)
			time.Sleep(100 * time.Millisecond)
		}
	}
	Must(g.Close())
}

func main() {
	Main([]Case{{"contents", contents}, {"codecs", codecs}, {"versions", versions}, {"acksOf0And1", acksOf0And1},
		{"offsetsAreResumed", offsetsAreResumed}, {"byTimeAndSeeking", byTimeAndSeeking}, {"groupMemberDies", groupMemberDies},
		{"transactions", transactions}, {"offsetsInTransactions", offsetsInTransactions},
		{"oldProducerIsFenced", oldProducerIsFenced}, {"admin", adminCalls}}, member)
}
