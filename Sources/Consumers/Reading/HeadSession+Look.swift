import CoreMetrics
import EventSourcing
import Postgres
import Telemetry

extension HeadSession {
    /// One look: a request to the server, and what its answer changes.
    func perform(_ request: LookRequest) async throws {
        let wanted = EventScope(union: self.wanted)
        let largest = subscriptions.values.map { $0.largestPayload() }.max() ?? .max
        largestPayload = min(largestPayload, largest)
        var reads: [BoundStatement] = []
        if !request.missing.isEmpty {
            reads.append(
                query.events.readAll(
                    in: request.missing, limit: Self.smallRead, bytes: options.bytes, largest: largest, wanted: wanted))
        }
        if request.readsNewer {
            reads.append(
                query.events.readAll(
                    after: window.readThrough, limit: sizer.rows, bound: sizer.bound, largest: largest, wanted: wanted))
        }
        if let joining = request.joining {
            let scopes = joining.ids.compactMap { subscriptions[$0]?.scope }
            reads.append(
                query.events.read(
                    after: joining.after, through: window.released, limit: Self.smallRead,
                    bound: .cumulative(options.bytes), largest: largest, scope: EventScope(union: scopes)))
        }
        if request.readsNewer { schedule.askedForNewer() }
        let waiters = lookWaiters
        lookWaiters = []
        let (generation, released) = (generation, window.released)
        let start = ContinuousClock.now
        do {
            let snapshot = try await query.refresh(
                HorizonQuery.Request(includesWriters: request.includesWriters, reads: reads), on: connection)
            reader.metrics.headTime.record(since: start)
            reader.metrics.headEvents.increment(by: snapshot.reads.reduce(0) { $0 + $1.count })
            try await recognize(snapshot)
            lastDrawn = snapshot.lastDrawn
            if generation == self.generation { try absorb(snapshot, request, released: released) }
        } catch {
            for waiter in waiters { waiter.resume(returning: false) }
            throw error
        }
        await reader.looked(lastDrawn: lastDrawn, released: window.released)
        for waiter in waiters { waiter.resume(returning: true) }
        try await nameHolders()
    }

    /// Sees to it that the look was at the same log, in a state that allows reading.
    private func recognize(_ snapshot: HorizonSnapshot) async throws {
        let seen = try query.identity(seen: snapshot.state)
        try await recognition.goOn(
            seen, after: identity, passed: window.released, lastDrawn: snapshot.lastDrawn)
        identity = seen
    }

    private func absorb(_ snapshot: HorizonSnapshot, _ request: LookRequest, released: Int64) throws {
        if let horizon = snapshot.horizon { window.looked(lastDrawn: horizon.lastDrawn, writers: horizon.writers) }
        var reads = snapshot.reads[...]
        if !request.missing.isEmpty, let rows = reads.popFirst() {
            let events = try checked(query.events.batch(rows), snapshot)
            window.readMissing(
                events.map(\.globalPosition), in: request.missing,
                isCut: events.count >= Self.smallRead || events.isCut)
            kept.add(makeRows(events))
        }
        if request.readsNewer, let rows = reads.popFirst() {
            let events = try checked(
                sizer.isSplit
                    ? query.events.batch(beforeMissingPayload: rows) : query.events.batch(rows), snapshot)
            let isComplete = sizer.took(events.lazy.map(\.byteCount), of: events.found)
            schedule.readNewer(isCut: !isComplete)
            if !events.isEmpty { pollBackoff?.reset() }
            let drawn = request.settlesTrailing && isComplete ? snapshot.horizon?.lastDrawn ?? 0 : 0
            window.readNewer(
                events.map(\.globalPosition), through: max(drawn, events.last?.globalPosition ?? 0))
            kept.add(makeRows(events))
            if request.settlesTrailing || lastDrawn <= window.readThrough {
                schedule.settledTrailing(.now)
            }
        }
        if let joining = request.joining, let rows = reads.popFirst() {
            let events = try query.events.batch(rows)
            let isCut = events.count >= Self.smallRead || events.isCut
            let end = isCut ? events.last?.globalPosition ?? joining.after : released
            offer(events, through: end, isFull: isCut, to: joining.ids)
        }
        release()
        schedule.looked(
            gapBehind: window.hasGap ? window.released : nil, sawWriters: snapshot.horizon != nil, now: .now)
    }

    /// - Throws: for a position that the sequence has not drawn.
    private func checked(_ events: EventBatch, _ snapshot: HorizonSnapshot) throws -> EventBatch {
        if let last = events.last?.globalPosition, last > snapshot.lastDrawn {
            throw SourceError.foreignPosition(last, lastDrawn: snapshot.lastDrawn)
        }
        return events
    }

    private func makeRows(_ events: EventBatch) -> LogRows {
        // By all that were ever there: rows are kept, and a consumer may come back before they are released.
        let isScoped = wanted.contains { !$0.isAll }
        return LogRows(
            events, kinds: isScoped ? events.map { kinds.number(of: $0) } : [],
            charge: memory.charge(events.isEmpty ? 0 : events.memorySize))
    }

    /// Offers what the horizon has reached to all that follow the head.
    private func release() {
        if window.horizon.position - window.readThrough > Self.jumpDistance, window.jumpToHorizon() {
            kept.removeAll()
            schedule.beginAnew()
            plan.headJumped(to: window.released)
            return
        }
        let batches = kept.release(through: window.released, isFull: schedule.isMoreThere)
        guard window.released > plan.head else { return }
        for (id, subscription) in subscriptions where plan.members[id]?.place == .head {
            for batch in batches { subscription.offer(batch, kinds.kinds) }
            subscription.advance(to: window.released, isDue: false)
        }
        plan.headMoved(to: window.released)
        schedule.noteProgress(.now)
    }

    /// Offers settled events to those who are not at the head, who then may be.
    func offer(_ events: EventBatch, through position: Int64, isFull: Bool, to ids: [Int]) {
        let rows = makeRows(events)
        for id in ids {
            guard let subscription = subscriptions[id] else { continue }
            if !events.isEmpty {
                subscription.offer(
                    LogBatch(rows, 0..<events.count, through: position, isFull: isFull, isBehind: true), kinds.kinds)
            }
            subscription.advance(to: position, isDue: events.isEmpty)
        }
        plan.joined(ids, through: position)
        schedule.noteProgress(.now)
    }

    func reportProgressIfDue() {
        guard schedule.takeProgress(.now) else { return }
        for (id, subscription) in subscriptions {
            guard let member = plan.members[id], member.place == .head else { continue }
            subscription.advance(to: member.cursor, isDue: true)
        }
    }
}
