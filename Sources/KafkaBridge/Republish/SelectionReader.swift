import Consumers
import EventSourcing
import Logging
import Postgres

/// Reads the selected events of a settled range, in order. A database that is away is waited for. Used by one task.
final class SelectionReader {
    private let configuration: ConnectionConfiguration
    private let shape: SourceShape
    /// For the types that the columns have, since the connection was opened.
    private var table: EventsTable
    private let selection: EventSelection
    private let bytes: Int
    private let largest: Int
    private let logger: Logger
    private var cursor: RangeCursor
    private var connection: Connection?
    private var hasRead = false

    init(
        _ configuration: ConnectionConfiguration, tables: TableNames, selection: EventSelection, after: Int64,
        through: Int64, bytes: Int, largest: Int, logger: Logger
    ) {
        self.configuration = configuration
        shape = tables.source
        self.table = EventsTable(shape)
        self.selection = selection
        self.bytes = bytes
        self.largest = largest
        self.logger = logger
        cursor = RangeCursor(after: after, through: through)
    }

    /// The next events, perhaps none although there are more to come; `nil` at the end of the range.
    ///
    /// - Parameter stop: while the database is away, closing it ends the wait.
    func next(atMost rows: Int, stop: WakeSignal) async throws -> FeedBatch? {
        if cursor.isAtEnd { return nil }
        var retry = DatabaseRetry()
        while true {
            do {
                let batch = try await read(rows)
                hasRead = true
                return batch
            } catch {
                await close()
                // What was never to be had is not waited for.
                if !hasRead, !error.isDatabaseAway { throw error }
                logger.debug("a selection waits for the database: \(error)")
                if stop.isClosed, error.isRecoverable { return nil }
                try await retry.pause(after: error)
            }
        }
    }

    func close() async {
        await connection?.close()
        connection = nil
    }

    private func read(_ rows: Int) async throws -> FeedBatch {
        let connection: Connection
        if let open = self.connection {
            connection = open
        } else {
            connection = try await Connection.open(configuration, logger: logger)
            self.connection = connection
            table = try await EventsTable.checked(shape, on: connection)
        }
        let statement = table.read(
            selection, after: cursor.position, through: cursor.end, limit: rows, maximumBytes: bytes,
            largest: largest)
        let events = try table.batch(await connection.query(statement))
        cursor.took(last: events.last?.globalPosition, isComplete: events.count < rows && !events.isCut)
        return FeedBatch(
            events: events.isEmpty ? nil : events,
            selection: events.indices.filter { selection.scope.wants(events[$0]) }.map {
                FeedBatch.Selected(index: $0, segment: 0)
            }, through: cursor.position,
            isFull: !cursor.isAtEnd)
    }
}
