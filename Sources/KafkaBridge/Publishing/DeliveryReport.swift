import Consumers
import CoreMetrics
import Kafka
import Logging
import Synchronization
import Telemetry

/// Reports to the log and the metrics what happens to a consumer's delivery.
///
/// What concerns single events is reported at most once a minute, with how often it happened since: thousands of events may be
/// at fault at once.
struct DeliveryReport: Sendable {
    let metrics: PublisherMetrics
    private let logger: Logger
    private let parked = Rare()
    private let deadLetters = Rare()
    private let waits = Waits()

    init(_ logger: Logger, _ metrics: PublisherMetrics) {
        self.logger = logger
        self.metrics = metrics
    }

    func write(_ notices: [DeliveryNotice]) {
        for notice in notices { write(notice) }
        parked.flush { logger.error("\($0)") }
        deadLetters.flush { logger.error("\($0)") }
    }

    private func write(_ notice: DeliveryNotice) {
        switch notice {
        case .producerStarted: metrics.runs.increment()
        case .published(let count): metrics.published.increment(by: count)
        case .sentAgain(let count): metrics.sentAgain.increment(by: count)
        case .failed(let retry): metrics.failed(retry)
        case .recordedParked(let count): metrics.parkedTotal.increment(by: count)
        case .committed, .transactionEnded, .tookOver: writeOfTransactions(notice)
        case .halted(let halt):
            logger.error(
                "a segment halts at an event that cannot be delivered; the others go on: \(halt.reason)",
                metadata: ["segment": "\(halt.segment)", "position": "\(halt.position)"])
        case .goesOn(let halt):
            logger.notice(
                "the segment goes on", metadata: ["segment": "\(halt.segment)", "position": "\(halt.position)"])
        case .parked(let position, let segment, let rejection):
            parked.add(
                "parked, with the later ones of their aggregates; the last is position \(position) in segment \(segment): "
                    + rejection.shortError)
        case .deadLetter(let position, let topic, let rejection):
            metrics.deadLettered.increment()
            deadLetters.add(
                "sent to the dead-letter topic `\(topic)`; the last is position \(position): \(rejection.shortError)")
        default: writeOfTopics(notice)
        }
    }

    private func writeOfTransactions(_ notice: DeliveryNotice) {
        switch notice {
        case .committed(let events, let time):
            metrics.transactions?.committed(events, after: time)
        case .transactionEnded(let end):
            metrics.transactions?.ended(end)
            if end == .fenced {
                logger.warning(
                    """
                    another process has taken segments over, and this one's transaction with them: what was in it is \
                    delivered there, or again
                    """)
            }
        case .tookOver(let count): metrics.transactions?.tookOver(count)
        default: break
        }
    }

    private func writeOfTopics(_ notice: DeliveryNotice) {
        switch notice {
        case .topicRefused(let topic, let error):
            metrics.refused(topic, true)
            logger.error(
                "the topic takes no records: what needs it waits, the rest goes on: \(error)",
                metadata: ["topic": "\(topic)"])
        case .topicReady(let topic):
            metrics.refused(topic, false)
            logger.notice("the topic takes records again", metadata: ["topic": "\(topic)"])
        case .partitionsChanged(let topic, let before, let count):
            logger.warning(
                """
                the topic has another number of partitions: keys move, so events of an aggregate that are in the old \
                and the new partition have no order between them
                """, metadata: ["topic": "\(topic)", "partitions": "\(count)", "before": "\(before)"])
        case .partitionsFound(let topic, let count, let used):
            logger.warning(
                """
                the topic has got another number of partitions: those it had are used on, in order, until a new \
                producer is built or the process starts anew; then keys move
                """, metadata: ["topic": "\(topic)", "partitions": "\(count)", "used": "\(used)"])
        case .unknownLimit(let topic):
            logger.notice(
                """
                the topic's max.message.bytes cannot be read: records may take \(DeliveryState.usualLimit) bytes; grant \
                DescribeConfigs on the topic, or set kafka.max_record_bytes
                """, metadata: ["topic": "\(topic)"])
        case .oddTime(let position):
            logger.warning(
                """
                an event's created_at is not in the years 1 to 9999: its record says the nearest time that is; further \
                such events are not reported
                """, metadata: ["position": "\(position)"])
        default: break
        }
    }

    /// - Parameter isDelivering: whether something was acknowledged since it stood; what waited may also have been let go, as at
    ///   a stop.
    func write(_ status: PublisherStatus, before: PublisherStatus, isDelivering: Bool) {
        if status == before { return }
        metrics.update(status)
        switch status {
        case .flowing:
            // Where waits follow each other closely, their ends are of no more interest than they are.
            if before.name != .waiting || waits.isEndWorthReporting {
                logger.notice(isDelivering ? "delivery goes on" : "nothing waits for delivery any more")
            }
        case .waiting(let reason):
            logger.log(level: waits.isWorthReporting ? .warning : .debug, "delivery waits: \(reason)")
        case .refused(let reason): logger.error("delivery is refused until it is permitted: \(reason)")
        case .stalled: if before.name != .stalled { logger.warning("delivery is stalled: \(status.reason ?? "")") }
        // Each halt was told.
        case .halted: if before.name != .halted { logger.notice("some segments halt, all others go on") }
        }
    }
}

/// Bounds what is reported of waits that follow each other closely, as where each connection to Kafka is ended: the client
/// reports how many there were.
private final class Waits: Sendable {
    private let reports = Mutex(OutageReports())

    /// Called when a wait begins, or has another reason.
    var isWorthReporting: Bool {
        reports.withLock { $0.failed("", now: .now) } != nil
    }

    /// Called when a wait ends.
    var isEndWorthReporting: Bool {
        reports.withLock { $0.succeeded(now: .now) } != nil
    }
}

/// Reports many like things together, and at most once a minute.
private final class Rare: Sendable {
    private struct State {
        var last: ContinuousClock.Instant?
        var count = 0
        var text = ""
    }

    private let state = Mutex(State())

    func add(_ text: String) {
        state.withLock { state in
            state.count += 1
            state.text = text
        }
    }

    func flush(_ log: (_ text: String) -> Void) {
        let text = state.withLock { state -> String? in
            if state.count == 0 { return nil }
            if let last = state.last, .now - last < .seconds(60) { return nil }
            defer { state = State(last: .now) }
            return (state.count == 1 ? "an event is " : "\(state.count) events are ") + state.text
        }
        if let text { log(text) }
    }
}
