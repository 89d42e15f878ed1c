import Consumers
import CoreMetrics
import EventSourcing
import Kafka
import Logging
import Postgres

/// Noting parked events in the database, and acting on what people decide about them.
extension KafkaPublisher {
    /// Learns what the table knows of segments that begin.
    func learn(_ begun: [ServedSegment]) async throws {
        guard let store = options.deadLetters, !begun.isEmpty else { return }
        try await recording {
            let knowledge = try await insist { try await store.know(self.name, begun) }
            for segment in begun {
                parked.begin(
                    segment.segment, knowledge.waiting[segment.segment] ?? [],
                    known: knowledge.known[segment.segment] ?? [:], from: nextID + 1)
            }
            for halt in knowledge.halts where halts.take(over: halt, from: nextID + 1) { said[halt.segment] = halt }
        }
        tellParked()
    }

    /// Notes the events of a inFlight that are parked; the checkpoint may pass them once that is committed.
    func commitParked(of id: Int) async throws {
        guard let store = options.deadLetters, let index = index(of: id), inFlightBatches[index].hasParking else {
            return
        }
        try await recording {
            guard let index = self.index(of: id) else { return }
            let (entries, rows) = undeliverable(inFlightBatches[index])
            if rows.isEmpty { return }
            try await insist { try await store.note(self.name, rows, as: .parked) }
            guard let index = self.index(of: id) else { return }
            var count = 0
            for (entry, row) in zip(entries, rows) {
                guard inFlightBatches[index].entries[entry].state == .parking else { continue }
                inFlightBatches[index].entries[entry].state = .settled
                parked.noted(row.aggregate, in: row.segment)
                count += 1
            }
            metrics.parkedTotal.increment(by: count)
        }
        tellParked()
    }

    private func undeliverable(_ inFlight: InFlightBatch) -> (entries: [Int], rows: [UndeliverableEvent]) {
        var entries: [Int] = []
        var rows: [UndeliverableEvent] = []
        for index in inFlight.entries.indices where inFlight.entries[index].state == .parking {
            entries.append(index)
            rows.append(undeliverable(inFlight, index, inFlight.flaws[index] ?? .follows))
        }
        return (entries, rows)
    }

    func undeliverable(_ inFlight: InFlightBatch, _ entry: Int, _ flaw: Rejection) -> UndeliverableEvent {
        let event = inFlight.event(of: entry)
        let segment = inFlight.entries[entry].segment
        return UndeliverableEvent(
            position: event.globalPosition, segment: segment, epoch: served[segment]?.epoch ?? -1,
            eventID: event.eventUUID, eventType: String(copying: event.eventType), aggregate: event.aggregate,
            aggregateVersion: event.aggregateVersion, reason: flaw.reason, error: flaw.shortError)
    }

    // MARK: Beside the batches

    /// Notes halts, and acts on what people decide, as long as something halts or is parked. Asks nothing otherwise.
    package func run(_ retry: @escaping @Sendable (_ segments: Set<Int>) -> Void) async throws {
        guard let store = options.deadLetters else { return }
        while true {
            let generation = attention.generation
            try checkGoing()
            if halts.shown.isEmpty, parked.count == 0, passedHalts.isEmpty {
                await attention.wait(after: generation)
                continue
            }
            do {
                try await noteHalts(store, retry)
                try await redriveReady(store)
            } catch {
                try checkGoing()
                guard error.isAway else { throw error }
                logger.debug("dead letters wait for the database: \(error)")
            }
            await rest(options.decisionInterval)
        }
    }

    private func noteHalts(
        _ store: DeadLetterStore, _ retry: @Sendable (_ segments: Set<Int>) -> Void
    ) async throws {
        let unnoted = unnotedHalts
        if !unnoted.isEmpty {
            try await store.note(name, Array(unnoted.values), as: .halted)
            for (segment, row) in unnoted where unnotedHalts[segment] == row { unnotedHalts[segment] = nil }
        }
        let passed = passedHalts
        if !passed.isEmpty {
            try await store.passed(name, passed)
            passedHalts.removeAll { passed.contains($0) }
        }
        let standing = halts.standing.filter { unnotedHalts[$0.segment] == nil }
        if standing.isEmpty { return }
        rereads.formIntersection(standing.map(\.position))
        let decided = Set(try await store.decided(name, standing.map(\.position))).union(rereads)
        let segments = Set(standing.filter { decided.contains($0.position) }.map(\.segment))
        if !segments.isEmpty { retry(segments) }
    }

    private func redriveReady(_ store: DeadLetterStore) async throws {
        if parked.count == 0 { return }
        var waiting: [WaitingAggregate] = []
        try await recording {
            waiting = try await store.waiting(name, segments: Array(served.keys))
            parked.found(waiting)
        }
        tellParked()
        for aggregate in waiting where aggregate.isReady { try await redrive(aggregate, store) }
    }

    // MARK: Small things

    func tellParked() {
        if parked.count > 0 { attention.advance() }
    }

    /// One task at a time changes the table or looks at it, so that no event is noted between a look and what is
    /// concluded from it.
    func recording(_ body: () async throws -> Void) async throws {
        while isRecording {
            let generation = changed.generation
            if !isRecording { break }
            await changed.wait(after: generation)
            try Task.checkCancellation()
        }
        isRecording = true
        defer {
            isRecording = false
            changed.advance()
        }
        try await body()
    }

    /// Tries again for as long as the database is away.
    private func insist<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
        var backoff = Backoff(initial: .milliseconds(100), maximum: options.longestPause)
        while true {
            try checkGoing()
            do {
                return try await body()
            } catch {
                try checkGoing()
                guard error.isAway else { throw error }
                logger.debug("dead letters wait for the database: \(error)")
            }
            await rest(backoff.next())
        }
    }

    /// Waits; less when the publisher is closed or the task cancelled.
    func rest(_ time: Duration) async {
        let end = ContinuousClock.now + time
        while !isClosed, !Task.isCancelled, .now < end {
            let generation = changed.generation
            await withTaskGroup { [changed] group in
                group.addTask { try? await Task.sleep(until: end) }
                group.addTask { await changed.wait(after: generation) }
                await group.next()
                group.cancelAll()
            }
        }
    }
}

extension Error {
    /// Also a pool that gives up waiting for the database says only that.
    fileprivate var isAway: Bool { isDatabaseAway || (self as? PostgresError)?.code == .poolTimeout }
}
