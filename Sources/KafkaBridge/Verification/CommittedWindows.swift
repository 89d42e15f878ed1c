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
    private let expected: Int
    private let comparesValues: Bool
    private let table: EventsTable
    private var cursor: RangeCursor
    private var router: Router

    /// Rows of one read, and bytes of one where values are compared.
    private static let rows = 10_000
    private static let bytes = 16 << 20

    /// - Parameters:
    ///   - size: events of one window.
    ///   - expected: events of the range, as far as is known.
    init(
        _ selection: EventSelection, after: Int64, through: Int64, size: Int, expected: Int, route: Route,
        comparesValues: Bool, table: EventsTable
    ) {
        self.selection = selection
        self.size = size
        self.expected = expected
        self.comparesValues = comparesValues
        self.table = table
        router = Router(route)
        cursor = RangeCursor(after: after, through: through, stretch: 100_000)
    }

    /// Everything up to here was given.
    var position: Int64 { cursor.position }
    /// The numbers of the topics that the events so far belong to, by name.
    var topics: [String: UInt16] {
        var numbers: [String: UInt16] = [:]
        for (index, topic) in router.topics.enumerated() { numbers[topic.description] = UInt16(clamping: index) }
        return numbers
    }

    /// The next events, so many at most; `nil` when there are no more.
    ///
    /// - Parameter used: the ledger of the window before, whose memory is used again.
    mutating func next(
        reusing used: consuming DeliveryLedger?, on connection: Connection
    ) async throws(PostgresError) -> Window? {
        var ledger = used ?? DeliveryLedger(capacity: min(size, expected), comparesValues: comparesValues)
        ledger.forgetAll()
        var window = Window(ledger: ledger, firstTime: .max)
        while !cursor.isAtEnd, window.ledger.count < size {
            let limit = min(Self.rows, size - window.ledger.count)
            let statement =
                comparesValues
                ? table.read(
                    selection, after: cursor.position, through: cursor.end, limit: limit, maximumBytes: Self.bytes,
                    largest: Self.bytes)
                : table.readIdentities(selection, after: cursor.position, through: cursor.end, limit: limit)
            let events = try table.batch(await connection.query(statement))
            for index in events.indices where selection.scope.wants(events[index]) {
                enter(events[index], into: &window)
            }
            cursor.took(last: events.last?.globalPosition, isComplete: events.count < limit && !events.isCut)
        }
        return window.ledger.count == 0 ? nil : window
    }

    private mutating func enter(_ event: EventView, into window: inout Window) {
        var entry = DeliveryLedger.Entry(event, by: &router)
        if comparesValues { entry.value = ValueHash.expected(event, on: router.route) }
        window.ledger.commit(entry)
        window.firstTime = min(window.firstTime, RecordTime.earliest(event.createdAtMicroseconds))
    }
}

extension DeliveryLedger.Entry {
    /// An event as it is committed, with the number that a router has for its topic.
    init(_ event: EventView, by router: inout Router) {
        var hash = Hash64()
        hash.mix(event.boundedContext)
        hash.mix(event.aggregateType)
        hash.mix(event.aggregateID)
        self.init(id: EventID(event.eventID), position: event.globalPosition, aggregate: hash.value)
        if case .success(let index) = router.topic(for: event) { topic = UInt16(clamping: index) }
    }
}
