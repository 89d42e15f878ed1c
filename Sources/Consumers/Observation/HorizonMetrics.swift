import CoreMetrics
import Telemetry

/// What is shown of the settled horizon.
struct HorizonMetrics: Sendable {
    let position = Metric.horizonPosition.gauge()
    let latest = Metric.latestPosition.gauge()
    let waiting = Metric.horizonWaiting.gauge()
    let holds = Metric.horizonHolds.counter()
}
