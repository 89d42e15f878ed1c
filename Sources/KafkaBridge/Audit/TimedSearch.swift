import EventSourcing
import Kafka
import Postgres

/// Looks once more for events that are about to count as missing: by their times, without what an audit remembers of offsets.
///
/// Where a topic was made anew since, and is as long as before by now, offsets mean nothing, and its records are there.
struct TimedSearch {
    let tables: TableNames
    let names: RecordNames
    let partitions: [TopicPartition]

    /// How much earlier than an event its record may seem to be, in milliseconds.
    private static let margin: Int64 = 60_000
    /// Events looked for, at most: one that is found is enough.
    private static let limit = 1_000

    func findsAny(
        of positions: [Int64], on connection: Connection, _ reading: AuditReading
    ) async throws -> Bool {
        if positions.isEmpty { return false }
        let table = EventsTable(tables.source)
        let events = try table.batch(
            await connection.query(table.readIdentities(at: Array(positions.prefix(Self.limit)))))
        var ids: Set<EventID> = []
        var earliest = CurrentTime.microseconds
        for index in events.indices {
            ids.insert(EventID(events[index].eventID))
            earliest = min(earliest, RecordTime.earliest(events[index].createdAtMicroseconds) * 1_000)
        }
        let since = max(0, max(0, earliest) / 1_000 - Self.margin)
        let starts = try await reading.offsets(notBefore: since, of: partitions)
        let ends = try await reading.ranges(of: partitions).mapValues(\.upperBound)
        var isFound = false
        // At full speed: it is rare, and a loss must not count late.
        _ = try await reading.read(from: starts, to: ends, isPaced: false, isEnough: { isFound }) { step in
            guard case .record(let record) = step, let identity = names.identity(record) else { return }
            isFound = isFound || ids.contains(identity.event)
        }
        return isFound
    }
}
