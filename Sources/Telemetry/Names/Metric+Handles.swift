package import CoreMetrics

/// Handles are made once and kept: making one looks it up under a lock, using one does not.
///
/// They go to the backend of the task they are made in (`withMetricsFactory`), or the process's.
extension Metric {
    /// - Parameter values: the values of its labels, in their order.
    package func counter(_ values: String...) -> Counter {
        Counter(label: rawValue, dimensions: dimensions(values))
    }

    /// - Parameter values: the values of its labels, in their order.
    package func gauge(_ values: String...) -> Meter {
        Meter(label: rawValue, dimensions: dimensions(values))
    }

    /// For a histogram of anything but time.
    ///
    /// - Parameter values: the values of its labels, in their order.
    package func histogram(_ values: String...) -> Recorder {
        Recorder(label: rawValue, dimensions: dimensions(values), aggregate: true)
    }

    /// For a histogram of time.
    ///
    /// - Parameter values: the values of its labels, in their order.
    package func timer(_ values: String...) -> Timer {
        Timer(label: rawValue, dimensions: dimensions(values))
    }

    private func dimensions(_ values: [String]) -> [(String, String)] {
        assert(values.count == definition.labels.count, "\(rawValue) has the labels \(definition.labels)")
        return Array(zip(definition.labels, values))
    }
}

extension Timer {
    /// Records the time since an instant.
    package func record(since start: ContinuousClock.Instant) {
        let (seconds, attoseconds) = (ContinuousClock.now - start).components
        recordNanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }
}
