import Consumers
import KafkaBridge
import Logging
import ServiceLifecycle

/// A worker's life: looks at database and brokers, then relays; a graceful shutdown stops it, which drains it.
struct RelayService {
    let preflight: Preflight
    let worker: Worker
    let publishers: [KafkaPublisher]
    let sessions: SessionWatch
    let remedy: HorizonRemedy
    let retention: RetentionService?
    let jobs: JobService?
    let brokers: IdleBrokerWatch
    /// The others of several sources, which go on where this one cannot.
    var peers: RelayPeers?

    /// Between two attempts to start with a source that others do not wait for.
    private static let retryInterval: Duration = .seconds(10)

    /// Whether the source has failed after an earlier start, of which the others know.
    var isRestart = false

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
            let stopping = WakeSignal()
            try await withGracefulShutdownHandler {
                if try await start(until: stopping) { try await relay() }
            } onGracefulShutdown: {
                stopping.close()
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

    /// Looks at database and brokers. What a person must fix ends the process; of several sources it is looked at again, while the
    /// others relay.
    ///
    /// - Returns: whether to relay; not once it is to stop.
    private func start(until stopping: WakeSignal) async throws -> Bool {
        var isFailing = isRestart
        while true {
            do {
                try await preflight.run()
                if isFailing { peers?.recover() }
                preflight.state.failure = nil
                return true
            } catch {
                guard let peers else { throw error }
                if !isFailing {
                    guard peers.fail() else {
                        peers.recover()
                        throw error
                    }
                    isFailing = true
                }
                if preflight.state.failure != error.message {
                    Logger(label: "godwit").error("the source is not relayed yet; the others are: \(error.message)")
                }
                preflight.state.failure = error.message
                _ = await stopping.wait(atMost: Self.retryInterval)
                try Task.checkCancellation()
                if stopping.isClosed { return false }
            }
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
