import Consumers
import CoreMetrics
import EventSourcing
import Telemetry
import Testing

@testable import Appliance
@testable import KafkaBridge

@Suite struct StoreMetricsTests {
    private func consumer(_ segments: [(owner: String?, lag: SegmentLag)]) -> StoreStatus.Consumer {
        StoreStatus.Consumer(
            name: "identity",
            segments: segments.enumerated().map { id, segment in
                StoreStatus.Segment(id: id, owner: segment.owner, checkpoint: 1, lag: segment.lag)
            }, workers: [],
            order: StoreStatus.Order(control: ConsumerControl(isPaused: true, rate: 7), age: .zero, actor: "ada"))
    }

    private func report(
        _ metrics: StoreMetrics, _ segments: [(owner: String?, lag: SegmentLag)], in registry: PrometheusRegistry
    ) {
        let store = StoreStatus(latest: 9, lastDrawn: 9, writers: [], consumers: [consumer(segments)])
        withMetricsFactory(registry) {
            metrics.report(StatusSource.Picture(store: store, deadLetters: [:]), age: .zero)
        }
    }

    private func has(_ registry: PrometheusRegistry, _ line: String) -> Bool {
        registry.exposition().split(separator: "\n").contains { $0 == line }
    }

    @Test func `an audit's figures are there where audits are asked for`() {
        var audit = AuditRecord(consumer: "identity", beganAfter: 0, reason: .first)
        audit.position = 40
        audit.counts.missing = 2
        audit.suspects = [3]
        audit.age = .seconds(9)
        let store = StoreStatus(latest: 9, lastDrawn: 9, writers: [], consumers: [consumer([])])
        let picture = StatusSource.Picture(store: store, deadLetters: [:], audits: ["identity": audit])
        for isAudited in [true, false] {
            let registry = PrometheusRegistry()
            let metrics = StoreMetrics(worker: "me", consumers: ["identity"], audits: isAudited)
            // What has waited in a picture waits still.
            withMetricsFactory(registry) { metrics.report(picture, age: .seconds(20)) }
            #expect(has(registry, "godwit_audit_position{consumer=\"identity\"} 40") == isAudited)
            #expect(has(registry, "godwit_audit_missing{consumer=\"identity\"} 2") == isAudited)
            #expect(has(registry, "godwit_audit_unproven{consumer=\"identity\"} 1") == isAudited)
            #expect(has(registry, "godwit_audit_age_seconds{consumer=\"identity\"} 29") == isAudited)
        }
    }

    @Test func `only own segments lag here, by the oldest of them, and a lost one lags no more`() {
        let (metrics, registry) = (StoreMetrics(worker: "me", consumers: ["identity"]), PrometheusRegistry())
        let (young, old) = (SegmentLag(counted: 2, oldest: .seconds(3)), SegmentLag(counted: 4, oldest: .seconds(90)))
        report(metrics, [("me", young), ("other", old), ("me", SegmentLag(counted: 0))], in: registry)
        #expect(has(registry, "godwit_consumer_lag_seconds{consumer=\"identity\"} 3"))
        #expect(has(registry, "godwit_segment_lag_events{consumer=\"identity\",segment=\"0\"} 2"))
        #expect(has(registry, "godwit_segment_lag_seconds{consumer=\"identity\",segment=\"0\"} 3"))
        #expect(!registry.exposition().contains("segment=\"1\""))
        #expect(has(registry, "godwit_consumer_paused{consumer=\"identity\"} 1"))
        #expect(has(registry, "godwit_consumer_rate_limit_events{consumer=\"identity\"} 7"))
        report(metrics, [("other", young), ("me", old), ("me", SegmentLag(counted: 0))], in: registry)
        #expect(has(registry, "godwit_segment_lag_events{consumer=\"identity\",segment=\"0\"} 0"))
        #expect(has(registry, "godwit_segment_lag_seconds{consumer=\"identity\",segment=\"0\"} 0"))
        #expect(has(registry, "godwit_consumer_lag_seconds{consumer=\"identity\"} 90"))
        report(metrics, [("me", SegmentLag(counted: 0, uncounted: 5))], in: registry)
        #expect(
            has(registry, "godwit_consumer_lag_seconds{consumer=\"identity\"} 90"), "an unknown age changes nothing")
        report(metrics, [("me", SegmentLag(counted: 0))], in: registry)
        #expect(has(registry, "godwit_consumer_lag_seconds{consumer=\"identity\"} 0"))
    }
}

@Suite struct ClientStatisticsTests {
    private func value(_ registry: PrometheusRegistry, _ metric: Metric) -> String? {
        registry.exposition().split(separator: "\n").first { $0.hasPrefix(metric.rawValue + "{") }?
            .split(separator: " ").last.map(String.init)
    }

    @Test func `the ratio is that of what was sent since the last report, also by a new client`() {
        let registry = PrometheusRegistry()
        let statistics = withMetricsFactory(registry) { ClientStatistics("identity") }
        statistics.take(#"{"msg_cnt":3,"msg_size":99,"tx_bytes":1000,"txmsg_bytes":4000}"#)
        #expect(value(registry, .queueRecords) == "3" && value(registry, .queueBytes) == "99")
        #expect(value(registry, .compressionRatio) == "4")
        statistics.take(#"{"tx_bytes":2000,"txmsg_bytes":6000}"#)
        #expect(value(registry, .compressionRatio) == "2")
        // Nothing but heartbeats.
        statistics.take(#"{"tx_bytes":2100,"txmsg_bytes":6000}"#)
        #expect(value(registry, .compressionRatio) == "2")
        statistics.take(#"{"tx_bytes":100,"txmsg_bytes":300}"#)
        #expect(value(registry, .compressionRatio) == "3" && value(registry, .sentBytes) == "100")
        statistics.take("nonsense")
        statistics.take("[]")
        #expect(value(registry, .compressionRatio) == "3")
    }
}
