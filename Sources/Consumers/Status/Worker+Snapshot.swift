import EventSourcing

extension Worker {
    /// How the worker stands; brings the metrics that follow from it up to date too.
    package func snapshot() async -> WorkerSnapshot {
        let horizon = await source.reader.snapshot()
        let view = membership.view
        let consumers = runners.map { runner in
            let total = runner.options.totalSegments
            let rows = view.segments[runner.name] ?? []
            return WorkerSnapshot.Consumer(
                name: runner.name, scope: runner.scope, totalSegments: total, done: runner.state.doneCount,
                share: view.generation == 0
                    ? nil : FairShare.share(of: id, among: view.workers[runner.name] ?? [], totalSegments: total),
                own: runner.report(latest: horizon.latest),
                owners: rows.reduce(into: [:]) { owners, row in owners[row.segment] = row.owner })
        }
        return WorkerSnapshot(
            isConnected: membership.isConnected, holdsLease: membership.lease != nil,
            isStopping: runners.contains { $0.stopping.isClosed }, horizon: horizon, consumers: consumers)
    }
}
