import EventSourcing
import Logging
import Postgres
import Synchronization

extension ConsumerRunner {
    /// Waits for what is under way; for a bounded time once the consumer is stopped.
    func settle(finishing: Bool = false) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.sink.settle(finishing: finishing) }
            group.addTask {
                while !self.stopping.isClosed { try await Task.sleep(for: .milliseconds(50)) }
                try await Task.sleep(for: self.options.drainTimeout)
                self.hasLetGo.withLock { $0 = true }
                self.logger.warning("stopped before everything under way was done; it will be done again")
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// Writes the checkpoints behind what was done under another life of the server, as far as the database still knows
    /// of it.
    ///
    /// A server that crashed may have lost its last commits (with `synchronous_commit` off, or as a replica that took
    /// over), and gives their positions to other events, which a checkpoint beyond them would skip.
    func recordProgress(in life: ServerLife) async throws {
        // What is done inside the database is lost together with its checkpoint.
        guard sink.isExternal, let last = state.lastEvent else { return }
        let known = PruningsTable(source.tables).holdsOrRemoved(last, EventsTable(source.tables.source))
        let recorded = await sink.lastRecorded
        // Written after all that was written before, the last row stands for all of them.
        let answers = try await membership.control.perform(in: life) { connection in
            try await connection.pipeline([known] + (recorded.map { [$0] } ?? [])).map {
                try $0.first?.decode(0) == true
            }
        }
        guard !answers.contains(false) else {
            logger.warning(
                "the last event that was carried on, or what was recorded of one that was parked, is not in the database any more: it lost commits, or the row was deleted; going on from the checkpoints",
                metadata: ["position": "\(last.position)", "event": "\(last.eventID)"])
            return
        }
        let moves = state.withLedger { $0.moves(upTo: last) }
        let statement = table.moveCheckpoints(owner: owner, moves.map { (name, $0) })
        try await membership.control.perform(in: life) { _ = try await $0.query(statement) }
        state.withLedger { $0.wrote(moves) }
    }

    /// Writes what is done and releases the segments.
    func releaseSegments() async {
        let claims = state.withLedger { $0.claims }
        guard !claims.isEmpty, let life else { return }
        let moves = state.withLedger { $0.moves(of: claims.map(\.segment)) }
        await sink.willRelease(Set(claims.map(\.segment)))
        let statement = table.release(name, owner: owner, moves)
        do {
            try await membership.control.perform(in: life) { _ = try await $0.query(statement) }
            logger.info("released", metadata: ["segments": "\(claims.count)"])
        } catch {
            logger.warning("the segments could not be released; others take them over: \(error)")
        }
    }
}
