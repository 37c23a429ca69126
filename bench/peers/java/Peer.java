// SPDX-License-Identifier: Apache-2.0

import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * The arm `java` of both benches (kafka-clients): --mode produce | consume. Command line, record layout, measured span
 * and JSON line as in bench/arm.hpp. What comes before the span also warms the JIT: --warm-up records sent, or the
 * topic read once by another group.
 */
public final class Peer {
    private final Map<String, String> options = new HashMap<>();
    private final int messages;
    private final int warmUp;
    private final int keys;

    private record Moment(long wallNanos, long cpuNanos) {
        static Moment now() {
            var system = (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
            return new Moment(System.nanoTime(), system.getProcessCpuTime());
        }
    }

    private Peer(String[] words) {
        for (int i = 0; i + 1 < words.length; i += 2) options.put(words[i], words[i + 1]);
        messages = number("--messages", 1_000_000);
        warmUp = number("--warm-up", 50_000);
        keys = number("--keys", 1_000);
    }

    private int number(String name, int otherwise) {
        return Integer.parseInt(options.getOrDefault(name, Integer.toString(otherwise)));
    }

    private static double peakRssMb() throws Exception {
        for (String line : Files.readAllLines(Path.of("/proc/self/status")))
            if (line.startsWith("VmHWM:")) return Double.parseDouble(line.replaceAll("[^0-9]", "")) / 1024;
        return 0;
    }

    private void printLine(Moment start, Moment end, String why) throws Exception {
        double seconds = (end.wallNanos - start.wallNanos) / 1e9;
        double cpu = (end.cpuNanos - start.cpuNanos) / 1e9;
        System.out.printf(Locale.ROOT,
                "{\"arm\":\"java\",\"messages\":%d,\"seconds\":%.6f,\"msgs_per_s\":%.0f,\"cpu_s\":%.6f,"
                        + "\"cpu_s_per_million\":%.5f,\"peak_rss_mb\":%.1f,\"correct\":%b,\"why\":\"%s\"}%n",
                messages, seconds, messages / seconds, cpu, cpu / messages * 1e6, peakRssMb(), why.isEmpty(), why);
    }

    private KafkaProducer<byte[], byte[]> producer() {
        Properties p = new Properties();
        p.put("bootstrap.servers", options.get("--bootstrap"));
        p.put("enable.idempotence", "true");
        p.put("acks", "all");
        p.put("linger.ms", "5");
        p.put("batch.size", "1000000");
        p.put("compression.type", "none");
        p.put("buffer.memory", "67108864");
        return new KafkaProducer<>(p, new ByteArraySerializer(), new ByteArraySerializer());
    }

    private void produce() throws Exception {
        final int size = number("--size", 100);
        final String topic = options.get("--topic");
        byte[][] names = new byte[keys][];
        for (int i = 0; i < keys; i++) names[i] = String.format("key-%05d", i).getBytes();
        Semaphore credit = new Semaphore(number("--in-flight", 20_000));
        AtomicLong acknowledged = new AtomicLong();
        Callback done = (metadata, error) -> {
            credit.release();
            if (error == null) acknowledged.incrementAndGet();
        };
        try (KafkaProducer<byte[], byte[]> producer = producer()) {
            Moment start = null;
            for (int i = 0; i < warmUp + messages; i++) {
                if (i == warmUp) {
                    producer.flush();
                    start = Moment.now();
                }
                byte[] value = new byte[size];
                Arrays.fill(value, (byte) 'x');
                ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN).putInt(i % keys).putInt(i / keys);
                credit.acquire();
                producer.send(new ProducerRecord<>(topic, names[i % keys], value), done);
            }
            producer.flush();
            Moment end = Moment.now();
            long total = acknowledged.get();
            printLine(start, end, total == warmUp + messages ? "" : total + " acknowledged");
        }
    }

    private KafkaConsumer<byte[], byte[]> consumer(String group) {
        Properties p = new Properties();
        p.put("bootstrap.servers", options.get("--bootstrap"));
        p.put("group.id", group);
        p.put("auto.offset.reset", "earliest");
        p.put("enable.auto.commit", "true");
        p.put("auto.commit.interval.ms", "1000");
        p.put("check.crcs", "false");
        p.put("fetch.max.wait.ms", "500");
        p.put("max.poll.records", "5000");
        p.put("partition.assignment.strategy", "org.apache.kafka.clients.consumer.RangeAssignor");
        return new KafkaConsumer<>(p, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    /** The span begins with the assignment: connections stand, nothing is fetched yet. */
    private static final class OnAssign implements ConsumerRebalanceListener {
        Moment start;

        @Override
        public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
            start = Moment.now();
        }

        @Override
        public void onPartitionsRevoked(Collection<TopicPartition> partitions) {}
    }

    private void consume(String group, boolean measured) throws Exception {
        int[] next = new int[keys];
        long taken = 0;
        long wrong = 0;
        OnAssign assigned = new OnAssign();
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(group)) {
            consumer.subscribe(List.of(options.get("--topic")), assigned);
            while (taken + wrong < messages) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofSeconds(1))) {
                    ByteBuffer value = ByteBuffer.wrap(record.value()).order(ByteOrder.LITTLE_ENDIAN);
                    int key = value.getInt();
                    if (key >= 0 && key < keys && next[key] == value.getInt()) {
                        next[key]++;
                        taken++;
                    } else {
                        wrong++;
                    }
                }
            }
            Moment end = Moment.now();
            if (measured)
                printLine(assigned.start, end, wrong == 0 ? "" : wrong + " records out of their key's order");
        }
    }

    public static void main(String[] words) throws Exception {
        Peer peer = new Peer(words);
        if ("consume".equals(peer.options.get("--mode"))) {
            String group = peer.options.getOrDefault("--group", "bench");
            peer.consume(group + "-warm-up", false);
            peer.consume(group, true);
        } else {
            peer.produce();
        }
    }
}
