import Postgres

/// Where a feed's batches go: into a database transaction per segment, or out to an integration consumer.
protocol BatchSink: Sendable {
    /// Whether what is done survives a crash of the database that loses its last commits.
    var isExternal: Bool { get }

    /// What is kept for each event that is under way, beside its batch, in bytes of memory.
    var memoryPerEvent: Int { get }

    /// What is kept for the events of a batch beside it, in bytes of memory.
    func memory(of batch: FeedBatch) -> Int

    /// Events with larger payloads are handed over without them.
    var largestPayload: Int { get }

    /// Work that goes on for as long as the consumer is served, across changes of ownership. Throws what ends the
    /// consumer.
    func run() async throws

    /// Says for whom batches come from now on.
    func serve(_ segments: [ServedSegment])

    /// Takes a batch over, for the segments claimed. Does not wait: what bounds it is the share of the budget.
    func take(_ batch: FeedBatch, share: ByteBudget.Share, claims: [SegmentClaim])

    /// Segments are about to be released, of which nothing is under way.
    func willRelease(_ segments: Set<Int>) async

    /// The database has these checkpoints, by segment.
    func wroteCheckpoints(_ checkpoints: [Int: Int64]) async

    /// As ``EndingConsumer/lastRecorded``.
    var lastRecorded: BoundStatement? { get async }

    /// Waits until nothing is under way. What was not begun may be dropped, unless `finishing`.
    func settle(finishing: Bool) async throws
}

extension BatchSink {
    func memory(of batch: FeedBatch) -> Int { batch.selection.count * memoryPerEvent }

    /// Nothing is to be done.
    func willRelease(_ segments: Set<Int>) async {}

    /// Nothing is to be done.
    func wroteCheckpoints(_ checkpoints: [Int: Int64]) async {}

    /// What was written is lost together with the checkpoint.
    var lastRecorded: BoundStatement? { nil }

    /// All payloads are wanted.
    var largestPayload: Int { .max }
}
