package import EventSourcing

/// How a worker and its consumers stand, without asking the database.
package struct WorkerSnapshot: Sendable {
    package struct Consumer: Sendable {
        package let name: String
        package let scope: EventScope
        package let totalSegments: Int
        /// Events processed since the start of the process.
        package let done: Int
        /// How many segments are this worker's fair share; `nil` before it has seen the others.
        package let share: Int?
        package let own: ConsumerProgress
        /// The owners of all segments, as of the last look at them.
        package let owners: [Int: String]

        /// Whether the worker does what is its to do: it owns segments, or none is left for it.
        package var isReady: Bool { !own.segments.isEmpty || share == 0 }
    }

    package let isConnected: Bool
    /// What the database is waited for; `nil` while it answers as it should.
    package let databaseOutage: String?
    /// Whether the segments may be relied on: the last heartbeat is young enough.
    package let holdsLease: Bool
    package let isStopping: Bool
    package let horizon: HorizonStatus
    package let consumers: [Consumer]

    package var isReady: Bool {
        isConnected && databaseOutage == nil && holdsLease && !isStopping && horizon.problem == nil
            && consumers.allSatisfy(\.isReady)
    }
}

extension Worker {
    /// The worker's state; brings the metrics that follow from it up to date too.
    package func snapshot() async -> WorkerSnapshot {
        let horizon = await source.reader.snapshot()
        let view = membership.view
        let consumers = runners.map { runner in
            let total = runner.state.totalSegments
            let rows = view.segments[runner.name] ?? []
            return WorkerSnapshot.Consumer(
                name: runner.name, scope: runner.scope, totalSegments: total, done: runner.state.doneCount,
                share: view.generation == 0
                    ? nil : FairShare.share(of: id, among: view.workers[runner.name] ?? [], totalSegments: total),
                own: runner.report(latest: horizon.latest),
                owners: rows.reduce(into: [:]) { owners, row in owners[row.segment] = row.owner })
        }
        return WorkerSnapshot(
            isConnected: membership.isConnected, databaseOutage: membership.databaseOutage,
            holdsLease: runners.allSatisfy { membership.lease(of: $0.name) != nil },
            isStopping: runners.contains { $0.stopping.isClosed }, horizon: horizon, consumers: consumers)
    }
}

/// How far the segments that a process owns of a consumer have come.
package struct ConsumerProgress: Sendable, Equatable {
    /// How far each owned segment has come: everything up to the position is done.
    package let segments: [Int: Int64]
    /// How many positions lie behind the lowest of them: as many events wait at most.
    package let lag: Int64
    /// Those of the segments that halt, and why.
    package let halts: [SegmentHalt]

    init(segments: [Int: Int64], latest: Int64, halts: [SegmentHalt] = []) {
        self.segments = segments
        self.halts = halts
        lag = segments.values.min().map { max(0, latest - $0) } ?? 0
    }

    /// The position of the segment that is furthest behind.
    package var checkpoint: Int64? { segments.values.min() }
}
