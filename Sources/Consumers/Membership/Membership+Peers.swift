import EventSourcing
import Logging
import Postgres
import Synchronization

extension Membership {
    /// Looks at the others behind each heartbeat, and when one of them is due to be dead.
    func lookAtOthers() async throws {
        var arePeersNotified = false
        while true {
            let wait = state.withLock { ContinuousClock.now.duration(to: $0.nextLook) }
            if wait > .zero {
                _ = await looking.wait(atMost: min(wait, .seconds(60)))
                try Task.checkCancellation()
                continue
            }
            try await lookUnlessBusy()
            if !arePeersNotified { try await notifyPeers() }
            arePeersNotified = true
        }
    }

    func lookUnlessBusy() async throws {
        do {
            try await look()
            try await giveUpLost()
            let wasBusy = state.withLock { state in
                defer { (state.busySince, state.outage) = (nil, nil) }
                return state.busySince.map { ContinuousClock.now - $0 > Self.suspectSilence } ?? false
            }
            if wasBusy { options.logger.notice("the tables can be used again") }
        } catch let error as PostgresError where error.isOfBusyTable {
            // It gave way to a heartbeat, behind which it comes again; or another session has locked a table.
            options.logger.debug("a look at the other workers is tried again: \(error)")
            let text = Self.outage(error)
            let isNew = state.withLock { state in
                let since = state.busySince ?? .now
                state.busySince = since
                guard ContinuousClock.now - since > Self.suspectSilence else { return false }
                defer { state.outage = text }
                return state.outage != text
            }
            if isNew { options.logger.warning("\(text), waiting for it: \(error)") }
        }
    }

    /// Asks the server whether it is at work for the connections that wait for an answer; one that it takes for idle has lost
    /// its question or its answer on the way.
    private func giveUpLost() async throws {
        guard let connections = source.configuration.connections else { return }
        let waiting = connections.processes(silentFor: Self.suspectSilence)
        if waiting.isEmpty { return }
        let statement = BoundStatement(
            Statement(
                name: "sessions_idle",
                sql: "SELECT pid FROM pg_catalog.pg_stat_activity WHERE pid = ANY($1) AND state LIKE 'idle%'"),
            [waiting])
        let idle: [Int32] = try await control.perform { try await $0.query(statement).map { try $0.decode(0) } }
        connections.giveUp(idle, silentFor: Self.suspectSilence)
    }

    private static let suspectSilence: Duration = .seconds(5)

    /// One look, in one round trip; in two where something has changed.
    private func look() async throws {
        let (isListing, missing) = state.withLock { state in
            // A heartbeat meanwhile wants another look.
            state.nextLook = .now.advanced(by: .seconds(3600))
            return (state.nextList <= .now, state.missing.expired(at: .now))
        }
        let statements = [
            table.removeDead(
                workerID, consumers: consumers, ownStale: terms.stale, missing: missing, channel: channel ?? "",
                looksForJobs: options.looksForJobs),
            table.live(consumers, ownStale: terms.stale), segments.list(consumers),
        ]
        let results = try await control.perform {
            try await $0.pipeline(isListing ? statements : statements.dropLast())
        }
        let (workers, drained, nextSuspect) = try readLive(results[1])
        let freed: Int = try results[0].first?.decode(1) ?? 0
        if let row = results[0].first {
            let owners: [String] = try row.decode(3)
            state.withLock { $0.missing.note(owners, now: .now) }
            source.wakeups.saw(
                TriggerSight(
                    table: try row.decode(4), isInstalled: try row.decode(5), allowsPreparing: try row.decode(6),
                    hasPartitions: try row.decode(7)))
            if try row.decode(8) { source.jobsWaiting.wake() }
        }
        if let dead: String = try results[0].first?.decodeIfPresent(2) {
            options.logger.notice(
                "workers are gone, their segments are free", metadata: ["workers": "\(dead)", "segments": "\(freed)"])
        }
        if isListing {
            try take(results[2], workers, drained)
        } else if freed > 0 || workers != view.workers || drained != view.drained {
            let list = segments.list(consumers)
            try take(try await control.perform { try await $0.query(list) }, workers, drained)
        }
        state.withLock { state in
            let suspect = nextSuspect.map { ContinuousClock.now.advanced(by: max(.milliseconds(1), $0)) }
            state.nextLook = min(state.nextLook, state.nextList, suspect ?? state.nextLook)
            state.hasWorked = true
        }
    }

    /// The live workers, the consumers whose segments are to be given back, and when the first worker whose session has ended
    /// counts as dead.
    private func readLive(
        _ rows: ResultSet
    ) throws -> (workers: [String: Set<String>], drained: Set<String>, nextSuspect: Duration?) {
        var drained: Set<String> = []
        // This worker has a share also while its row is missing.
        var workers = consumers.reduce(into: [:]) { $0[$1] = Set([workerID]) }
        var nextSuspect: Duration?
        for row in rows {
            let worker: String = try row.decode(1)
            let consumer: String = try row.decode(0)
            workers[consumer, default: []].insert(worker)
            if worker == workerID {
                apply(ConsumerControl(isPaused: try row.decode(4), rate: try row.decodeIfPresent(5)), of: consumer)
                if try row.decode(6) { drained.insert(consumer) }
            }
            guard worker != workerID, try row.decode(3, as: Bool.self) else { continue }
            let remaining: Duration = .seconds(try row.decode(2, as: Double.self)) + .milliseconds(5)
            nextSuspect = min(nextSuspect ?? remaining, remaining)
        }
        return (workers, drained, nextSuspect)
    }

    private func apply(_ control: ConsumerControl, of consumer: String) {
        guard flows[consumer]?.apply(control) == true else { return }
        options.logger.notice(
            control.isPaused ? "paused by its controls" : "controls changed",
            metadata: [
                "consumer": "\(consumer)", "rate": "\(control.rate.map { "\($0) events/s" } ?? "unbounded")",
            ])
    }

    /// Takes in a list of the segments.
    private func take(_ list: ResultSet, _ workers: [String: Set<String>], _ drained: Set<String>) throws {
        var rows: [String: [MembershipView.Row]] = [:]
        for row in list {
            rows[try row.decode(0), default: []].append(
                MembershipView.Row(
                    segment: try row.decode(1), owner: try row.decodeIfPresent(2), epoch: try row.decode(3)))
        }
        state.withLock { [rows] state in
            state.view.generation += 1
            state.view.workers = workers
            state.view.segments = rows
            state.view.drained = drained
            state.nextList = .now.advanced(by: min(options.rebalanceInterval, options.effectiveAuditInterval))
        }
        for signal in observers.withLock({ $0 }) { signal.wake() }
    }
}

extension PostgresError {
    /// Whether a statement waited for a table or for others too long, on a connection that lives.
    var isOfBusyTable: Bool {
        code == .statement && (sqlState == .lockNotAvailable || sqlState == .queryCanceled)
    }
}
