public import Logging

/// Whether to go on for ever or to end with what is there.
public enum RunMode: Sendable, Hashable {
    /// Works until stopped.
    case continuous
    /// Handles what was committed before the start, and returns.
    case oneOff
}

/// Where a consumer that has no checkpoints yet begins. Recorded at its first start; later starts go on from there.
public enum StartPosition: Sendable, Hashable {
    /// With the first event there is.
    case beginning
    /// With the first event after the start.
    case now
    /// With the first event behind the position.
    case after(Int64)
}

/// How a worker learns that there may be new events.
public enum WakeupSource: Sendable {
    /// A look at the latest position per ``WorkerOptions/dispatcherPollInterval``, for all consumers together.
    case polling
    /// LISTEN on a connection of its own.
    case notify(NotifyDispatcher.Options)
}

/// How a worker or processor works. Every duration is at least zero.
public struct WorkerOptions: Sendable {
    /// Into how many segments a consumer's aggregates are divided: the most workers that can share it. It holds for
    /// the consumer's first start; later the recorded number does. 4.
    public var totalSegments = 4
    /// The most events of one read, and of one transaction. Where it is above 500, reads begin with 500 and grow while
    /// there is more to read. 500.
    public var batchSize = 500
    /// The most bytes of payload of one read, its first event excepted. 4 MiB.
    public var batchBytes = 4 << 20
    /// The most memory that events read and not yet done may take, divided among the consumers; with what
    /// an integration consumer keeps for each (``IntegrationConsumer/memoryPerEvent``). 32 MiB.
    public var bytesInFlight = 32 << 20
    /// How long to wait before the next look when nothing came and no dispatcher is there to wake. 100 ms.
    public var pollInterval: Duration = .milliseconds(100)
    /// The longest such wait. 5 s.
    public var maxPollInterval: Duration = .seconds(5)
    /// By how much the wait grows from look to look. 2.
    public var pollBackoffFactor = 2.0
    /// The longest pause after full batches, which leaves room to others while a backlog is worked off: 5 ms, doubled
    /// by each full batch, halved by each other one. Off when not above zero; 0, off.
    public var maxPostBatchPause: Duration = .zero
    /// How often the worker reports to the others that it is alive. Without an answer for two intervals it stops; where its
    /// session has ended, others take over after two and a half. 2 s.
    public var heartbeatInterval: Duration = .seconds(2)
    /// How old a worker's heartbeat may be before the others take its segments, if its session still seems to live.
    /// At least three heartbeat intervals. 30 s.
    public var staleThreshold: Duration = .seconds(30)
    /// How often to look whether segments should move. 10 s.
    public var rebalanceInterval: Duration = .seconds(10)
    /// How often to check that the segments are still this worker's; `nil` for half of the stale threshold.
    public var healthAuditInterval: Duration?
    /// How long at most to hold back a wakeup, at random, so that many processes do not read at the same instant. 0.
    public var wakeupJitter: Duration = .zero
    /// The first wait before a batch is tried again after a deadlock or serialization failure. 25 ms.
    public var transientRetryInterval: Duration = .milliseconds(25)
    /// The longest such wait. 500 ms.
    public var maxTransientRetryInterval: Duration = .milliseconds(500)
    /// How aggregates are spread over segments. FNV-1a; replace it only before the first start of a consumer.
    public var partitionStrategy: any PartitionStrategy = FNV1aPartitionStrategy()
    /// Whether to go on for ever. `continuous`.
    public var runMode = RunMode.continuous
    /// Whether one dispatcher wakes all consumers; without it each polls for itself. True.
    public var dispatcherEnabled = true
    /// How often the polling dispatcher looks. 200 ms.
    public var dispatcherPollInterval: Duration = .milliseconds(200)
    /// What wakes the consumers. Polling.
    public var wakeupSource = WakeupSource.polling
    /// Where a consumer without checkpoints begins. The beginning.
    public var startPosition = StartPosition.beginning
    /// The least time between two writes of an integration consumer's checkpoint while batches come without a pause.
    /// 20 ms.
    public var checkpointInterval: Duration = .milliseconds(20)
    /// How often a quiet consumer's checkpoint follows the horizon. 30 s.
    public var horizonInterval: Duration = .seconds(30)
    /// The first wait before an event that a consumer failed at is tried again. Each further failure doubles it, up to
    /// ``haltRetryInterval``. 1 s.
    public var failureRetryInterval: Duration = .seconds(1)
    /// How often a segment that halts at an event that cannot be delivered is tried again; the longest wait before an
    /// event that a consumer failed at is tried again. 30 s.
    public var haltRetryInterval: Duration = .seconds(30)
    /// How long to wait, when told to stop, for what is under way. 20 s.
    public var drainTimeout: Duration = .seconds(20)
    /// Connections for the transactions of SQL consumers. 4.
    public var transactionConnections = 4
    /// What is different for single consumers, by their names.
    public var overrides: [String: Override] = [:]
    /// Where the worker reports.
    public var logger = Logger(label: "godwit.worker")

    /// Whether the process runs jobs, so that heartbeats look for those that wait for it.
    package var looksForJobs = false

    /// The defaults.
    public init() {}

    /// What may be different for a single consumer; `nil` keeps the worker's value.
    public struct Override: Sendable {
        /// See ``WorkerOptions/totalSegments``.
        public var totalSegments: Int?
        /// See ``WorkerOptions/batchSize``.
        public var batchSize: Int?
        /// See ``WorkerOptions/startPosition``.
        public var startPosition: StartPosition?

        /// Changes what is given.
        public init(totalSegments: Int? = nil, batchSize: Int? = nil, startPosition: StartPosition? = nil) {
            self.totalSegments = totalSegments
            self.batchSize = batchSize
            self.startPosition = startPosition
        }
    }

    /// The options as they hold for a consumer.
    func resolved(for consumer: String) -> WorkerOptions {
        guard let override = overrides[consumer] else { return self }
        var options = self
        options.totalSegments = override.totalSegments ?? totalSegments
        options.batchSize = override.batchSize ?? batchSize
        options.startPosition = override.startPosition ?? startPosition
        return options
    }

    /// By which times the worker holds its segments.
    ///
    /// - Throws: ``InvalidWorkerOption`` where two workers could own a segment at once.
    func leaseTerms() throws(InvalidWorkerOption) -> LeaseTerms {
        do throws(InvalidLeaseTerms) {
            return try LeaseTerms(beat: heartbeatInterval, stale: staleThreshold)
        } catch {
            throw InvalidWorkerOption(option: "staleThreshold", reason: error.reason)
        }
    }

    var effectiveAuditInterval: Duration { healthAuditInterval ?? staleThreshold / 2 }
}

/// An option that makes no sense.
public struct InvalidWorkerOption: Error, Sendable, Hashable, CustomStringConvertible {
    /// The option's name.
    public let option: String
    /// What is wrong with its value, and what would be right.
    public let reason: String
    /// One line.
    public var description: String { "\(option) \(reason)" }
}

extension WorkerOptions {
    /// - Throws: ``InvalidWorkerOption`` for the first that makes no sense.
    func validate() throws(InvalidWorkerOption) {
        func require(_ holds: Bool, _ option: String, _ reason: String) throws(InvalidWorkerOption) {
            if !holds { throw InvalidWorkerOption(option: option, reason: reason) }
        }
        try require((1...4096).contains(totalSegments), "totalSegments", "is \(totalSegments); it must lie in 1…4096")
        try require((1...100_000).contains(batchSize), "batchSize", "is \(batchSize); it must lie in 1…100000")
        try require(batchBytes > 0, "batchBytes", "must be above zero")
        try require(bytesInFlight > 0, "bytesInFlight", "must be above zero")
        try require(pollInterval > .zero, "pollInterval", "must be above zero")
        try require(maxPollInterval >= pollInterval, "maxPollInterval", "must not be below pollInterval")
        try require(pollBackoffFactor >= 1, "pollBackoffFactor", "must be at least 1")
        try require(heartbeatInterval > .zero, "heartbeatInterval", "must be above zero")
        try require(
            staleThreshold >= heartbeatInterval * 3, "staleThreshold",
            "is \(staleThreshold); it must be at least three heartbeat intervals of \(heartbeatInterval), so that one "
                + "late heartbeat costs nobody its segments")
        try require(rebalanceInterval > .zero, "rebalanceInterval", "must be above zero")
        try require(
            effectiveAuditInterval > .zero && effectiveAuditInterval <= staleThreshold, "healthAuditInterval",
            "must be above zero and not above staleThreshold")
        try require(wakeupJitter >= .zero, "wakeupJitter", "must not be below zero")
        try require(transientRetryInterval > .zero, "transientRetryInterval", "must be above zero")
        try require(
            maxTransientRetryInterval >= transientRetryInterval, "maxTransientRetryInterval",
            "must not be below transientRetryInterval")
        try require(dispatcherPollInterval > .zero, "dispatcherPollInterval", "must be above zero")
        try require(checkpointInterval >= .zero, "checkpointInterval", "must not be below zero")
        try require(horizonInterval > .zero, "horizonInterval", "must be above zero")
        try require(failureRetryInterval > .zero, "failureRetryInterval", "must be above zero")
        try require(haltRetryInterval > .zero, "haltRetryInterval", "must be above zero")
        try require(transactionConnections > 0, "transactionConnections", "must be above zero")
        if case .after(let position) = startPosition {
            try require(position >= 0, "startPosition", "must not be below zero")
        }
    }
}
