import CoreMetrics
import Telemetry

/// What is shown of the settled horizon.
struct HorizonMetrics: Sendable {
    let position = Metric.horizonPosition.gauge()
    let latest = Metric.latestPosition.gauge()
    let waiting = Metric.horizonWaiting.gauge()
    private let holds = HorizonHold.Cause.allCases.reduce(into: [:]) { counters, cause in
        counters[cause] = Metric.horizonHolds.counter(cause.rawValue)
    }

    func heldBack(by hold: HorizonHold) {
        holds[hold.cause]?.increment()
    }
}
