import FoundationEssentials
package import KafkaBridge

/// A job as an operator asks for it, by command, request or page.
package struct JobOrder: Sendable {
    package var name: String
    package var consumer: String
    package var selection: SelectionRequest
    /// Events in a second at most.
    package var rate: Double?
    /// Whether relays are to run it.
    package var isQueued: Bool
    /// Whether it gives way to the live flow; not given, relays' jobs without a rate do.
    package var isCourteous: Bool?

    package init(
        _ name: String, consumer: String, selection: SelectionRequest = SelectionRequest(), rate: Double? = nil,
        isQueued: Bool = false, isCourteous: Bool? = nil
    ) {
        self.name = name
        self.consumer = consumer
        self.selection = selection
        self.rate = rate
        self.isQueued = isQueued
        self.isCourteous = isCourteous
    }

    /// The rates that make sense: one event in about eleven days to a billion a second.
    package static let rates: ClosedRange<Double> = 0.000_001...1_000_000_000

    /// Checks what can be checked without the database.
    package func validate() throws(Failure) {
        guard JobName.isValid(name) else {
            throw Failure(
                .usage,
                "\"\(LogLine.harmless(name))\" is no name for a job: use up to 100 letters, digits, `.`, `_` and `-`, no `-` first"
            )
        }
        if let rate, !Self.rates.contains(rate) {
            throw Failure(.usage, "the rate is \(rate), but must be events per second, a number above 0")
        }
        try selection.validate()
    }

    /// As the table holds it.
    func job(_ definition: JobDefinition) -> NewJob {
        var job = NewJob(name, definition)
        (job.rate, job.isQueued) = (rate, isQueued)
        job.isCourteous = isQueued && (isCourteous ?? (rate == nil))
        return job
    }
}
