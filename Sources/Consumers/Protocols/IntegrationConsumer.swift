public import EventSourcing
package import Postgres

/// A consumer that carries events out of the database, for example to Kafka.
///
/// No transaction is open while it works. The relay hands it batches one after the other, in the order of positions;
/// several may be under way at a time, and each segment's checkpoint follows what was acknowledged without a gap.
public protocol IntegrationConsumer: Sendable {
    /// The name its checkpoints are kept under; stays the same for ever.
    var name: String { get }

    /// The events it wants.
    var scope: EventScope { get }

    /// What it keeps for each event until that is acknowledged, beside the batch, in bytes of memory: it counts as in
    /// flight too. 0 unless said otherwise.
    var memoryPerEvent: Int { get }

    /// Its condition, for people; looked at now and then.
    var condition: ConsumerCondition { get }

    /// Says whose events come from now on, before the first of them. Calls of this and of `publish` do not overlap.
    ///
    /// A segment that was not there before, or comes with another epoch or attempt, begins anew behind its checkpoint:
    /// nothing that was known of it holds any more. Segments that are missing are served no longer.
    func serve(_ segments: [ServedSegment]) async throws

    /// Takes a batch over, and returns as soon as the next one may be handed over. Calls do not overlap.
    ///
    /// What is thrown, here or by the acknowledgement, halts the segments that the batch has events of, each at its first:
    /// the reason shows in `status`, and the events are handed over again, first after
    /// ``WorkerOptions/failureRetryInterval``, then after longer and longer waits. The other segments and consumers go on.
    /// Events of the batch that were carried out already come again. A one-off run does not try again: it does everything
    /// else, then throws ``ConsumerFailure``.
    ///
    /// - Returns: what waits for the batch's acknowledgement.
    func publish(_ batch: FeedBatch) async throws -> Publication

    /// Does what is to be done beside the batches for as long as the consumer is served; returns at once if that is
    /// nothing.
    ///
    /// - Parameter retry: has segments that halt begin anew at once, for a caller that learns that what was wrong is fixed.
    func run(_ retry: @escaping @Sendable (_ segments: Set<Int>) -> Void) async throws
}

/// Waits for what passes by itself, and keeps its halts: what it throws ends its worker.
package protocol EndingConsumer: IntegrationConsumer {
    /// Takes the place of ``IntegrationConsumer/run(_:)``.
    ///
    /// - Parameters:
    ///   - rejoin: gives up what was handed over and has the ownership asked for again, for a caller that learns that segments
    ///     are others' by now.
    ///   - admit: waits until so many events may be carried beside the batches, or fewer, as the consumer's controls say; `nil`
    ///     once it is stopped.
    func run(
        _ retry: @escaping @Sendable (_ segments: Set<Int>) -> Void,
        rejoin: @escaping @Sendable () -> Void,
        admit: @escaping @Sendable (_ wanted: Int) async throws -> Int?
    ) async throws

    /// Everything handed over is done, and nothing more comes: does what is asked for beside the batches, and returns once that is
    /// done.
    func finish() async throws

    /// Segments of which everything handed over is done are about to be released; the next owner need not end anything.
    func willRelease(_ segments: Set<Int>) async

    /// The database has these checkpoints, by segment.
    func wroteCheckpoints(_ checkpoints: [Int: Int64]) async

    /// Asks the database, in one row of one value, whether it has what the consumer wrote there last, on which what is done
    /// rests; `nil` if it wrote nothing.
    var lastRecorded: BoundStatement? { get async }
}

extension EndingConsumer {
    /// Does nothing.
    package func finish() async throws {}
}

extension IntegrationConsumer {
    /// Nothing.
    public var memoryPerEvent: Int { 0 }

    /// Takes no notice.
    public func serve(_ segments: [ServedSegment]) async throws {}

    /// Does nothing.
    public func run(_ retry: @escaping @Sendable (_ segments: Set<Int>) -> Void) async throws {}
}

/// A segment whose events are handed over from behind its checkpoint on.
public struct ServedSegment: Sendable, Hashable {
    /// The segment, from 0.
    public let segment: Int
    /// Where it begins, if it begins anew: everything up to here was done.
    public let checkpoint: Int64
    /// Counts the claims by any worker.
    package let epoch: Int64
    /// Counts the beginnings under the same claim: one more after each halt.
    package let attempt: Int

    /// A segment that begins behind the checkpoint, for tests of a consumer.
    public init(segment: Int, checkpoint: Int64) {
        self.init(segment: segment, checkpoint: checkpoint, epoch: 1, attempt: 0)
    }

    package init(segment: Int, checkpoint: Int64, epoch: Int64, attempt: Int) {
        self.segment = segment
        self.checkpoint = checkpoint
        self.epoch = epoch
        self.attempt = attempt
    }
}
