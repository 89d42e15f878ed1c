import CoreMetrics
import Telemetry

/// What is shown of the settled horizon and of reading the log.
struct HorizonMetrics: Sendable {
    let position = Metric.horizonPosition.gauge()
    let latest = Metric.latestPosition.gauge()
    let waiting = Metric.horizonWaiting.gauge()
    let headTime = Metric.readTime.timer("head")
    let laneTime = Metric.readTime.timer("lane")
    let headEvents = Metric.readEvents.counter("head")
    let laneEvents = Metric.readEvents.counter("lane")
    private let holds = HorizonHold.Cause.allCases.reduce(into: [:]) { counters, cause in
        counters[cause] = Metric.horizonHolds.counter(cause.rawValue)
    }

    func heldBack(by hold: HorizonHold) {
        holds[hold.cause]?.increment()
    }
}
