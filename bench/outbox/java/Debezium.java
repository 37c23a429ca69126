// SPDX-License-Identifier: Apache-2.0

import com.sun.management.OperatingSystemMXBean;
import io.debezium.embedded.Connect;
import io.debezium.engine.DebeziumEngine;
import io.debezium.engine.RecordChangeEvent;
import io.debezium.engine.format.ChangeEventFormat;
import java.lang.management.ManagementFactory;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.connect.header.Header;
import org.apache.kafka.connect.source.SourceRecord;

/**
 * The arm debezium_drain: Debezium's engine in this process reads the outbox's inserts from a replication slot that was
 * made before them, its outbox router turns them into events, and an idempotent producer sends them. A batch is marked
 * as processed when all of it is acknowledged. The span begins with the engine and ends with the last acknowledgement.
 */
public final class Debezium {
    private final Map<String, String> options = new HashMap<>();
    private final long messages;
    private final AtomicLong acknowledged = new AtomicLong();
    private final AtomicReference<String> why = new AtomicReference<>("");
    private final CountDownLatch over = new CountDownLatch(1);
    private final KafkaProducer<byte[], byte[]> producer;

    private Debezium(String[] words) {
        for (int i = 0; i + 1 < words.length; i += 2) options.put(words[i], words[i + 1]);
        messages = Long.parseLong(options.get("--messages"));
        producer = new KafkaProducer<>(producerSettings(), new ByteArraySerializer(), new ByteArraySerializer());
    }

    private Properties producerSettings() {
        Properties p = new Properties();
        p.put("bootstrap.servers", options.get("--bootstrap"));
        p.put("enable.idempotence", "true");
        p.put("acks", "all");
        p.put("linger.ms", "5");
        p.put("batch.size", "1000000");
        p.put("compression.type", "lz4");
        p.put("buffer.memory", "67108864");
        return p;
    }

    private Properties engineSettings() {
        URI url = URI.create(options.get("--url").replaceFirst("^postgresql", "http"));
        Properties p = new Properties();
        p.put("name", "bench");
        p.put("connector.class", "io.debezium.connector.postgresql.PostgresConnector");
        p.put("offset.storage", "org.apache.kafka.connect.storage.MemoryOffsetBackingStore");
        p.put("offset.flush.interval.ms", "1000");
        p.put("database.hostname", url.getHost());
        p.put("database.port", Integer.toString(url.getPort()));
        p.put("database.user", url.getUserInfo());
        p.put("database.password", "");
        p.put("database.dbname", url.getPath().substring(1));
        p.put("topic.prefix", "bench");
        p.put("plugin.name", "pgoutput");
        p.put("slot.name", options.get("--slot"));
        p.put("publication.name", options.get("--slot"));
        p.put("publication.autocreate.mode", "disabled");
        p.put("snapshot.mode", "no_data");
        p.put("table.include.list", "public.outbox");
        p.put("max.batch.size", "8192");
        p.put("max.queue.size", "32768");
        p.put("poll.interval.ms", "10");
        p.put("transforms", "outbox");
        p.put("transforms.outbox.type", "io.debezium.transforms.outbox.EventRouter");
        p.put("transforms.outbox.table.field.event.id", "id");
        p.put("transforms.outbox.table.field.event.key", "aggregate_id");
        p.put("transforms.outbox.table.field.event.type", "event_type");
        p.put("transforms.outbox.table.field.event.payload", "payload");
        p.put("transforms.outbox.route.by.field", "topic");
        p.put("transforms.outbox.route.topic.replacement", "${routedByValue}");
        return p;
    }

    private static byte[] bytes(Object value) {
        if (value == null) return null;
        if (value instanceof byte[] all) return all;
        if (value instanceof ByteBuffer buffer) {
            byte[] all = new byte[buffer.remaining()];
            buffer.duplicate().get(all);
            return all;
        }
        return value.toString().getBytes(StandardCharsets.UTF_8);
    }

    private void send(SourceRecord record) {
        RecordHeaders headers = new RecordHeaders();
        for (Header each : record.headers()) headers.add(each.key(), bytes(each.value()));
        producer.send(
                new ProducerRecord<>(record.topic(), null, bytes(record.key()), bytes(record.value()), headers),
                (metadata, failure) -> {
                    if (failure != null) why.compareAndSet("", failure.toString());
                    if (acknowledged.incrementAndGet() >= messages || failure != null) over.countDown();
                });
    }

    private void handle(List<RecordChangeEvent<SourceRecord>> batch,
            DebeziumEngine.RecordCommitter<RecordChangeEvent<SourceRecord>> committer) throws InterruptedException {
        for (RecordChangeEvent<SourceRecord> each : batch)
            if (each.record().value() != null) send(each.record());
        producer.flush();
        for (RecordChangeEvent<SourceRecord> each : batch) committer.markProcessed(each);
        committer.markBatchFinished();
    }

    private void run() throws Exception {
        var system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        long wall = System.nanoTime();
        long cpu = system.getProcessCpuTime();
        DebeziumEngine<RecordChangeEvent<SourceRecord>> engine =
                DebeziumEngine.create(ChangeEventFormat.of(Connect.class)).using(engineSettings())
                        .using((success, message, error) -> {
                            if (!success) why.compareAndSet("", String.valueOf(message));
                            over.countDown();
                        }).notifying(this::handle).build();
        ExecutorService thread = Executors.newSingleThreadExecutor();
        thread.execute(engine);
        if (!over.await(270, TimeUnit.SECONDS)) why.compareAndSet("", "only " + acknowledged.get() + " in 270 s");
        double seconds = (System.nanoTime() - wall) / 1e9;
        double used = (system.getProcessCpuTime() - cpu) / 1e9;
        String wrong = why.get().replaceAll("[\"\\\\\\n]", " ");
        System.out.printf(Locale.ROOT,
                "{\"messages\":%d,\"seconds\":%.6f,\"msgs_per_s\":%.0f,\"cpu_s_per_million\":%.4f,"
                        + "\"correct\":%b,\"why\":\"%s\"}%n",
                messages, seconds, messages / seconds, used / messages * 1e6, wrong.isEmpty(), wrong);
        System.out.flush();
        Runtime.getRuntime().halt(0);
    }

    public static void main(String[] words) throws Exception {
        new Debezium(words).run();
    }
}
