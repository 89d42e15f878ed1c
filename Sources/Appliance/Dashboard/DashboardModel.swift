import KafkaBridge

/// Everything that the pages show, at one moment.
struct DashboardModel: Sendable {
    let sources: [(source: String?, status: RelayStatus)]
    let diagnosis: Diagnosis
    let rates: [String: RateHistory]
    let flow: FlowHistories
    /// Each consumer's way, by its name; those of other configurations have none.
    let ways: [String: ConsumerWay]

    init(
        _ status: ProcessStatus, rates: [String: RateHistory], flow: FlowHistories = FlowHistories(),
        ways: [String: ConsumerWay] = [:]
    ) {
        sources = status.sources
        diagnosis = status.diagnosis
        self.rates = rates
        self.flow = flow
        self.ways = ways
    }

    var reports: [ConsumerReport] { diagnosis.reports }

    /// The open jobs.
    var jobs: [Job] { sources.flatMap(\.status.jobs) }

    /// Whether the databases of all sources were seen.
    var isSeen: Bool { sources.allSatisfy { $0.status.picture != nil } }

    /// The workers of this process.
    var workers: Set<String> { Set(sources.map(\.status.worker)) }
}

/// What a consumer's page shows beside that.
struct ConsumerDetails: Sendable {
    let messages: [MessageGroup]
    /// What is parked or halted at, as far as it fits the page; `nil` when the database did not tell.
    let deadLetters: [DeadLetter]?
    /// The consumer's configuration; empty where this process has none.
    var entries: [ConfigurationEntry] = []
    var stages: StageTimes?

    /// How many parked events a page shows.
    static let mostDeadLetters = 5
}
