import Consumers
import KafkaBridge
import ServiceLifecycle

/// A relay in the process's life cycle: a graceful shutdown stops it, which drains it.
struct RelayService: Service {
    let relay: Relay
    let publisher: KafkaPublisher

    func run() async throws {
        do {
            try await withGracefulShutdownHandler {
                try await relay.run()
            } onGracefulShutdown: {
                relay.stop()
            }
            await publisher.close()
        } catch {
            await publisher.close()
            throw error
        }
    }
}

/// What wakes the relays; nobody needs waking any more once a shutdown has begun.
struct WakeupService: Service {
    let source: EventSource
    let notify: NotifySection
    let pollInterval: Duration

    func run() async throws {
        try await cancelWhenGracefulShutdown {
            do {
                try await wake()
            } catch is CancellationError {
                return
            }
        }
    }

    private func wake() async throws {
        switch notify.mode {
        case .always:
            var options = NotifyDispatcher.Options(channel: notify.channel)
            options.fallbackInterval = notify.fallbackInterval
            options.pollInterval = pollInterval
            try await NotifyDispatcher(source, options: options).run()
        case .never:
            try await PollingDispatcher(source, interval: pollInterval).run()
        }
    }
}
