import Consumers
import EventSourcing
import Synchronization

/// Counts what another consumer has published.
final class CountingConsumer: SizedConsumer, EndingConsumer {
    private let consumer: any SizedConsumer & EndingConsumer
    private let count = Mutex(0)

    init(_ consumer: any SizedConsumer & EndingConsumer) { self.consumer = consumer }

    var name: String { consumer.name }
    var scope: EventScope { consumer.scope }
    var memoryPerEvent: Int { consumer.memoryPerEvent }
    var largestPayload: Int { consumer.largestPayload }
    func memory(of batch: FeedBatch) -> Int { consumer.memory(of: batch) }
    var published: Int { count.withLock { $0 } }

    func serve(_ segments: [ServedSegment]) async throws { try await consumer.serve(segments) }

    func run(
        _ retry: @escaping @Sendable (_ segments: Set<Int>) -> Void,
        rejoin: @escaping @Sendable () -> Void,
        admit: @escaping @Sendable (_ wanted: Int) async throws -> Int?
    ) async throws {
        try await consumer.run(retry, rejoin: rejoin, admit: admit)
    }

    func willRelease(_ segments: Set<Int>) async { await consumer.willRelease(segments) }

    func publish(_ batch: FeedBatch) async throws -> Publication {
        let publication = try await consumer.publish(batch)
        return Publication { [self] in
            let outcome = try await publication.waitForAcknowledgement()
            count.withLock { $0 += batch.count(before: outcome.halts) }
            return outcome
        }
    }
}
