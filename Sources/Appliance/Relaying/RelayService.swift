import Consumers
import KafkaBridge
import ServiceLifecycle

/// The worker in the process's life cycle: a graceful shutdown stops it, which drains it.
struct RelayService: Service {
    let worker: Worker
    let publishers: [KafkaPublisher]

    func run() async throws {
        do {
            try await withGracefulShutdownHandler {
                try await worker.run()
            } onGracefulShutdown: {
                worker.stop()
            }
            await closePublishers()
        } catch {
            await closePublishers()
            throw error
        }
    }

    private func closePublishers() async {
        for publisher in publishers { await publisher.close() }
    }
}
