public import EventSourcing
public import Postgres

/// A consumer that handles several events at once, for example by one statement over arrays: much faster than an
/// event at a time.
///
/// Everything that holds for a ``Consumer`` holds: the events are of one segment, in the order of their positions, and the
/// checkpoint moves in the same transaction. It may want some of the events only, as a ``ScopedConsumer``.
public protocol BatchConsumer: Consumer {
    /// Handles events, at least one and at most ``WorkerOptions/batchSize``.
    ///
    /// When this throws, the transaction is rolled back and the events are handled again in halves, until the event that
    /// is in the way is alone: it halts its segment, as in ``Consumer/handle(_:in:)``, and those before it are done.
    func handle(_ events: [PersistedEvent], in transaction: Transaction) async throws
}

extension BatchConsumer {
    /// Handles the event as a batch of one.
    public func handle(_ event: PersistedEvent, in transaction: Transaction) async throws {
        try await handle([event], in: transaction)
    }
}
