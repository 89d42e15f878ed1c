import KafkaBridge

/// Everything that the pages show, at one moment.
struct DashboardModel: Sendable {
    let sources: [(source: String?, status: RelayStatus)]
    let diagnosis: Diagnosis
    let rates: [String: RateHistory]
    /// Whether a token is configured, so that something can be changed here.
    let canChange: Bool

    init(_ status: ProcessStatus, rates: [String: RateHistory], canChange: Bool) {
        sources = status.sources
        diagnosis = status.diagnosis
        self.rates = rates
        self.canChange = canChange
    }

    var reports: [ConsumerReport] { diagnosis.reports }

    /// The open jobs.
    var jobs: [Job] { sources.flatMap(\.status.jobs) }

    /// The workers of this process.
    var workers: Set<String> { Set(sources.map(\.status.worker)) }
}

/// What a consumer's page shows beside that.
struct ConsumerDetails: Sendable {
    let messages: [RecentMessages.Message]
    /// What is parked or halted at, as far as it fits the page; `nil` when the database did not tell.
    let deadLetters: [DeadLetter]?

    /// How many parked events a page shows.
    static let mostDeadLetters = 50
}
