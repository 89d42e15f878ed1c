import Consumers
import EventSourcing
import Synchronization

/// Counts what another consumer has published.
final class CountingConsumer: IntegrationConsumer {
    private let consumer: any IntegrationConsumer
    private let count = Mutex(0)

    init(_ consumer: any IntegrationConsumer) { self.consumer = consumer }

    var name: String { consumer.name }
    var scope: EventScope { consumer.scope }
    var published: Int { count.withLock { $0 } }

    func publish(_ batch: FeedBatch) async throws -> Publication {
        let publication = try await consumer.publish(batch)
        return Publication { [self] in
            try await publication.waitForAcknowledgement()
            count.withLock { $0 += batch.selection.count }
        }
    }
}
