/// A metric's series, one for each combination of its labels' values.
struct MetricFamily: Sendable {
    enum Cell: Sendable {
        case counter(CounterCell)
        case gauge(GaugeCell)
        case histogram(HistogramCell)
    }

    let kind: MetricDefinition.Kind
    let help: String?
    /// By the labels as the exposition writes them, so that equal ones are one series.
    var series: [String: Cell] = [:]

    /// The series of the labels, made where there is none yet.
    mutating func cell(_ labels: String) -> Cell {
        if let cell = series[labels] { return cell }
        let cell: Cell =
            switch kind {
            case .counter: .counter(CounterCell())
            case .gauge: .gauge(GaugeCell())
            case .histogram(let bounds): .histogram(HistogramCell(bounds: bounds))
            }
        series[labels] = cell
        return cell
    }
}
