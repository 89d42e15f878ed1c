@testable import Consumers

/// What ``Membership`` and ``CheckpointWriter`` do: heartbeats, looks at the others, and checkpoints, on one session.
final class RelayMembership: @unchecked Sendable {
    private unowned let process: RelayProcess
    private(set) var session: RelayProcess.Session?
    /// By consumer.
    private(set) var leases: [Lease]
    private(set) var views: [MembershipView]
    private var missing: MissingOwners

    init(_ process: RelayProcess) {
        self.process = process
        leases = RelayTables.consumers.map { _ in Lease(process.terms) }
        views = RelayTables.consumers.map { _ in MembershipView() }
        missing = MissingOwners(process.terms)
    }

    func lease(of consumer: Int) -> Int? { leases[consumer].current(at: process.clock) }

    func run() async throws {
        while process.isAlive {
            do {
                let session = try await process.connect()
                self.session = session
                var last = process.simulation.now
                while true {
                    last = process.simulation.now
                    try await beat()
                    try await look()
                    // Checkpoints are written between the heartbeats.
                    while process.simulation.now < last + 400 {
                        try await process.sleep(min(130, max(1, last + 400 - process.simulation.now)))
                        for consumer in process.consumers { try await consumer.writeCheckpoints() }
                    }
                }
            } catch is Lost {
                process.close(session)
                session = nil
                try await process.sleep(process.simulation.draw(20...120))
            }
        }
    }

    /// Connects anew.
    func restart() {
        process.close(session)
        session = nil
    }

    /// Prolongs the leases from the instant the heartbeat was sent.
    private func beat() async throws {
        let sent = process.clock
        let (name, terms, number) = (process.name, process.terms, session?.number ?? 0)
        let begun = try await process.ask(session) { $0.beat(name, terms, session: number) }
        for (consumer, isBegun) in begun.enumerated() {
            let before = lease(of: consumer)
            leases[consumer].renew(sent: sent, isBegun: isBegun, now: process.clock)
            if lease(of: consumer) != before { process.consumers[consumer].suspect() }
        }
    }

    private func look() async throws {
        let (name, terms, expired) = (process.name, process.terms, missing.expired(at: process.clock))
        let look = try await process.ask(session) { $0.look(name, ownStale: terms.stale, freeing: expired) }
        missing.note(look.missing, now: process.clock)
        for index in views.indices {
            let key = RelayTables.consumers[index]
            views[index].generation += 1
            views[index].workers = [key: look.workers[index]]
            views[index].segments = [key: look.segments[index]]
            process.consumers[index].suspect()
        }
    }
}
