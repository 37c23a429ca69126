// SPDX-License-Identifier: Apache-2.0

import io.confluent.parallelconsumer.ParallelConsumerOptions;
import io.confluent.parallelconsumer.ParallelStreamProcessor;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.List;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.springframework.kafka.core.DefaultKafkaConsumerFactory;
import org.springframework.kafka.listener.ConcurrentMessageListenerContainer;
import org.springframework.kafka.listener.ContainerProperties;
import org.springframework.kafka.listener.MessageListener;

/**
 * Confluent Parallel Consumer by KEY and a Spring Kafka record listener with one thread a partition, in a process that
 * stays: each line on standard input is the command line of one run, answered by one JSON line. So what comes first
 * warms the JIT for what is measured.
 */
public final class Peers {
    private static void parallelConsumer(Keyed run) throws Exception {
        // A key of bytes would be compared by identity, and so order nothing.
        try (KafkaConsumer<String, byte[]> consumer =
                        new KafkaConsumer<>(run.consumer(), new StringDeserializer(), new ByteArrayDeserializer());
                ParallelStreamProcessor<String, byte[]> processor = ParallelStreamProcessor.createEosStreamProcessor(
                        ParallelConsumerOptions.<String, byte[]>builder()
                                .consumer(consumer)
                                .ordering(ParallelConsumerOptions.ProcessingOrder.KEY)
                                .maxConcurrency(run.number("--concurrency"))
                                .commitMode(ParallelConsumerOptions.CommitMode.PERIODIC_CONSUMER_SYNC)
                                .commitInterval(Duration.ofSeconds(1))
                                .build())) {
            processor.subscribe(List.of(run.text("--topic")));
            processor.poll(record -> run.handle(record.getSingleConsumerRecord().value()));
            run.isOver(120);
            processor.closeDrainFirst(Duration.ofSeconds(30));
        }
    }

    private static void spring(Keyed run) throws Exception {
        var properties = new ContainerProperties(run.text("--topic"));
        properties.setGroupId(run.text("--group"));
        properties.setMessageListener((MessageListener<byte[], byte[]>) record -> run.handle(record.value()));
        var settings = run.consumer();
        var factory = new DefaultKafkaConsumerFactory<byte[], byte[]>(
                settings.stringPropertyNames().stream().collect(
                        java.util.stream.Collectors.toMap(name -> name, settings::getProperty)),
                new ByteArrayDeserializer(), new ByteArrayDeserializer());
        var container = new ConcurrentMessageListenerContainer<>(factory, properties);
        container.setConcurrency(8);
        container.start();
        run.isOver(120);
        container.stop(); // commits what was handled
    }

    public static void main(String[] none) throws Exception {
        var commands = new BufferedReader(new InputStreamReader(System.in));
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            Keyed run = new Keyed(line.split(" "));
            if (run.text("--arm").startsWith("spring"))
                spring(run);
            else
                parallelConsumer(run);
            System.out.println(run.line());
        }
        System.exit(0);
    }
}
