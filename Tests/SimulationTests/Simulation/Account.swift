import EventSourcing
import FoundationEssentials

/// What is known of every event that any transaction has ever inserted.
final class Account {
    enum Fate {
        case open, committed, rolledBack
        /// A server that took over does not have it, though it was committed.
        case forgotten
        /// Truncated.
        case deleted
    }

    struct Entry {
        let number: Int
        let aggregate: Int
        let type: Int
        /// The last one that it was inserted at.
        var position: Int64 = 0
        var fate = Fate.open
        /// Also on a server that has lost it, or has it as prepared.
        var wasCommitted = false
        var event: PersistedEvent?
    }

    static let types = ["plain", "odd"]
    private(set) var entries: [Entry] = []
    /// By consumer: how often each event was found in a topic, where it counts.
    var found: [[Int: Int]] = [[:], [:]]
    /// How often an operator has accepted that an event comes again.
    private(set) var repeats: [Int: Int] = [:]

    /// Whatever is there by now may come once more.
    func acceptRepeats(at time: Int) {
        accepted = time
        for entry in entries { repeats[entry.number, default: 0] += 1 }
    }

    /// A former owner may deliver something yet, until it learns of the acceptance or is fenced; nobody knows of it then.
    func deliveredFirst(_ number: Int, at time: Int) {
        if hasJustAccepted(at: time) { repeats[number, default: 0] += 1 }
    }

    private var accepted: Int?

    /// Claims were taken from their owners, who may not know it yet.
    func hasJustAccepted(at time: Int) -> Bool { accepted.map { time < $0 + 5_000 } ?? false }

    func make(aggregate: Int, type: Int) -> Int {
        entries.append(Entry(number: entries.count, aggregate: aggregate, type: type))
        return entries.count - 1
    }

    /// The event is inserted.
    func insert(_ number: Int, at position: Int64) {
        entries[number].position = position
        let entry = entries[number]
        entries[number].event = PersistedEvent(
            globalPosition: position, boundedContext: "c", aggregateType: "t\(entry.type)",
            aggregateID: "a\(entry.aggregate)", eventID: Self.id(number), eventType: Self.types[entry.type],
            payload: [1], createdAt: Self.time)
    }

    func end(_ number: Int, _ fate: Fate) {
        entries[number].fate = fate
        if fate == .committed { entries[number].wasCommitted = true }
    }

    private static let time = Date(timeIntervalSince1970: 1)

    private static func id(_ number: Int) -> UUID {
        UUID(
            uuid: (
                1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, UInt8(truncatingIfNeeded: number >> 24),
                UInt8(truncatingIfNeeded: number >> 16), UInt8(truncatingIfNeeded: number >> 8),
                UInt8(truncatingIfNeeded: number)
            ))
    }

    static func number(_ id: UUID) -> Int {
        Int(id.uuid.12) << 24 | Int(id.uuid.13) << 16 | Int(id.uuid.14) << 8 | Int(id.uuid.15)
    }
}
