import Consumers
import EventSourcing
import Postgres
import Synchronization

/// Keeps what a consumer was handed.
final class Recorder: Sendable {
    private let attempts = Mutex(Attempts())
    private let totalSegments: Int
    private let strategy: any PartitionStrategy

    init(_ options: WorkerOptions, consumer: String) {
        totalSegments = options.overrides[consumer]?.totalSegments ?? options.totalSegments
        strategy = options.partitionStrategy
    }

    func note(_ events: [PersistedEvent]) {
        let segmented = events.map { event in
            let aggregate = Array(event.aggregateID.utf8)
            return FeedEvent(
                event, segment: strategy.segment(of: aggregate.span.bytes, totalSegments: totalSegments))
        }
        note(segmented)
    }

    func note(_ events: [FeedEvent]) {
        attempts.withLock { $0.note(events) }
    }

    var all: Attempts { attempts.withLock { $0 } }
}

/// Wants what another consumer wants, and notes each event that it hands on.
struct RecordedConsumer<Base: Consumer>: ScopedConsumer {
    let base: Base
    let recorder: Recorder

    var name: String { base.name }
    var aggregateTypes: [String] { (base as? any ScopedConsumer)?.aggregateTypes ?? [] }
    var boundedContexts: [String] { (base as? any ScopedConsumer)?.boundedContexts ?? [] }

    func handle(_ event: PersistedEvent, in transaction: Transaction) async throws {
        recorder.note([event])
        try await base.handle(event, in: transaction)
    }
}

/// The same for a consumer that takes batches.
struct RecordedBatchConsumer<Base: BatchConsumer>: ScopedConsumer, BatchConsumer {
    let base: Base
    let recorder: Recorder

    var name: String { base.name }
    var aggregateTypes: [String] { (base as? any ScopedConsumer)?.aggregateTypes ?? [] }
    var boundedContexts: [String] { (base as? any ScopedConsumer)?.boundedContexts ?? [] }

    func handle(_ events: [PersistedEvent], in transaction: Transaction) async throws {
        recorder.note(events)
        try await base.handle(events, in: transaction)
    }
}

/// The same for an integration consumer; an event counts once its batch is acknowledged.
struct RecordedIntegration<Base: IntegrationConsumer>: IntegrationConsumer {
    let base: Base
    let recorder: Recorder

    var name: String { base.name }
    var scope: EventScope { base.scope }
    var memoryPerEvent: Int { base.memoryPerEvent }
    var condition: ConsumerCondition { base.condition }

    func serve(_ segments: [ServedSegment]) async throws {
        try await base.serve(segments)
    }

    func publish(_ batch: FeedBatch) async throws -> Publication {
        recorder.note(Array(batch))
        return try await base.publish(batch)
    }

    func run(_ retry: @escaping @Sendable (_ segments: Set<Int>) -> Void) async throws {
        try await base.run(retry)
    }
}
