import EventSourcing
import Postgres

/// The events of a range, in windows that bound the memory.
struct CommittedWindows {
    struct Window {
        var ledger: DeliveryLedger
        /// A time that no record of its events is before, in milliseconds since 1970.
        var firstTime: Int64
    }

    private let selection: EventSelection
    private let size: Int
    private let table: EventsTable
    private var cursor: RangeCursor

    /// Rows of one read.
    private static let rows = 10_000

    init(_ selection: EventSelection, after: Int64, through: Int64, size: Int, table: EventsTable) {
        self.selection = selection
        self.size = size
        self.table = table
        cursor = RangeCursor(after: after, through: through, stretch: 100_000)
    }

    /// Everything up to here was given.
    var position: Int64 { cursor.position }

    /// The next events, so many at most; `nil` when there are no more.
    mutating func next(on connection: Connection) async throws(PostgresError) -> Window? {
        var window = Window(ledger: DeliveryLedger(capacity: min(size, 1_024)), firstTime: .max)
        while !cursor.isAtEnd, window.ledger.count < size {
            let limit = min(Self.rows, size - window.ledger.count)
            let events = try EventBatch(
                await connection.query(
                    table.readIdentities(selection, after: cursor.position, through: cursor.end, limit: limit)))
            for index in events.indices {
                let event = events[index]
                window.ledger.commit(
                    EventID(event.eventID), position: event.globalPosition, aggregate: Self.aggregate(event))
                window.firstTime = min(window.firstTime, RecordTime.earliest(event.createdAtMicroseconds))
            }
            cursor.took(last: events.last?.globalPosition, isComplete: events.count < limit)
        }
        return window.ledger.count == 0 ? nil : window
    }

    /// A hash of what tells the aggregate from others.
    private static func aggregate(_ event: EventView) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        func mix(_ bytes: RawSpan) {
            bytes.withUnsafeBytes { for byte in $0 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 } }
            // Keeps `ab` + `c` apart from `a` + `bc`.
            hash = (hash ^ 0xff) &* 0x100_0000_01b3
        }
        mix(event.boundedContext)
        mix(event.aggregateType)
        mix(event.aggregateID)
        return hash
    }
}
