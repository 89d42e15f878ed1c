import EventSourcing

extension Worker {
    /// How the worker stands; brings the metrics that follow from it up to date too.
    package func snapshot() async -> WorkerSnapshot {
        let horizon = await source.horizon.snapshot()
        let view = membership.view
        let consumers = loops.map { loop in
            let total = loop.options.totalSegments
            let rows = view.segments[loop.name] ?? []
            return WorkerSnapshot.Consumer(
                name: loop.name, scope: loop.scope, totalSegments: total, done: loop.state.doneCount,
                share: view.generation == 0
                    ? nil : FairShare.share(of: id, among: view.workers[loop.name] ?? [], totalSegments: total),
                own: loop.report(latest: horizon.latest),
                owners: rows.reduce(into: [:]) { owners, row in owners[row.segment] = row.owner })
        }
        return WorkerSnapshot(
            isConnected: membership.isConnected, holdsLease: membership.lease != nil,
            isStopping: loops.contains { $0.wakeups.isClosed }, horizon: horizon, consumers: consumers)
    }
}
