public import EventSourcing
public import Postgres

/// An event to be handled, with the segment it belongs to. Everything of the event can be asked for directly.
@dynamicMemberLookup
public struct FeedEvent: Sendable, Hashable {
    /// The event.
    public let event: PersistedEvent
    /// The segment, from 0.
    public let segment: Int

    /// An event of a segment.
    public init(_ event: PersistedEvent, segment: Int) {
        self.event = event
        self.segment = segment
    }

    /// Something of the event.
    public subscript<Value>(dynamicMember member: KeyPath<PersistedEvent, Value>) -> Value {
        event[keyPath: member]
    }
}

extension FeedBatch: RandomAccessCollection {
    /// The index of the first event to be handled.
    public var startIndex: Int { 0 }
    /// The index behind the last event to be handled.
    public var endIndex: Int { selection.count }

    /// The event to be handled at the index, which must be one of the batch's.
    public subscript(index: Int) -> FeedEvent {
        let selected = selection[index]
        guard let events else { preconditionFailure("a batch without events selects none") }
        return FeedEvent(events[selected.index].event, segment: selected.segment)
    }
}

extension FeedBatch {
    /// A batch of events that were not read from a database, for tests of a consumer. All of them are to be handled.
    ///
    /// - Parameters:
    ///   - events: in the order of their positions.
    ///   - totalSegments: over how many segments their aggregates are spread.
    ///   - strategy: how they are spread.
    /// - Throws: `decoding` if the events take more than 4 GiB.
    public init(
        _ events: [PersistedEvent], totalSegments: Int = 1,
        strategy: any PartitionStrategy = FNV1aPartitionStrategy()
    ) throws(PostgresError) {
        let selection = events.enumerated().map { index, event in
            let aggregate = Array(event.aggregateID.utf8)
            return Selected(
                index: index, segment: strategy.segment(of: aggregate.span.bytes, totalSegments: totalSegments))
        }
        self.init(
            events: events.isEmpty ? nil : try EventBatch(events), selection: selection,
            through: events.last?.globalPosition ?? 0)
    }
}
