import CoreMetrics
import Testing

@testable import Telemetry

@Suite struct ExpositionTests {
    /// The lines of what a registry holds, without the heads of the table's families.
    private static func lines(_ body: () -> Void) -> [Substring] {
        let registry = PrometheusRegistry()
        withMetricsFactory(registry) { body() }
        return registry.exposition().split(separator: "\n")
    }

    @Test func `a counter has help, type and a line for each value of its labels`() {
        let lines = Self.lines {
            Metric.eventsDone.counter("b").increment(by: 3)
            Metric.eventsDone.counter("a").increment()
            // The same series again.
            Metric.eventsDone.counter("b").increment()
        }
        let own = lines.filter { $0.contains("godwit_consumer_events_done_total") }
        #expect(
            own == [
                "# HELP godwit_consumer_events_done_total Events processed: committed, or acknowledged by Kafka.",
                "# TYPE godwit_consumer_events_done_total counter",
                "godwit_consumer_events_done_total{consumer=\"a\"} 1",
                "godwit_consumer_events_done_total{consumer=\"b\"} 4",
            ])
    }

    @Test func `a gauge shows its last value, whole where it is`() {
        let lines = Self.lines {
            let gauge = Metric.horizonWaiting.gauge()
            gauge.set(7)
            gauge.set(0.25)
            Metric.horizonPosition.gauge().set(Int64(1) << 40)
        }
        #expect(lines.contains("godwit_horizon_waiting_seconds 0.25"))
        #expect(lines.contains("godwit_horizon_position 1099511627776"))
    }

    @Test func `a histogram's buckets add up, and its bounds belong to their buckets`() {
        let lines = Self.lines {
            let histogram = Metric.batchEvents.histogram("a")
            for value in [1, 2, 3, 1_000_000] { histogram.record(value) }
            histogram.record(Double.nan)
        }
        let own = lines.filter { $0.hasPrefix("godwit_consumer_batch_events") }
        #expect(own.first == "godwit_consumer_batch_events_bucket{consumer=\"a\",le=\"1\"} 1")
        #expect(own.contains("godwit_consumer_batch_events_bucket{consumer=\"a\",le=\"2\"} 2"))
        #expect(own.contains("godwit_consumer_batch_events_bucket{consumer=\"a\",le=\"100000\"} 3"))
        #expect(
            own.suffix(3) == [
                "godwit_consumer_batch_events_bucket{consumer=\"a\",le=\"+Inf\"} 4",
                "godwit_consumer_batch_events_sum{consumer=\"a\"} 1000006",
                "godwit_consumer_batch_events_count{consumer=\"a\"} 4",
            ])
    }

    @Test func `times are in seconds`() {
        let lines = Self.lines { Metric.readTime.timer("head").recordNanoseconds(1_500_000) }
        #expect(lines.contains("godwit_log_read_seconds_sum{by=\"head\"} 0.0015"))
        #expect(lines.contains("godwit_log_read_seconds_bucket{by=\"head\",le=\"0.001\"} 0"))
        #expect(lines.contains("godwit_log_read_seconds_bucket{by=\"head\",le=\"0.0025\"} 1"))
    }

    @Test func `what labels hold cannot break out of them`() {
        let lines = Self.lines { Metric.eventsDone.counter("a\"b\\c\nd").increment() }
        #expect(lines.contains(#"godwit_consumer_events_done_total{consumer="a\"b\\c\nd"} 1"#))
    }

    @Test func `metrics of libraries are taken, under names that the format allows`() {
        let lines = Self.lines {
            Counter(label: "9 lib.requests-é", dimensions: [("z:1", "x"), ("a", "y")]).increment()
        }
        #expect(lines.contains(#"_9_lib_requests__{a="y",z_1="x"} 1"#))
        #expect(lines.contains("# TYPE _9_lib_requests__ counter"))
    }

    @Test func `a name used as another kind is dropped, not mixed in`() {
        let lines = Self.lines {
            Metric.eventsDone.counter("a").increment()
            Meter(label: Metric.eventsDone.rawValue, dimensions: [("consumer", "a")]).set(9)
        }
        #expect(lines.contains("godwit_consumer_events_done_total{consumer=\"a\"} 1"))
        #expect(lines.count { $0.hasPrefix("godwit_consumer_events_done_total") } == 1)
    }

    @Test func `counts from many threads are all there`() async {
        let registry = PrometheusRegistry()
        await withMetricsFactory(registry) {
            await withTaskGroup { group in
                for _ in 0..<8 {
                    group.addTask {
                        let counter = Metric.eventsDone.counter("a")
                        let histogram = Metric.batchEvents.histogram("a")
                        for _ in 0..<1000 {
                            counter.increment()
                            histogram.record(1)
                        }
                    }
                }
            }
        }
        let text = registry.exposition()
        #expect(text.contains("godwit_consumer_events_done_total{consumer=\"a\"} 8000\n"))
        #expect(text.contains("godwit_consumer_batch_events_count{consumer=\"a\"} 8000\n"))
    }

    @Test func `every line has the shape of the format`() {
        let lines = Self.lines {
            Metric.eventsDone.counter("a").increment()
            Metric.readTime.timer("head").recordNanoseconds(1)
            Metric.deliveryStatus.gauge("a", "flowing").set(1)
        }
        let sample = #/[a-zA-Z_:][a-zA-Z0-9_:]*(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? ([0-9.e+-]+|NaN|[+-]Inf)/#
        let head = #/# (HELP [a-z_]+ .+|TYPE [a-z_]+ (counter|gauge|histogram))/#
        for line in lines {
            #expect(line.wholeMatch(of: sample) != nil || line.wholeMatch(of: head) != nil, "\(line)")
        }
    }
}
