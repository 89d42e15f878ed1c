import EventSourcing
import Logging
import Postgres
import Telemetry

/// Writes the checkpoints of all consumers of a worker behind what is done, in one statement for all of them.
struct CheckpointWriter {
    let runners: [ConsumerRunner]
    let membership: Membership
    /// How long what is done is gathered before it is written.
    let interval: Duration
    let logger: Logger

    private var table: SegmentsTable { SegmentsTable(membership.tables) }

    /// Writes whenever something is done, until cancelled.
    func run() async throws {
        while true {
            _ = await membership.checkpointsDue.wait(atMost: .seconds(60))
            try await Task.sleep(for: interval)
            do {
                if try await !write() {
                    // What another transaction holds is tried again.
                    try await Task.sleep(for: Self.retryInterval)
                    membership.checkpointsDue.wake()
                }
            } catch is AnotherServerLife {
                // The consumers find out by themselves, and begin anew.
            } catch {
                try Task.checkCancellation()
                guard membership.isPassing(error) else { throw error }
                logger.debug("checkpoints could not be written: \(error)")
                membership.beatNow()
                try await Task.sleep(for: Self.retryInterval)
                membership.checkpointsDue.wake()
            }
        }
    }

    private static let retryInterval: Duration = .milliseconds(200)

    /// - Returns: whether all were written that are still owned.
    private func write() async throws -> Bool {
        var all = true
        for (life, runners) in Dictionary(grouping: runners, by: \.life) {
            guard let life else { continue }
            if try await !write(runners, in: life) { all = false }
        }
        return all
    }

    private func write(_ runners: [ConsumerRunner], in life: ServerLife) async throws -> Bool {
        let moves = runners.flatMap { runner in
            runner.state.withLedger { $0.unwritten }.map { (runner: runner, move: $0) }
        }
        if moves.isEmpty { return true }
        let start = ContinuousClock.now
        let statement = table.moveCheckpoints(owner: membership.workerID, moves.map { ($0.runner.name, $0.move) })
        let written = try await membership.control.perform(in: life) { connection in
            try await connection.query(statement).map { row in
                WrittenSegment(consumer: try row.decode(0), segment: try row.decode(1))
            }
        }
        let done = Set(written)
        var missing: Set<String> = []
        for (runner, moves) in Dictionary(grouping: moves, by: \.runner.name) {
            guard let owner = moves.first?.runner else { continue }
            let own = moves.map(\.move)
            owner.metrics.checkpointTime.record(since: start)
            let written = own.filter { done.contains(WrittenSegment(consumer: runner, segment: $0.segment)) }
            owner.state.withLedger { $0.wrote(written) }
            await owner.sink.wroteCheckpoints(
                written.reduce(into: [:]) { $0[$1.segment] = $1.position })
            await owner.report()
            if own.contains(where: { !done.contains(WrittenSegment(consumer: runner, segment: $0.segment)) }) {
                missing.insert(runner)
                // Held by another transaction, or another worker's by now: the consumer looks which.
                owner.state.ownershipSuspect.wake()
            }
        }
        return missing.isEmpty
    }
}

private struct WrittenSegment: Hashable {
    let consumer: String
    let segment: Int
}
