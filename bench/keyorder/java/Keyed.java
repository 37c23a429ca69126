// SPDX-License-Identifier: Apache-2.0

import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * One run of a Java arm: its options, its work, its check of each record, its JSON line, as
 * bench/keyorder/key_check.hpp and bench/arm.hpp have them. The span begins with the first record's work and ends with
 * the last one's.
 */
final class Keyed {
    private record Moment(long wallNanos, long cpuNanos) {
        static Moment now() {
            var system = (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
            return new Moment(System.nanoTime(), system.getProcessCpuTime());
        }
    }

    private static final int BASE = 1_000_000_000;
    private static final int KEY_AT = "{\"key\":".length();
    private static final int SEQUENCE_AT = KEY_AT + 10 + ",\"sequence\":".length();

    private final Map<String, String> options = new HashMap<>();
    private final int messages;
    private final boolean onCpu;
    private final long workNanos;
    private final AtomicIntegerArray state; // of a key: twice its records done, and 1 while one is at work
    private final AtomicLong done = new AtomicLong();
    private final AtomicReference<Moment> start = new AtomicReference<>();
    private final AtomicReference<String> why = new AtomicReference<>("");
    private final CountDownLatch over = new CountDownLatch(1);
    private volatile Moment end;

    Keyed(String[] words) throws Exception {
        for (int i = 0; i + 1 < words.length; i += 2) options.put(words[i], words[i + 1]);
        messages = number("--messages");
        String work = options.get("--work");
        onCpu = work.startsWith("cpu");
        long number = Long.parseLong(work.replaceAll("[^0-9]", ""));
        workNanos = TimeUnit.MICROSECONDS.toNanos(work.endsWith("ms") ? number * 1000 : number);
        state = new AtomicIntegerArray(number("--keys"));
        Files.writeString(Path.of("/proc/self/clear_refs"), "5"); // the peak of this run, not of those before
    }

    String text(String name) {
        return options.get(name);
    }

    int number(String name) {
        return Integer.parseInt(options.get(name));
    }

    /** What both peers' consumers have in common. */
    Properties consumer() {
        Properties p = new Properties();
        p.put("bootstrap.servers", text("--bootstrap"));
        p.put("group.id", text("--group"));
        p.put("auto.offset.reset", "earliest");
        p.put("enable.auto.commit", "false");
        p.put("check.crcs", "false");
        p.put("partition.assignment.strategy", "org.apache.kafka.clients.consumer.RangeAssignor");
        return p;
    }

    /** The user's function: the record's work between the two checks. Any thread. */
    void handle(byte[] value) {
        if (start.get() == null) start.compareAndSet(null, Moment.now());
        int key = digits(value, KEY_AT);
        int sequence = digits(value, SEQUENCE_AT);
        step(key, 2 * sequence);
        work();
        step(key, 2 * sequence + 1);
        if (done.incrementAndGet() == messages) finish();
    }

    private static int digits(byte[] text, int at) {
        int number = 0;
        for (int i = at; i < at + 10; i++) number = number * 10 + (text[i] - '0');
        return number - BASE;
    }

    private void step(int key, int expected) {
        if (state.get(key) == expected) {
            state.set(key, expected + 1);
            return;
        }
        why.compareAndSet("", "key " + key + " is at " + state.get(key) + ", not at " + expected);
        finish();
    }

    private void work() {
        if (workNanos == 0) return;
        if (onCpu) {
            var threads = ManagementFactory.getThreadMXBean();
            long until = threads.getCurrentThreadCpuTime() + workNanos;
            while (threads.getCurrentThreadCpuTime() < until) Thread.onSpinWait();
        } else { // Thread.sleep() knows milliseconds only
            long until = System.nanoTime() + workNanos;
            for (long left = workNanos; left > 0; left = until - System.nanoTime()) LockSupport.parkNanos(left);
        }
    }

    private synchronized void finish() {
        if (end == null) end = Moment.now();
        over.countDown();
    }

    boolean isOver(long seconds) throws InterruptedException {
        return over.await(seconds, TimeUnit.SECONDS);
    }

    private static double peakRssMb() throws Exception {
        for (String line : Files.readAllLines(Path.of("/proc/self/status")))
            if (line.startsWith("VmHWM:")) return Double.parseDouble(line.replaceAll("[^0-9]", "")) / 1024;
        return 0;
    }

    /** The arm's one line. */
    String line() throws Exception {
        finish();
        if (start.get() == null) start.set(end);
        long count = done.get();
        if (count != messages) why.compareAndSet("", count + " records done of " + messages);
        double seconds = (end.wallNanos - start.get().wallNanos) / 1e9;
        double cpu = (end.cpuNanos - start.get().cpuNanos) / 1e9;
        return String.format(Locale.ROOT,
                "{\"messages\":%d,\"seconds\":%.6f,\"msgs_per_s\":%.0f,\"cpu_s\":%.6f,"
                        + "\"cpu_s_per_million\":%.5f,\"peak_rss_mb\":%.1f,\"correct\":%b,\"why\":\"%s\"}",
                count, seconds, count / seconds, cpu, cpu / count * 1e6, peakRssMb(), why.get().isEmpty(), why.get());
    }
}
