import CoreMetrics
import EventSourcing
import Logging
import Postgres
import Telemetry

/// Reads each event of a consumer once, in order, up to the settled horizon.
///
/// Used by one task.
final class Feed {
    private let connection: Connection
    private let table: EventsTable
    private let scope: EventScope
    private let horizon: HorizonTracker
    private let selection: SegmentSelection
    private let wakeups: WakeSignal
    private let limits: FeedLimits
    private let target: Int64?
    private let fetchTime: Timer
    private var cursor: FeedCursor
    private var bounds: ReadSizer
    private var pollBackoff: PollBackoff?
    /// Whether the last look at the events or the horizon found a gap.
    private var expectsGaps = false
    private var restedSince: ContinuousClock.Instant?
    private var gapBackoff = Backoff(initial: .milliseconds(1), maximum: .milliseconds(50))

    init(
        connection: Connection, table: EventsTable, scope: EventScope, horizon: HorizonTracker,
        selection: SegmentSelection, wakeups: WakeSignal, limits: FeedLimits, pollBackoff: PollBackoff?,
        after position: Int64, target: Int64?, fetchTime: Timer
    ) {
        self.connection = connection
        self.table = table
        self.scope = scope
        self.horizon = horizon
        self.selection = selection
        self.wakeups = wakeups
        self.limits = limits
        self.bounds = ReadSizer(rows: limits.rows, bytes: limits.bytes, largeBytes: limits.largeBytes)
        self.pollBackoff = pollBackoff
        self.cursor = FeedCursor(after: position)
        self.target = target
        self.fetchTime = fetchTime
    }

    /// Waits for the next batch; `nil` once the signal was closed, or the target is reached.
    ///
    /// - Throws: `PostgresError` or `HorizonError`; the feed may be used again after a new connection only.
    func next() async throws -> FeedBatch? {
        while !wakeups.isClosed {
            // Nothing below need notice: a signal's wait just ends, and a look at the horizon is not this task's own.
            try Task.checkCancellation()
            if let target, cursor.position >= target { return nil }
            let start = cursor.position
            let (batch, next) = try await read()
            if next != .gap { gapBackoff.reset() }
            if let batch, cursor.position > start {
                if !batch.selection.isEmpty { pollBackoff?.reset() }
                return batch
            }
            switch next {
            case .readOn: break
            case .rest: try await rest()
            case .gap: try await waitForGap()
            }
        }
        return nil
    }

    private func read() async throws -> (FeedBatch?, FeedCursor.Next) {
        let known = await horizon.position
        if cursor.position < known { return try await readSettled(through: known) }
        if scope.isAll, !expectsGaps { return try await readOpen() }
        // A scoped read does not show whether positions are missing or merely foreign; and where writers overlap, rows
        // behind a gap would be read for nothing. So look first, and read what is settled.
        let looked = try await horizon.look(withPositions: true)
        if cursor.position < looked { return try await readSettled(through: looked) }
        let isWaiting = await horizon.isWaiting
        expectsGaps = expectsGaps && isWaiting
        // Begun behind what the horizon knows, only the rows themselves can show that nothing is missing.
        if scope.isAll, looked < cursor.position { return try await readOpen() }
        return (nil, isWaiting ? .gap : .rest)
    }

    private func readSettled(through horizon: Int64) async throws -> (FeedBatch?, FeedCursor.Next) {
        let (events, isComplete) = try await query(through: horizon)
        let next = cursor.tookSettled(last: events.last?.globalPosition, isComplete: isComplete, horizon: horizon)
        return (batch(events, count: events.count, isFull: !isComplete), next)
    }

    private func readOpen() async throws -> (FeedBatch?, FeedCursor.Next) {
        let first = cursor.position + 1
        let (events, isComplete) = try await query(through: .max)
        let (count, next) = cursor.tookOpen(events.lazy.map(\.globalPosition), isComplete: isComplete)
        expectsGaps = next == .gap
        if count > 0 { await horizon.sawContiguous(from: first, through: cursor.position) }
        return (batch(events, count: count, isFull: !isComplete), next)
    }

    private func query(through last: Int64) async throws(PostgresError) -> (EventBatch, isComplete: Bool) {
        let statement = table.read(
            after: cursor.position, through: last, limit: bounds.rows, bound: bounds.bound, scope: scope)
        let start = ContinuousClock.now
        let rows = try await connection.query(statement)
        fetchTime.record(since: start)
        let events = bounds.isSplit ? try EventBatch(beforeMissingPayload: rows) : try EventBatch(rows)
        let isComplete = bounds.took(events.lazy.map { $0.payload.byteCount }, of: rows.count)
        return (events, isComplete)
    }

    private func batch(_ events: EventBatch, count: Int, isFull: Bool) -> FeedBatch {
        let selected = count == 0 ? [] : selection.select(from: events, count: count)
        return FeedBatch(
            events: selected.isEmpty ? nil : events, selection: selected, through: cursor.position,
            isFull: isFull)
    }

    /// Sleeps until somebody wakes the feed. Positions that were drawn but never used show only in a look at the
    /// horizon, which a quiet feed takes now and then so that its checkpoint follows.
    private func rest() async throws {
        if target == nil {
            let wait = pollBackoff?.next() ?? limits.horizonInterval
            if await wakeups.wait(atMost: wait) {
                if limits.wakeupJitter > .zero {
                    try await Task.sleep(for: limits.wakeupJitter * Double.random(in: 0...1))
                }
                return
            }
            // Somebody who polls looks at the events; the horizon follows at its own pace.
            restedSince = restedSince ?? .now
            guard ContinuousClock.now - (restedSince ?? .now) >= limits.horizonInterval - wait else { return }
            restedSince = nil
        }
        _ = try await horizon.look(withPositions: false)
    }

    private func waitForGap() async throws {
        if try await horizon.look(withPositions: true) > cursor.position { return }
        _ = await wakeups.wait(atMost: gapBackoff.next())
    }
}

/// The bounds of a feed.
struct FeedLimits: Sendable {
    /// The most rows of one read.
    var rows: Int
    /// No further row once the payloads of one read add up to this.
    var bytes: Int
    /// A read does not grow beyond the rows whose payloads have room in this.
    var largeBytes: Int
    /// How often a quiet feed looks at the horizon.
    var horizonInterval: Duration
    /// How long at most to hold back a wakeup, at random.
    var wakeupJitter: Duration
}
