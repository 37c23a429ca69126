// SPDX-License-Identifier: Apache-2.0
//! rust-rdkafka with the librdkafka that its crate brings: `rust_future` (FutureProducer, the futures awaited in
//! the order sent, at most --in-flight of them) and `rust_stream` (StreamConsumer). Command line, record layout,
//! measured span and JSON line as in bench/arm.hpp.
use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance, StreamConsumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::producer::{DeliveryFuture, FutureProducer, FutureRecord, Producer};
use rdkafka::util::get_rdkafka_version;

struct Options(HashMap<String, String>);

impl Options {
    fn parse() -> Self {
        let words: Vec<String> = std::env::args().skip(1).collect();
        let pairs = words.chunks_exact(2);
        assert!(pairs.remainder().is_empty(), "an option lacks its value");
        Options(pairs.map(|pair| (pair[0].clone(), pair[1].clone())).collect())
    }
    fn text(&self, name: &str, otherwise: &str) -> String {
        self.0.get(name).cloned().unwrap_or_else(|| otherwise.to_string())
    }
    fn number(&self, name: &str, otherwise: u64) -> u64 {
        self.0.get(name).map_or(otherwise, |text| text.parse().expect("a number"))
    }
}

fn usage() -> (f64, f64) {
    let mut used = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    let used = unsafe {
        libc::getrusage(libc::RUSAGE_SELF, used.as_mut_ptr());
        used.assume_init()
    };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    (seconds(used.ru_utime) + seconds(used.ru_stime), used.ru_maxrss as f64 / 1024.0)
}

#[derive(Clone, Copy)]
struct Start {
    wall: Instant,
    cpu: f64,
}

impl Start {
    fn now() -> Self {
        Start { wall: Instant::now(), cpu: usage().0 }
    }
}

fn print_line(options: &Options, start: Start, end: Start, messages: u64, why: &str) {
    let seconds = (end.wall - start.wall).as_secs_f64();
    let cpu = end.cpu - start.cpu;
    println!(
        "{{\"arm\":\"{}\",\"messages\":{},\"seconds\":{:.6},\"msgs_per_s\":{:.0},\"cpu_s\":{:.6},\
         \"cpu_s_per_million\":{:.5},\"peak_rss_mb\":{:.1},\"librdkafka\":\"{}\",\"correct\":{},\"why\":\"{}\"}}",
        options.text("--arm", "rust"),
        messages,
        seconds,
        messages as f64 / seconds,
        cpu,
        cpu / messages as f64 * 1e6,
        usage().1,
        get_rdkafka_version().1,
        why.is_empty(),
        why
    );
    std::process::exit(if why.is_empty() { 0 } else { 1 });
}

struct Sender {
    producer: FutureProducer,
    topic: String,
    keys: Vec<String>,
    value: Vec<u8>,
    limit: usize,
    pending: VecDeque<DeliveryFuture>,
    acknowledged: u64,
    failed: u64,
}

impl Sender {
    fn new(options: &Options) -> Self {
        let producer = ClientConfig::new()
            .set("bootstrap.servers", options.text("--bootstrap", ""))
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("linger.ms", "5")
            .set("batch.num.messages", "10000")
            .set("batch.size", "1000000")
            .set("compression.type", "none")
            .set("partitioner", "murmur2_random")
            .set("socket.nagle.disable", "true")
            .create()
            .expect("a producer");
        let limit = options.number("--in-flight", 20_000) as usize;
        Sender {
            producer,
            topic: options.text("--topic", ""),
            keys: (0..options.number("--keys", 1_000)).map(|key| format!("key-{key:05}")).collect(),
            value: vec![b'x'; options.number("--size", 100) as usize],
            limit,
            pending: VecDeque::with_capacity(limit),
            acknowledged: 0,
            failed: 0,
        }
    }

    async fn settle(&mut self, left: usize) {
        while self.pending.len() > left {
            match self.pending.pop_front().expect("a pending record").await {
                Ok(Ok(_)) => self.acknowledged += 1,
                _ => self.failed += 1,
            }
        }
    }

    async fn send(&mut self, from: u64, count: u64) {
        let keys = self.keys.len() as u64;
        for record in from..from + count {
            if self.pending.len() >= self.limit {
                self.settle(self.limit / 4).await;
            }
            let (key, sequence) = ((record % keys) as u32, (record / keys) as u32);
            self.value[0..4].copy_from_slice(&key.to_le_bytes());
            self.value[4..8].copy_from_slice(&sequence.to_le_bytes());
            loop {
                let record = FutureRecord::to(&self.topic).key(&self.keys[key as usize]).payload(&self.value);
                match self.producer.send_result(record) {
                    Ok(future) => break self.pending.push_back(future),
                    Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                        tokio::time::sleep(Duration::from_millis(1)).await
                    }
                    Err((error, _)) => panic!("{error}"),
                }
            }
        }
    }

    async fn flush(&mut self) {
        self.producer.flush(Duration::from_secs(60)).expect("flushed");
        self.settle(0).await;
    }
}

async fn produce(options: &Options) {
    let (messages, warm_up) = (options.number("--messages", 1_000_000), options.number("--warm-up", 50_000));
    let mut sender = Sender::new(options);
    sender.send(0, warm_up).await;
    sender.flush().await;
    let start = Start::now();
    sender.send(warm_up, messages).await;
    sender.flush().await;
    let end = Start::now();
    let why = if sender.failed == 0 && sender.acknowledged == messages + warm_up {
        String::new()
    } else {
        format!("{} acknowledged, {} failed", sender.acknowledged, sender.failed)
    };
    print_line(options, start, end, messages, &why);
}

/// The span begins with the assignment: connections stand, nothing is fetched yet.
struct OnAssign(Mutex<Option<Start>>);

impl ClientContext for OnAssign {}

impl ConsumerContext for OnAssign {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Assign(_) = rebalance {
            *self.0.lock().unwrap() = Some(Start::now());
        }
    }
}

fn make_consumer(options: &Options) -> StreamConsumer<OnAssign> {
    ClientConfig::new()
        .set("bootstrap.servers", options.text("--bootstrap", ""))
        .set("group.id", options.text("--group", "bench"))
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "true")
        .set("auto.commit.interval.ms", "1000")
        .set("queued.min.messages", "100000")
        .set("queued.max.messages.kbytes", "16384")
        .set("check.crcs", "false")
        .set("fetch.wait.max.ms", "500")
        .set("partition.assignment.strategy", "range")
        .set("socket.nagle.disable", "true")
        .create_with_context(OnAssign(Mutex::new(None)))
        .expect("a consumer")
}

fn number_at(value: &[u8], at: usize) -> u32 {
    value.get(at..at + 4).map_or(u32::MAX, |bytes| u32::from_le_bytes(bytes.try_into().unwrap()))
}

async fn consume(options: &Options) {
    let messages = options.number("--messages", 1_000_000);
    let mut next = vec![0u32; options.number("--keys", 1_000) as usize];
    let (mut taken, mut wrong) = (0u64, 0u64);
    let consumer = make_consumer(options);
    consumer.subscribe(&[&options.text("--topic", "")]).expect("subscribed");
    while taken + wrong < messages {
        let message = consumer.recv().await.expect("a record");
        let value = message.payload().unwrap_or_default();
        match next.get_mut(number_at(value, 0) as usize) {
            Some(expected) if *expected == number_at(value, 4) => {
                *expected += 1;
                taken += 1;
            }
            _ => wrong += 1,
        }
    }
    let end = Start::now();
    let start = consumer.context().0.lock().unwrap().expect("an assignment");
    drop(consumer);
    let why = if wrong == 0 { String::new() } else { format!("{wrong} records out of their key's order") };
    print_line(options, start, end, messages, &why);
}

fn main() {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    match options.text("--arm", "").as_str() {
        "rust_future" => runtime.block_on(produce(&options)),
        "rust_stream" => runtime.block_on(consume(&options)),
        other => panic!("unknown arm {other:?}"),
    }
}
