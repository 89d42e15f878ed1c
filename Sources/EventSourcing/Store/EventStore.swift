/// Appends events to the store's tables and reads them back.
///
/// A value without state: make it once, use it from anywhere.
public struct EventStore: Sendable {
    /// When an append notifies listening relays.
    public enum Notify: Sendable, Hashable {
        /// Never: relays find out by polling.
        case never
        /// In an append during which some relay asks for it, on the channel: relays do while they are asleep, and
        /// then notifications cost next to nothing.
        case adaptive(channel: String)
        /// In every append, on the channel. All commits of the database then wait in line behind one lock.
        case always(channel: String)
    }

    /// The tables' names.
    public let tables: TableNames
    let eventsTable: EventsTable
    let append: AppendStatements

    /// A store over the tables.
    public init(tables: TableNames = TableNames(), notify: Notify = .never) {
        self.tables = tables
        self.eventsTable = EventsTable(tables.source)
        self.append = AppendStatements(tables, notify: notify)
    }
}
