public import EventSourcing
public import Postgres

/// Handles events inside the database, for example to keep a read model.
///
/// A segment's events are handled one after the other in the order of their positions, several to a transaction, and
/// the checkpoint moves in the same transaction: what `handle` wrote and the checkpoint commit or roll back together.
/// Segments are handled beside one another.
public protocol Consumer: Sendable {
    /// The name its checkpoints are kept under; stays the same for ever.
    var name: String { get }

    /// Handles an event. The transaction is the processor's: it commits it, or rolls it back when this throws.
    ///
    /// A deadlock, a serialization failure or a lost connection is tried again with the whole batch, so whatever is done
    /// outside of the transaction may be done more than once.
    ///
    /// Any other error halts the event's segment: the events before it are committed, the reason shows in `status`, and the
    /// event is tried again, first after ``WorkerOptions/failureRetryInterval``, then after longer and longer waits, until
    /// it is handled. The consumer's other segments and all other consumers go on. A one-off run does not try again: it
    /// does everything else, then throws ``ConsumerFailure``.
    func handle(_ event: PersistedEvent, in transaction: Transaction) async throws
}

/// A consumer that wants some of the events only. The others are not even read.
public protocol ScopedConsumer: Consumer {
    /// The aggregate types wanted; empty for all.
    var aggregateTypes: [String] { get }
    /// The bounded contexts wanted; empty for all.
    var boundedContexts: [String] { get }
    /// Which of their events are wanted, by event types or by values in payload or metadata; all unless said otherwise.
    var filter: EventFilter { get }
}

extension ScopedConsumer {
    /// Leaves nothing out.
    public var filter: EventFilter { .none }
}

extension Consumer {
    var scope: EventScope {
        guard let scoped = self as? any ScopedConsumer else { return .all }
        return EventScope(
            aggregateTypes: scoped.aggregateTypes, boundedContexts: scoped.boundedContexts, filter: scoped.filter)
    }
}
