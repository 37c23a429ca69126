// SPDX-License-Identifier: Apache-2.0

// The arm franz_go of both benches: --mode produce | consume. Command line, record layout, measured span and JSON
// line as in bench/arm.hpp.
package main

import (
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

var (
	mode      = flag.String("mode", "produce", "produce or consume")
	arm       = flag.String("arm", "franz_go", "")
	bootstrap = flag.String("bootstrap", "", "")
	topic     = flag.String("topic", "", "")
	group     = flag.String("group", "bench", "")
	messages  = flag.Int("messages", 1_000_000, "")
	warmUp    = flag.Int("warm-up", 50_000, "")
	size      = flag.Int("size", 100, "")
	keys      = flag.Int("keys", 1_000, "")
	inFlight  = flag.Int("in-flight", 20_000, "")
)

type moment struct {
	wall time.Time
	cpu  float64
	rss  float64
}

func now() moment {
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return moment{time.Now(), seconds(used.Utime) + seconds(used.Stime), float64(used.Maxrss) / 1024}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "bench:", err)
	os.Exit(1)
}

func printLine(start, end moment, why string) {
	seconds, cpu, count := end.wall.Sub(start.wall).Seconds(), end.cpu-start.cpu, float64(*messages)
	fmt.Printf("{\"arm\":%q,\"messages\":%d,\"seconds\":%.6f,\"msgs_per_s\":%.0f,\"cpu_s\":%.6f,"+
		"\"cpu_s_per_million\":%.5f,\"peak_rss_mb\":%.1f,\"correct\":%t,\"why\":%q}\n",
		*arm, *messages, seconds, count/seconds, cpu, cpu/count*1e6, now().rss, why == "", why)
	if why != "" {
		os.Exit(1)
	}
}

type sender struct {
	client               *kgo.Client
	keys                 [][]byte
	acknowledged, failed atomic.Int64
	records              sync.Pool
}

func newSender() *sender {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(*bootstrap), kgo.DefaultProduceTopic(*topic),
		kgo.RequiredAcks(kgo.AllISRAcks()), kgo.ProducerLinger(5*time.Millisecond),
		kgo.ProducerBatchMaxBytes(1_000_000), kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.MaxBufferedRecords(*inFlight), kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)))
	if err != nil {
		fail(err)
	}
	s := &sender{client: client}
	for i := 0; i < *keys; i++ {
		s.keys = append(s.keys, fmt.Appendf(nil, "key-%05d", i))
	}
	s.records.New = func() any { return &kgo.Record{Value: make([]byte, *size)} }
	return s
}

// The client's own bound (MaxBufferedRecords) is what suspends Produce.
func (s *sender) send(from, count int) {
	done := func(record *kgo.Record, err error) {
		if err != nil {
			s.failed.Add(1)
		} else {
			s.acknowledged.Add(1)
		}
		value := record.Value
		*record = kgo.Record{Value: value}
		s.records.Put(record)
	}
	ctx := context.Background()
	for i := from; i < from+count; i++ {
		record := s.records.Get().(*kgo.Record)
		record.Key = s.keys[i%*keys]
		binary.LittleEndian.PutUint32(record.Value, uint32(i%*keys))
		binary.LittleEndian.PutUint32(record.Value[4:], uint32(i / *keys))
		s.client.Produce(ctx, record, done)
	}
	if err := s.client.Flush(ctx); err != nil {
		fail(err)
	}
}

func produce() {
	s := newSender()
	s.send(0, *warmUp)
	start := now()
	s.send(*warmUp, *messages)
	end := now()
	why := ""
	if s.failed.Load() != 0 || s.acknowledged.Load() != int64(*messages+*warmUp) {
		why = fmt.Sprintf("%d acknowledged, %d failed", s.acknowledged.Load(), s.failed.Load())
	}
	printLine(start, end, why)
	s.client.Close()
}

func newConsumer(start *moment) *kgo.Client {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(*bootstrap), kgo.ConsumeTopics(*topic), kgo.ConsumerGroup(*group),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.AutoCommitInterval(time.Second),
		kgo.Balancers(kgo.RangeBalancer()), kgo.DisableFetchCRCValidation(),
		kgo.FetchMaxWait(500*time.Millisecond),
		// The span begins with the assignment: connections stand, nothing is fetched yet.
		kgo.OnPartitionsAssigned(func(context.Context, *kgo.Client, map[string][]int32) { *start = now() }))
	if err != nil {
		fail(err)
	}
	return client
}

func consume() {
	var start moment
	client := newConsumer(&start)
	next := make([]uint32, *keys)
	taken, wrong := 0, 0
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	for taken+wrong < *messages {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			fail(err)
		}
		fetches.EachRecord(func(record *kgo.Record) {
			key := binary.LittleEndian.Uint32(record.Value)
			if int(key) < len(next) && next[key] == binary.LittleEndian.Uint32(record.Value[4:]) {
				next[key]++
				taken++
			} else {
				wrong++
			}
		})
	}
	end := now()
	why := ""
	if wrong != 0 {
		why = fmt.Sprintf("%d records out of their key's order", wrong)
	}
	if err := client.CommitUncommittedOffsets(ctx); err != nil {
		fail(err)
	}
	printLine(start, end, why)
	client.Close()
}

func main() {
	flag.Parse()
	if *mode == "consume" {
		consume()
	} else {
		produce()
	}
}
