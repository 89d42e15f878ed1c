import Consumers
import CoreMetrics
import Kafka
import KafkaBridge
import Synchronization
import Telemetry

/// Looks at the relays of the process for the admin port.
///
/// Nothing looks while nobody asks. A database that does not answer delays no answer for long: what is known is told.
final class RelayObserver: Sendable {
    private static let patience: Duration = .seconds(1)

    private let relays: Relays
    private let registry: PrometheusRegistry
    private let asked = WakeSignal()
    private let looked = Signal()
    private let holds = Mutex<[HorizonHold]>([])

    init(_ relays: Relays, registry: PrometheusRegistry) {
        self.relays = relays
        self.registry = registry
    }

    /// Looks at the database whenever somebody asked, until cancelled.
    func run() async {
        while !Task.isCancelled {
            guard await asked.wait(atMost: .seconds(3600)) else { continue }
            if await relays.worker.standing().isConnected {
                // What is wrong with the database, the relays say.
                try? await relays.source.lookForLatest()
                let current = try? await relays.source.holds()
                holds.withLock { $0 = current ?? [] }
            }
            looked.advance()
        }
    }

    func metrics() async -> String {
        await look()
        _ = await relays.worker.standing()
        withMetricsFactory(registry) { ResidentMemory.report() }
        return registry.exposition()
    }

    func status() async -> RelayStatus {
        await look()
        var deliveries: [String: PublisherStatus] = [:]
        for publisher in relays.publishers { deliveries[publisher.name] = publisher.status }
        return RelayStatus(
            worker: relays.worker.id, standing: await relays.worker.standing(), deliveries: deliveries,
            holds: holds.withLock { $0 }, residentMemory: ResidentMemory.bytes)
    }

    /// Does not ask the database: the heartbeat does that all the time.
    func reasonsNotReady() async -> [String] {
        let standing = await relays.worker.standing()
        return RelayStatus(worker: relays.worker.id, standing: standing).reasonsNotReady
    }

    private func look() async {
        let generation = looked.generation
        asked.wake()
        await withTaskGroup { [looked] group in
            group.addTask { await looked.wait(after: generation) }
            group.addTask { try? await Task.sleep(for: Self.patience) }
            await group.next()
            group.cancelAll()
        }
    }
}
