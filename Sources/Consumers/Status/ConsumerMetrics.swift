import CoreMetrics
import EventSourcing
import Glibc
import Telemetry

/// What is counted of one consumer: per batch, never per event.
struct ConsumerMetrics: Sendable {
    let handedOver: Counter
    let done: Counter
    private let filtered: Counter
    let batchEvents: Recorder
    let batchBytes: Recorder
    let checkpointTime: Timer
    let rebalances: Counter
    let lostSegments: Counter
    private let latency: Timer
    private let settling: Timer
    private let queueing: Timer
    private let delivering: Timer
    private let checkpoint: Meter
    private let lag: Meter
    private let owned: Meter

    private let live: LiveFlow?

    init(_ consumer: String, live: LiveFlow? = nil) {
        self.live = live
        handedOver = Metric.eventsHandedOver.counter(consumer)
        done = Metric.eventsDone.counter(consumer)
        filtered = Metric.eventsFiltered.counter(consumer)
        batchEvents = Metric.batchEvents.histogram(consumer)
        batchBytes = Metric.batchBytes.histogram(consumer)
        latency = Metric.latency.timer(consumer)
        settling = Metric.delay.timer(consumer, "settle")
        queueing = Metric.delay.timer(consumer, "queue")
        delivering = Metric.delay.timer(consumer, "deliver")
        checkpointTime = Metric.checkpointTime.timer(consumer)
        rebalances = Metric.rebalances.counter(consumer)
        lostSegments = Metric.lostSegments.counter(consumer)
        checkpoint = Metric.checkpointPosition.gauge(consumer)
        lag = Metric.lagEvents.gauge(consumer)
        owned = Metric.ownedSegments.gauge(consumer)
    }

    /// Notes that the scope's filter left events out.
    func noteFiltered(_ count: Int) { filtered.increment(by: count) }

    func tookOver(_ batch: FeedBatch) {
        if batch.selection.isEmpty { return }
        handedOver.increment(by: batch.selection.count)
        batchEvents.record(batch.selection.count)
        batchBytes.record(batch.memorySize)
    }

    /// Notes how old a batch's first event is now that the batch is processed, and in which stage it has waited for how long.
    func processed(_ batch: FeedBatch, first: Int?) {
        guard let events = batch.events, let first else { return }
        let (created, now) = (events[first].createdAtMicroseconds, WallClock.microseconds)
        latency.recordMicroseconds(WallClock.age(of: created, now: now))
        live?.note(
            LiveFlow.Sample(
                age: WallClock.age(of: created, now: now),
                handling: batch.offeredAt.map { WallClock.age(of: $0, now: now) }), isBehind: batch.isBehind)
        guard let offered = batch.offeredAt, let handedOver = batch.handedOverAt else { return }
        settling.recordMicroseconds(WallClock.age(of: created, now: offered))
        queueing.recordMicroseconds(WallClock.age(of: offered, now: handedOver))
        delivering.recordMicroseconds(WallClock.age(of: handedOver, now: now))
    }

    func update(_ progress: ConsumerProgress) {
        owned.set(progress.segments.count)
        lag.set(progress.lag)
        if let position = progress.checkpoint { checkpoint.set(position) }
    }
}

/// The time of day, as `created_at` has it.
enum WallClock {
    /// Since 1970.
    static var microseconds: Int64 {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1_000
    }

    /// How long ago a time is, in microseconds; 0 for one that is still to come. Any time may stand in an event.
    static func age(of time: Int64, now: Int64 = microseconds) -> Int64 {
        let (age, isOverflow) = now.subtractingReportingOverflow(time)
        if isOverflow { return time < 0 ? .max : 0 }
        return max(0, age)
    }
}
