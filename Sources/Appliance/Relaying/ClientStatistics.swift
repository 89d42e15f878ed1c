import CoreMetrics
import Kafka
import KafkaBridge
import Synchronization
import Telemetry

/// Turns the statistics of a Kafka client into metrics.
final class ClientStatistics: Sendable {
    /// Twice between two scrapes at Prometheus' usual interval.
    static let interval = "5000"

    private let queueRecords: Meter
    private let queueBytes: Meter
    private let sent: Meter
    private let payload: Meter
    private let ratio: Meter
    private let last = Mutex<(sent: Double, payload: Double)>((0, 0))

    init(_ consumer: String) {
        queueRecords = Metric.queueRecords.gauge(consumer)
        queueBytes = Metric.queueBytes.gauge(consumer)
        sent = Metric.sentBytes.gauge(consumer)
        payload = Metric.payloadBytes.gauge(consumer)
        ratio = Metric.compressionRatio.gauge(consumer)
    }

    /// Has the publisher's clients report, to metrics of the task's backend.
    static func observe(_ options: inout KafkaPublisherOptions) {
        let statistics = ClientStatistics(options.name)
        if options.client.properties["statistics.interval.ms"] == nil {
            options.client.properties["statistics.interval.ms"] = interval
        }
        options.onStatistics = { statistics.take($0) }
    }

    /// Takes in a report. One that is not understood is passed over.
    func take(_ text: String) {
        guard let report = try? JSONParser.parse(text) else { return }
        func number(_ name: String) -> Double? {
            guard case .number(let digits)? = report[name] else { return nil }
            return Double(digits)
        }
        if let records = number("msg_cnt") { queueRecords.set(records) }
        if let bytes = number("msg_size") { queueBytes.set(bytes) }
        guard let sentNow = number("tx_bytes"), let payloadNow = number("txmsg_bytes") else { return }
        sent.set(sentNow)
        payload.set(payloadNow)
        let before = last.withLock { last in
            defer { last = (sentNow, payloadNow) }
            // A new producer counts from 0.
            return sentNow < last.sent ? (0, 0) : last
        }
        let (sentSince, payloadSince) = (sentNow - before.0, payloadNow - before.1)
        // A quiet client only sends heartbeats, which say nothing about compression.
        if payloadSince > 0, sentSince > 0 { ratio.set(payloadSince / sentSince) }
    }
}
