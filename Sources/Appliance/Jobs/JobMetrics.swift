import CoreMetrics
import KafkaBridge
import Synchronization
import Telemetry

/// What is counted of the jobs of one consumer that this process runs.
struct JobMetrics: Sendable {
    private let running: Meter
    private let progress: Meter
    private let left: Meter
    private let yielding: Meter
    private let events: Counter
    private let failures: Counter

    init(_ consumer: String) {
        running = Metric.jobRunning.gauge(consumer)
        progress = Metric.jobProgress.gauge(consumer)
        left = Metric.jobTimeLeft.gauge(consumer)
        yielding = Metric.jobYielding.gauge(consumer)
        events = Metric.jobEvents.counter(consumer)
        failures = Metric.jobFailures.counter(consumer)
    }

    func began() { running.set(1) }

    func ended() {
        running.set(0)
        yielding.set(0)
        left.set(0)
    }

    func failed() { failures.increment() }

    /// Takes in the progress of one run.
    func observer() -> @Sendable (JobProgress) -> Void {
        let counted = Mutex<Int64>(0)
        return { update in
            progress.set(update.fraction)
            left.set(update.remaining.map { $0 / .seconds(1) } ?? 0)
            yielding.set(update.note.isEmpty ? 0 : 1)
            let new = counted.withLock { counted in
                defer { counted = max(counted, update.publishedNow) }
                return update.publishedNow - counted
            }
            if new > 0 { events.increment(by: new) }
        }
    }
}
