import Kafka

/// What a process that audits a consumer remembers between the steps, and what a step makes of what it reads. A pure value.
///
/// A step takes a window of committed events, matches the records that follow where the last step ended, and is concluded.
/// Every record is read once: what comes before its event is kept, and what comes again after it is found among the events
/// that were audited last. All of it is bounded.
struct AuditState: Sendable {
    /// What bounds the memory.
    struct Limits: Sendable {
        /// Records kept ahead of their events; about 80 bytes each.
        var ahead = 100_000
        /// Events audited last, in which later records count as doubles; about 60 bytes each.
        var recent = 100_000
        /// Aggregates whose order is known; about 80 bytes each.
        var aggregates = 100_000
        /// Events that are looked for again because they were not found.
        var suspects = 5_000
        /// Of these, events of segments that stand still while the others are audited.
        var pending = 2_000
        /// Missing events that are still looked for.
        var missing = 1_000
        /// Parked events that are looked for, since they may be delivered again.
        var parked = 1_000
    }

    /// The events of a step: those that are looked for again, and those that follow the audited position.
    struct Window: Sendable {
        var ledger: DeliveryLedger
        /// So many of them, the first ones, are looked for again.
        var repeated: Int
        /// The last position of the step.
        var through: Int64
    }

    /// How far a partition was read.
    struct Partition: Sendable {
        let name: TopicPartition
        let since: Int64
        /// Where the next reading begins.
        var next: Int64
        /// Something could not be kept: the next reading begins with it.
        var isDropping = false
    }

    var record: AuditRecord
    var window: Window?
    /// Events of the window that are new and were not found yet.
    var left = 0
    var partitions: [Partition] = []
    private var places: [TopicPartition: UInt16] = [:]
    var ahead: AheadRecords
    var recent: [DeliveryLedger] = []
    var order: OrderCheck
    let limits: Limits

    /// Goes on from what is recorded.
    init(_ record: AuditRecord, limits: Limits = Limits()) {
        self.record = record
        self.limits = limits
        ahead = AheadRecords(capacity: limits.ahead)
        order = OrderCheck(capacity: max(1, limits.aggregates / 2))
        for (name, progress) in record.progress.sorted(by: { "\($0.key)" < "\($1.key)" }) {
            add(name, from: progress.next, since: progress.since)
        }
    }

    /// Begins behind a position, from nothing but the missing events that lie before it.
    static func beginning(
        _ consumer: String, after position: Int64, reason: AuditReason, replacing former: AuditRecord?
    ) -> AuditRecord {
        var record = AuditRecord(consumer: consumer, beganAfter: position, reason: reason)
        guard let former else { return record }
        record.epoch = former.epoch
        guard reason != .anotherLog else { return record }
        record.missing = former.missing.filter { $0 <= position }
        // Of those that are not listed nobody knows where they are: they stay counted.
        record.counts.missing = former.counts.missing - Int64(former.missing.count - record.missing.count)
        record.counts.committed = record.counts.missing
        return record
    }

    mutating func saved(epoch: Int64) { record.epoch = epoch }
    mutating func rest(on basis: AuditBasis, slowest: Int64) {
        record.basis = basis
        record.slowest = slowest
    }

    /// How many more events of segments that stand still may be looked for.
    var roomForPending: Int { max(0, limits.pending - record.suspects.count) }
    /// The suspects of the last step that are only not delivered yet.
    var pending = 0

    // MARK: Partitions

    var knownPartitions: [TopicPartition] { partitions.map(\.name) }
    func knows(_ partition: TopicPartition) -> Bool { places[partition] != nil }

    /// Where to read on, by partition.
    var starts: [TopicPartition: Int64] {
        partitions.reduce(into: [:]) { $0[$1.name] = $1.next }
    }

    /// Before which time records may lie before what was read, where a partition was not read from its beginning.
    var sinceTimes: [TopicPartition: Int64] {
        partitions.reduce(into: [:]) { if $1.since > .min { $0[$1.name] = $1.since } }
    }

    /// Takes a partition in.
    ///
    /// - Parameters:
    ///   - offset: where to begin.
    ///   - since: milliseconds since 1970; `.min` where nothing lies before the offset.
    mutating func add(_ partition: TopicPartition, from offset: Int64, since: Int64) {
        assert(places[partition] == nil && partitions.count < Int(UInt16.max))
        places[partition] = UInt16(truncatingIfNeeded: partitions.count)
        partitions.append(Partition(name: partition, since: since, next: offset))
    }

    /// The records before an offset are deleted.
    mutating func skip(_ partition: TopicPartition, to offset: Int64) {
        guard let place = places[partition].map(Int.init) else { return }
        partitions[place].next = max(partitions[place].next, offset)
    }

    // MARK: A step

    /// Begins a step: finds what was read of its events ahead of them. The readings of the partitions begin at ``starts``.
    mutating func begin(_ window: Window) {
        assert(self.window == nil && window.through >= record.position)
        for place in partitions.indices { partitions[place].isDropping = false }
        var window = window
        left = 0
        for index in window.repeated..<window.ledger.count {
            let (id, position) = (window.ledger.id(index), window.ledger.positions[index])
            for found in ahead.take(id) { window.ledger.found(found) }
            if ahead.takeDeadLetter(at: position) { window.ledger.foundDeadLetter(at: position) }
            if !window.ledger.isAccounted(index) { left += 1 }
        }
        self.window = window
    }

    /// Whether all new events of the step were found.
    var isSatisfied: Bool { left == 0 }
    /// Whether no more records can be kept ahead of their events.
    var isFull: Bool { ahead.isFull }

    /// Whether reading on is of no use in this step.
    ///
    /// - Parameter isLast: whether the step has all events that are due. Such a step reads to the ends, so that doubles are
    ///   found soon, and is the one that can tell that a suspect is missing.
    func isEnough(isLast: Bool) -> Bool {
        isSatisfied && (!isLast || isFull && record.suspects.isEmpty)
    }

    /// Whether another step should follow at once.
    ///
    /// - Parameters:
    ///   - isLast: whether the step that has ended had all events that were due.
    ///   - reachedEnds: whether it has read to the ends. Where it has not, room for more records may have been made since;
    ///     else it comes with the next events.
    func isBehind(isLast: Bool, reachedEnds: Bool) -> Bool { !isLast || !reachedEnds && !isFull }

    /// Takes in a record that names an event.
    ///
    /// - Parameters:
    ///   - topic: the number that the window's events have for it.
    ///   - position: the event's, where the record gives it.
    mutating func take(
        _ identity: RecordIdentity, topic: UInt16, of partition: TopicPartition, offset: Int64, position: Int64? = nil
    ) {
        guard let place = places[partition], advance(place, over: offset) else { return }
        let found = DeliveryLedger.Found(identity: identity, topic: topic, place: place, offset: offset)
        if let index = window?.ledger.index(of: identity.event) {
            note(index) { $0.found(found) }
            return
        }
        if takeAgain(found) { return }
        if let position, position <= window?.through ?? record.position { return }
        keep(place, offset) { $0.add(found) }
    }

    /// Takes in a record of the dead-letter topic that stands for the event at a position.
    mutating func takeDeadLetter(at position: Int64, of partition: TopicPartition, offset: Int64) {
        guard let place = places[partition], advance(place, over: offset) else { return }
        if let index = window?.ledger.index(at: position) {
            note(index) { $0.foundDeadLetter(at: position) }
        } else if position > window?.through ?? record.position {
            keep(place, offset) { $0.addDeadLetter(at: position, place: place, offset: offset) }
        }
    }

    /// Takes in a record that names no event.
    mutating func takeOther(of partition: TopicPartition, offset: Int64) {
        if let place = places[partition] { _ = advance(place, over: offset) }
    }

    /// Nothing lies between what was read of a partition and an offset.
    mutating func reachedEnd(of partition: TopicPartition, at offset: Int64) {
        if let place = places[partition], offset > 0 { _ = advance(place, over: offset - 1) }
    }

    /// - Returns: false where the offset lies before what is read now.
    private mutating func advance(_ place: UInt16, over offset: Int64) -> Bool {
        if partitions[Int(place)].isDropping { return true }
        guard offset >= partitions[Int(place)].next else { return false }
        partitions[Int(place)].next = offset + 1
        return true
    }

    private mutating func keep(_ place: UInt16, _ offset: Int64, _ body: (inout AheadRecords) -> Void) {
        if partitions[Int(place)].isDropping { return }
        if ahead.isFull {
            partitions[Int(place)].isDropping = true
            partitions[Int(place)].next = offset
        } else {
            body(&ahead)
        }
    }

    private mutating func note(_ index: Int, _ body: (inout DeliveryLedger) -> Void) {
        guard var current = window else { return }
        // The ledger must not be copied.
        window = nil
        let was = current.ledger.isAccounted(index)
        body(&current.ledger)
        if index >= current.repeated, !was, current.ledger.isAccounted(index) { left -= 1 }
        window = current
    }

    /// Whether the record is of an event that was audited lately; its second record makes it a double.
    private mutating func takeAgain(_ found: DeliveryLedger.Found) -> Bool {
        for generation in recent.indices.reversed() {
            guard let index = recent[generation].index(of: found.identity.event) else { continue }
            // What could not be kept is read again, with what lies behind it.
            if recent[generation].isFirst(index, place: found.place, offset: found.offset) { return true }
            let before = recent[generation].liveCount(index)
            recent[generation].found(found)
            if before == 1, recent[generation].liveCount(index) == 2 { record.counts.doubled += 1 }
            return true
        }
        return false
    }
}

extension DeliveryLedger {
    /// Whether a record is the first that was found of an event.
    func isFirst(_ index: Int, place: UInt16, offset: Int64) -> Bool {
        liveCount(index) > 0 && firstPlace(index) == place && firstOffset(index) == offset
    }

    /// Whether an event was found in its topic or among the dead letters.
    func isAccounted(_ index: Int) -> Bool { isDelivered(index) || isDeadLetter(index) }
}
