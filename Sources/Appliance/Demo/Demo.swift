import Kafka
import Logging

/// The whole way once, on servers of its own: writers append while the relay runs, a reader reads the topics back, and
/// the account is drawn.
package struct Demo: Sendable {
    private let events: Int
    private let writers: Int

    /// So many events by so many concurrent writers.
    package init(events: Int, writers: Int) {
        self.events = events
        self.writers = writers
    }

    /// How far a demo is.
    package struct Progress: Sendable {
        package var committed: Int
        package var received: Int
        package var total: Int
    }

    /// Runs it. `tell` hears of each step, `progress` of the counts, several times a second.
    package func run(
        tell: @escaping @Sendable (String) -> Void, progress: @escaping @Sendable (Progress) -> Void
    ) async throws -> DemoReport {
        let servers = try await DevelopmentServers.start(tell: tell)
        do {
            let report = try await run(on: servers, tell, progress)
            await servers.stop()
            return report
        } catch {
            await servers.stop()
            throw error
        }
    }

    private func run(
        on servers: DevelopmentServers, _ tell: @escaping @Sendable (String) -> Void,
        _ progress: @escaping @Sendable (Progress) -> Void
    ) async throws -> DemoReport {
        let ledger = DemoLedger()
        let reader = try await DemoReader.open(servers, ledger)
        let relays = try RelayProcess(servers.configuration)
        let appenders = DemoWriters(
            configuration: servers.configuration, ledger: ledger, events: events, writers: writers)
        tell("starting the relay")
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await relays.run() }
            group.addTask { await report(to: progress, ledger) }
            group.addTask {
                try await appenders.appendFirst()
                try await reader.read { ledger.isComplete }
                tell("\(writers) writers append \(events) events while the relay runs")
                try await withThrowingTaskGroup(of: Void.self) { ends in
                    ends.addTask {
                        try await appenders.run()
                        ledger.endWriting()
                    }
                    ends.addTask { try await reader.read { ledger.isWritten && ledger.isComplete } }
                    try await ends.waitForAll()
                }
                // Only behind a relay that has stopped can nothing more come: then the rest is read, for what is doubled.
                await relays.stop()
            }
            try await group.next()
            try await group.next()
            group.cancelAll()
        }
        try await reader.readRest()
        await reader.close()
        progress(Progress(committed: ledger.counts.committed, received: ledger.counts.received, total: events))
        return ledger.report
    }

    private func report(to progress: @Sendable (Progress) -> Void, _ ledger: DemoLedger) async {
        while !Task.isCancelled {
            let counts = ledger.counts
            progress(Progress(committed: counts.committed, received: counts.received, total: events))
            try? await Task.sleep(for: .milliseconds(200))
        }
    }
}
