package import FoundationEssentials

/// Which events of a range of positions are meant; what is empty or `nil` leaves nothing out.
package struct EventSelection: Sendable, Hashable {
    package var scope: EventScope
    package var aggregateIDs: [String]
    package var eventTypes: [String]
    /// The first moment that is meant, by the events' own time.
    package var from: Date?
    /// The first moment behind it that is not meant any more.
    package var until: Date?
    /// Only those listed one by one.
    package var list: EventList?
    /// But for those that an operator has discarded.
    package var discarded: DiscardedEvents?

    package init(
        scope: EventScope = .all, aggregateIDs: [String] = [], eventTypes: [String] = [], from: Date? = nil,
        until: Date? = nil, list: EventList? = nil
    ) {
        self.scope = scope
        self.aggregateIDs = aggregateIDs
        self.eventTypes = eventTypes
        self.from = from
        self.until = until
        self.list = list
    }
}

/// Events of which an operator has said that a consumer is not to deliver them.
package struct DiscardedEvents: Sendable, Hashable {
    /// Has the columns `consumer_name`, `global_position` and `state`.
    package let table: TableName
    package let consumer: String

    package init(_ table: TableName, consumer: String) {
        self.table = table
        self.consumer = consumer
    }
}

/// Events that a table lists one by one, by their positions.
package struct EventList: Sendable, Hashable {
    /// Has the columns `job` and `global_position`.
    package let table: TableName
    /// Whose list of those in the table.
    package let job: String

    package init(_ table: TableName, job: String) {
        self.table = table
        self.job = job
    }
}
