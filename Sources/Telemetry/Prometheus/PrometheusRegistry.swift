package import CoreMetrics
import Synchronization

/// A backend of swift-metrics that keeps what Prometheus asks for.
///
/// A metric of ``Metric`` is what its definition says; others, of libraries, are taken as they come. A name that is used
/// as two kinds keeps the first; what is recorded as the other is dropped.
package final class PrometheusRegistry: Sendable {
    private let families = Mutex<[String: MetricFamily]>([:])

    package init() {
        families.withLock { families in
            for metric in Metric.allCases {
                let definition = metric.definition
                families[metric.rawValue] = MetricFamily(kind: definition.kind, help: definition.help)
            }
        }
    }

    /// Everything in the text format 0.0.4, sorted by name and labels.
    package func exposition() -> String {
        let families = families.withLock { $0 }
        var text = ExpositionText()
        for (name, family) in families.sorted(by: { $0.key < $1.key }) { text.write(family, named: name) }
        return text.text
    }

    func series(_ metric: Metric) -> [String: MetricFamily.Cell] {
        families.withLock { $0[metric.rawValue]?.series ?? [:] }
    }

    private func cell(
        _ label: String, _ dimensions: [(String, String)], _ kind: MetricDefinition.Kind
    ) -> MetricFamily.Cell {
        let name = ExpositionText.name(label)
        let labels = ExpositionText.labels(dimensions)
        return families.withLock { families in
            families[name, default: MetricFamily(kind: kind, help: nil)].cell(labels)
        }
    }
}

extension PrometheusRegistry: MetricsFactory {
    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        if case .counter(let cell) = cell(label, dimensions, .counter) { return cell }
        return CounterCell()
    }

    package func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        gauge(label, dimensions)
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        gauge(label, dimensions)
    }

    package func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        aggregate ? histogram(label, dimensions, .counts) : gauge(label, dimensions)
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        histogram(label, dimensions, .times)
    }

    private func gauge(_ label: String, _ dimensions: [(String, String)]) -> GaugeCell {
        if case .gauge(let cell) = cell(label, dimensions, .gauge) { return cell }
        return GaugeCell()
    }

    private func histogram(
        _ label: String, _ dimensions: [(String, String)], _ kind: MetricDefinition.Kind
    ) -> HistogramCell {
        if case .histogram(let cell) = cell(label, dimensions, kind) { return cell }
        return HistogramCell(bounds: [])
    }

    // A series stays for as long as the process: a counter that came back at 0 would look like a restart.
    package func destroyCounter(_ handler: any CounterHandler) {}
    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
    package func destroyMeter(_ handler: any MeterHandler) {}
    package func destroyRecorder(_ handler: any RecorderHandler) {}
    package func destroyTimer(_ handler: any TimerHandler) {}
}
