import Consumers
import EventSourcing
import Postgres

/// Reads some events of the log for people who look at them, newest first, in bounded statements.
struct PreviewLog {
    private let table: EventsTable
    private let connection: Connection

    /// A statement's rows end once they add up to so many bytes.
    private static let mostBytes = 8 << 20
    /// A larger payload is not read; how large it is, is known. What looks into payloads looks into none that is larger.
    static let largestPayload = EventFilter.largestPayload

    init(_ tables: TableNames, on connection: Connection) async throws {
        table = try await EventsTable.checked(tables.source, on: connection)
        self.connection = connection
        // With rows hidden by a policy, what is shown would be wrong.
        try await connection.execute(script: EventsTable.readingSettings)
    }

    /// The last events before a position, newest first.
    func positions(before position: Int64, limit: Int) async throws(PostgresError) -> [Int64] {
        try await positions(table.lastPositions(before: position, limit: limit))
    }

    /// The events at the positions, ascending, in as many batches as their sizes need.
    ///
    /// - Parameter body: is handed each batch.
    func read(_ positions: [Int64], _ body: (EventBatch) async throws -> Void) async throws {
        var rest = positions.sorted()
        while !rest.isEmpty {
            let statement = table.read(at: rest, maximumBytes: Self.mostBytes, largest: Self.largestPayload)
            let batch = try table.batch(await connection.query(statement))
            guard let last = batch.last?.globalPosition else { return }
            try await body(batch)
            rest.removeAll { $0 <= last }
        }
    }

    // MARK: An aggregate's

    /// The last events of an aggregate id, newest first.
    struct Found {
        var positions: [Int64]
        /// Where the search ended before the begin of the log.
        var searchedFrom: Int64?
    }

    /// - Parameter patience: how long a search without an index may take.
    func positions(
        ofAggregate id: String, limit: Int, patience: Duration = .seconds(20)
    ) async throws(PostgresError) -> Found {
        // Few names can be probed one by one, in the unique index.
        if table.hasIndexedAggregates, let names = try? await table.readNames(on: connection), names.count <= 1_000 {
            return Found(
                positions: try await positions(table.lastPositions(ofAggregate: id, names: names, limit: limit)))
        }
        var found = Found(positions: [])
        let deadline = ContinuousClock.now + patience
        var (last, length): (Int64, Int64) = (try await latest(), 10_000)
        while last > 0, found.positions.count < limit {
            guard ContinuousClock.now < deadline else {
                found.searchedFrom = last + 1
                break
            }
            let first = max(1, last - length + 1)
            let began = ContinuousClock.now
            found.positions += try await positions(
                table.lastPositions(
                    ofAggregate: id, from: first, through: last, limit: limit - found.positions.count))
            if ContinuousClock.now - began < .milliseconds(200) { length = min(length * 2, 10_000_000) }
            last = first - 1
        }
        return found
    }

    private func latest() async throws(PostgresError) -> Int64 {
        try await connection.query(table.latestPosition).first?.decode(0) ?? 0
    }

    private func positions(_ statement: BoundStatement) async throws(PostgresError) -> [Int64] {
        var positions: [Int64] = []
        for row in try await connection.query(statement) { positions.append(try row.decode(0)) }
        return positions
    }
}
