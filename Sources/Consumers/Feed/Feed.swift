import EventSourcing
import Logging
import Postgres

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
    private var cursor: FeedCursor
    private var gapBackoff = Backoff(initial: .milliseconds(1), maximum: .milliseconds(50))

    init(
        connection: Connection, table: EventsTable, scope: EventScope, horizon: HorizonTracker,
        selection: SegmentSelection, wakeups: WakeSignal, limits: FeedLimits, after position: Int64
    ) {
        self.connection = connection
        self.table = table
        self.scope = scope
        self.horizon = horizon
        self.selection = selection
        self.wakeups = wakeups
        self.limits = limits
        self.cursor = FeedCursor(after: position)
    }

    /// Waits for the next batch; `nil` once the signal was closed.
    ///
    /// - Throws: `PostgresError` or `HorizonError`; the feed may be used again after a new connection only.
    func next() async throws -> FeedBatch? {
        while !wakeups.isClosed {
            let start = cursor.position
            let (batch, next) = try await read()
            if next != .gap { gapBackoff.reset() }
            if let batch, cursor.position > start { return batch }
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
        if scope.isAll { return try await readOpen() }
        // A scoped read does not show whether positions are missing or merely foreign.
        let looked = try await horizon.look(withPositions: true)
        if cursor.position < looked { return try await readSettled(through: looked) }
        return (nil, await horizon.isWaiting ? .gap : .rest)
    }

    private func readSettled(through horizon: Int64) async throws -> (FeedBatch?, FeedCursor.Next) {
        let (events, isComplete) = try await query(through: horizon)
        let next = cursor.tookSettled(last: events.last?.globalPosition, isComplete: isComplete, horizon: horizon)
        return (batch(events, count: events.count), next)
    }

    private func readOpen() async throws -> (FeedBatch?, FeedCursor.Next) {
        let first = cursor.position + 1
        let (events, isComplete) = try await query(through: .max)
        let (count, next) = cursor.tookOpen(events.lazy.map(\.globalPosition), isComplete: isComplete)
        if count > 0 { await horizon.sawContiguous(from: first, through: cursor.position) }
        return (batch(events, count: count), next)
    }

    private func query(through last: Int64) async throws(PostgresError) -> (EventBatch, isComplete: Bool) {
        let statement = table.read(
            after: cursor.position, through: last, limit: limits.rows, maximumBytes: limits.bytes, scope: scope)
        let events = try EventBatch(await connection.query(statement))
        if events.count == limits.rows { return (events, false) }
        var bytes = 0
        for index in events.indices { bytes += events[index].payload.byteCount }
        return (events, bytes < limits.bytes)
    }

    private func batch(_ events: EventBatch, count: Int) -> FeedBatch {
        let selected = count == 0 ? [] : selection.select(from: events, count: count)
        return FeedBatch(events: selected.isEmpty ? nil : events, selection: selected, through: cursor.position)
    }

    /// Sleeps until somebody wakes the feed. Positions that were drawn but never used show only in a look at the
    /// horizon, which a quiet feed takes now and then so that its checkpoint follows.
    private func rest() async throws {
        if await wakeups.wait(atMost: limits.horizonInterval) { return }
        _ = try await horizon.look(withPositions: false)
    }

    private func waitForGap() async throws {
        if try await horizon.look(withPositions: false) > cursor.position { return }
        _ = await wakeups.wait(atMost: gapBackoff.next())
    }
}

/// The bounds of a feed.
package struct FeedLimits: Sendable {
    /// The most rows of one read.
    package var rows: Int
    /// No further row once the payloads of one read add up to this.
    package var bytes: Int
    /// How often a quiet feed looks at the horizon.
    package var horizonInterval: Duration

    package init(rows: Int = 500, bytes: Int = 4 << 20, horizonInterval: Duration = .seconds(30)) {
        self.rows = rows
        self.bytes = bytes
        self.horizonInterval = horizonInterval
    }
}
