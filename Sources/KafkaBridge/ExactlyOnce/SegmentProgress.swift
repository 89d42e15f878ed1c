import Consumers
package import EventSourcing
package import FoundationEssentials

/// How far a segment has come in committed transactions, as the last record of its partition in the progress topic says.
///
/// It names events, not positions alone: a server that lost its last commits gives their positions to other events.
package struct SegmentProgress: Sendable, Equatable {
    /// Everything of the segment that a scope wants, up to an event, is delivered or parked.
    package struct Cover: Sendable, Equatable {
        package var last: EventReference
        package var scope: EventScope

        package init(last: EventReference, scope: EventScope) {
            self.last = last
            self.scope = scope
        }
    }

    /// Segments that were to take this one's place.
    package struct Successor: Sendable, Equatable {
        package let lineage: String
        package let segments: Int
    }

    /// One, but while another scope than before has not come as far yet.
    package private(set) var covers: [Cover] = []
    /// Parked events that were delivered again, ascending, and that the table of dead letters may still have as parked.
    package private(set) var redriven: [Int64] = []
    /// The last of those that the table has noted as delivered, in that order: it may lose its last commits.
    package private(set) var noted: [Int64] = []
    /// Events that were parked under way.
    package var parked = ParkedPositions()
    /// The claim under which it was written. In the topic it goes back only where the rows of claims were made anew.
    package var epoch: Int64
    /// Distinguishes what counts from what was written before an operator had the consumer begin anew.
    package let lineage: String
    /// Whose transaction wrote it.
    package var transactionalID: String
    /// Set where an exchange of the segments was under way; whether it came to pass, the database says.
    package private(set) var successor: Successor?

    package init(lineage: String, epoch: Int64, transactionalID: String) {
        self.lineage = lineage
        self.epoch = epoch
        self.transactionalID = transactionalID
    }

    /// Whether an event was delivered or parked.
    func covers(_ event: EventView) -> Bool {
        let position = event.globalPosition
        if hasRedriven(position) { return true }
        if parked.contains(position) { return false }
        return covers.contains { position <= $0.last.position && $0.scope.contains(event) }
    }

    func hasRedriven(_ position: Int64) -> Bool { redriven.contains(position) || noted.contains(position) }

    /// The last event that is known to be delivered.
    package var last: EventReference? { covers.map(\.last).max { $0.position < $1.position } }

    /// What a transaction makes of it.
    ///
    /// - Parameter epoch: the claim under which it is committed.
    func advanced(
        by delivery: TransactionState.Delivery, scope: EventScope, epoch: Int64, id: String
    ) -> SegmentProgress {
        var next = self
        (next.epoch, next.transactionalID, next.successor) = (epoch, id, nil)
        next.advance(to: delivery.last, scope: scope, redriven: delivery.redriven)
        next.parked.remove(Set(delivery.redriven + delivery.unparked))
        return next
    }

    /// The same, with the note that others are to take its place.
    func exchanged(for successor: Successor, epoch: Int64, id: String) -> SegmentProgress {
        var next = self
        (next.epoch, next.transactionalID, next.successor) = (epoch, id, successor)
        return next
    }

    /// Takes in what a transaction has delivered.
    mutating func advance(to last: EventReference?, scope: EventScope, redriven positions: [Int64]) {
        if let last {
            if let index = covers.firstIndex(where: { $0.scope.isEquivalent(to: scope) }) {
                if last.position > covers[index].last.position { covers[index].last = last }
            } else {
                covers.append(Cover(last: last, scope: scope))
            }
            // What a scope of before has beyond that, it still has.
            covers.removeAll { !$0.scope.isEquivalent(to: scope) && $0.last.position <= last.position }
        }
        redriven = Array(Set(redriven).union(positions)).sorted()
        assert(Set(covers.map(\.last.position)).count == covers.count || covers.count < 2, "covers that say the same")
    }

    private static let keptNoted = 200

    /// The table of dead letters has noted that these were delivered.
    mutating func noteRedriven(_ positions: [Int64]) {
        let new = redriven.filter { positions.contains($0) }
        redriven.removeAll { new.contains($0) }
        noted = (noted + new).suffix(Self.keptNoted)
    }
}

// MARK: As a record

extension SegmentProgress {
    private struct Text: Codable {
        struct Cover: Codable {
            let position: Int64
            let eventID: UUID
            let boundedContexts: [String]
            let aggregateTypes: [String]
            /// Absent where nothing is left out.
            let filter: String?

            enum CodingKeys: String, CodingKey {
                case position
                case eventID = "event_id"
                case boundedContexts = "bounded_contexts"
                case aggregateTypes = "aggregate_types"
                case filter
            }
        }

        struct Successor: Codable {
            let lineage: String
            let segments: Int
        }

        let consumer: String
        let segment: Int
        let epoch: Int64
        let lineage: String
        let writer: String
        let delivered: [Cover]
        let redriven: [Int64]
        let noted: [Int64]
        let parked: [Int64]
        let forgotten: Int64?
        /// Absent where the segments were not exchanged.
        let successor: Successor?
    }

    /// The record's key: of several consumers, or lives of one, each keeps its last record when the topic is compacted.
    static func key(of consumer: String, _ segment: Int, _ lineage: String) -> [UInt8] {
        Array("\(consumer)/\(segment)/\(lineage)".utf8)
    }

    func key(of consumer: String, _ segment: Int) -> [UInt8] { Self.key(of: consumer, segment, lineage) }

    /// JSON.
    func value(of consumer: String, _ segment: Int) throws -> [UInt8] {
        let covers = covers.map {
            Text.Cover(
                position: $0.last.position, eventID: $0.last.eventID, boundedContexts: $0.scope.boundedContexts,
                aggregateTypes: $0.scope.aggregateTypes,
                filter: $0.scope.filter.isEmpty ? nil : $0.scope.filter.text)
        }
        let text = Text(
            consumer: consumer, segment: segment, epoch: epoch, lineage: lineage, writer: transactionalID,
            delivered: covers, redriven: redriven, noted: noted, parked: parked.all,
            forgotten: parked.forgotten,
            successor: successor.map { Text.Successor(lineage: $0.lineage, segments: $0.segments) })
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return Array(try encoder.encode(text))
    }

    /// Reads a record's value.
    ///
    /// - Throws: where it is none of Godwit's.
    init(value: [UInt8]) throws {
        let text = try JSONDecoder().decode(Text.self, from: Data(value))
        self.init(lineage: text.lineage, epoch: text.epoch, transactionalID: text.writer)
        covers = try text.delivered.map {
            Cover(
                last: EventReference(position: $0.position, eventID: $0.eventID),
                scope: EventScope(
                    aggregateTypes: $0.aggregateTypes, boundedContexts: $0.boundedContexts,
                    filter: try EventFilter(text: $0.filter ?? "")))
        }
        redriven = text.redriven
        noted = text.noted
        parked = ParkedPositions(text.parked, forgotten: text.forgotten)
        if let next = text.successor {
            // It is counted up to, so a number that no consumer has would take all memory.
            guard Self.possibleSegments.contains(next.segments) else {
                throw DecodingError.dataCorrupted(
                    .init(codingPath: [], debugDescription: "\(next.segments) segments are not possible"))
            }
            successor = Successor(lineage: next.lineage, segments: next.segments)
        }
    }

    private static let possibleSegments = 1...4_096
}
