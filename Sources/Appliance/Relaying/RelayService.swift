import Consumers
import KafkaBridge
import ServiceLifecycle

/// The worker in the process's life cycle: looks at database and brokers, then relays; a graceful shutdown stops it, which
/// drains it.
struct RelayService: Service {
    let preflight: Preflight
    let worker: Worker
    let publishers: [KafkaPublisher]
    let sessions: SessionWatch
    let remedy: HorizonRemedy
    let retention: RetentionService?
    let jobs: JobService?
    let brokers: IdleBrokerWatch

    func run() async throws {
        try await withThrowingTaskGroup { group in
            group.addTask { await sessions.run() }
            group.addTask { await remedy.run() }
            group.addTask { await brokers.run() }
            group.addTask { await retention?.run() }
            group.addTask { await jobs?.run() }
            defer { group.cancelAll() }
            do {
                try await relayAndClose()
            } catch {
                await jobs?.end()
                throw error
            }
            await jobs?.end()
        }
    }

    private func relayAndClose() async throws {
        do {
            try await withGracefulShutdownHandler {
                try await preflight.run()
                try await relay()
            } onGracefulShutdown: {
                // Meanwhile the job that runs here comes to its end too, for another process to go on with.
                jobs?.stop()
                worker.stop()
            }
            await closePublishers()
        } catch {
            await closePublishers()
            throw error
        }
    }

    private func relay() async throws {
        try await withThrowingTaskGroup { group in
            group.addTask { await preflight.waitForBrokers() }
            for publisher in publishers {
                // Topics are made, and the connection is there, before the first event. What fails, `publish` meets again.
                group.addTask { try? await publisher.prepare() }
            }
            defer { group.cancelAll() }
            try await worker.run()
        }
    }

    private func closePublishers() async {
        for publisher in publishers { await publisher.close() }
    }
}
