public import EventSourcing

/// A consumer that carries events out of the database, for example to Kafka.
///
/// No transaction is open while it works. The relay hands it batches one after the other, in the order of positions;
/// several may be under way at a time, and the checkpoint follows what was acknowledged without a gap.
public protocol IntegrationConsumer: Sendable {
    /// The name its checkpoints are kept under; stays the same for ever.
    var name: String { get }

    /// The events it wants.
    var scope: EventScope { get }

    /// How it fares, for people; looked at now and then.
    var condition: ConsumerCondition { get }

    /// Takes a batch over, and returns as soon as the next one may be handed over. Calls do not overlap.
    ///
    /// What cannot be carried out for now (nobody there, a leader moved) is waited for and tried again inside; only
    /// what needs a person is thrown.
    ///
    /// - Returns: what waits for the batch's acknowledgement.
    func publish(_ batch: FeedBatch) async throws -> Publication
}

/// A batch that was handed over and waits for its acknowledgement.
public struct Publication: Sendable {
    private let acknowledgement: @Sendable () async throws -> Void

    /// - Parameter acknowledgement: returns once every event of the batch and of all batches before it is stored
    ///   where it was sent; throws ``PublicationHalted`` when that cannot be without a person.
    public init(acknowledgement: @escaping @Sendable () async throws -> Void) {
        self.acknowledgement = acknowledgement
    }

    /// A batch that was acknowledged already.
    public static let acknowledged = Publication {}

    package func waitForAcknowledgement() async throws {
        try await acknowledgement()
    }
}

/// The consumer cannot go on until a person has done something.
public struct PublicationHalted: Error, Sendable {
    /// Every wanted event up to here is acknowledged.
    public let acknowledgedThrough: Int64
    /// The event it halts at.
    public let position: Int64
    /// What is wrong, and what to do.
    public let reason: String

    /// Says where and why the consumer halts.
    public init(acknowledgedThrough: Int64, position: Int64, reason: String) {
        self.acknowledgedThrough = acknowledgedThrough
        self.position = position
        self.reason = reason
    }
}

extension PublicationHalted: CustomStringConvertible {
    /// One line.
    public var description: String { "halted at position \(position): \(reason)" }
}
