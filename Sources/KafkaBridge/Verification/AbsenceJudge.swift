import EventSourcing
import Kafka
import Postgres

/// An event that was not found where it should be.
struct Absence: Sendable {
    /// What that means.
    enum Kind: Sendable, Equatable {
        case missing
        /// It lies behind the consumer's checkpoint.
        case pending
        /// It was never the consumer's to deliver.
        case passedOver
        /// Nobody recorded whether it was.
        case unrecorded
        case parked
        case discarded
        /// Records of its time or key are deleted by now.
        case deleted
        /// It may lie behind a transaction that is open.
        case hidden
        /// Nothing shows whether it was there.
        case unproven
    }

    let index: Int
    let position: Int64
    let id: EventID
    var kind: Kind
    /// The partitions where it may have been.
    fileprivate var partitions: Set<TopicPartition> = []
    /// What ``KeyTraces`` calls its key.
    fileprivate(set) var key: UInt64 = 0
    /// Whether it is known: not where only a whole event shows it.
    fileprivate var isKeyKnown = true
    fileprivate var fate = Deletions.Fate.kept
    /// What it is unless the topics show otherwise.
    fileprivate var isUnrecorded = false
}

/// Decides what it means that no topic has an event: it is missing, not due yet, parked, was never the consumer's to
/// deliver, or nobody can know any more.
struct AbsenceJudge {
    let consumer: String
    let route: Route
    let tables: TableNames
    let due: DuePositions
    /// Found out once something is absent.
    var deletions: Deletions?

    /// What the database and the topics' settings tell; ``settle(_:traces:holed:open:)`` goes on.
    ///
    /// - Parameter partitions: by their places in the ledger.
    func judge(
        _ ledger: DeliveryLedger, _ partitions: [TopicPartition], on connection: Connection
    ) async throws(PostgresError) -> [Absence] {
        let absent = ledger.absent
        let earlier = route.key == .aggregateID && route.partition == nil ? ledger.placesOfEarlier(than: absent) : [:]
        var router = Router(route)
        var absences: [Absence] = []
        let table = EventsTable(tables.source)
        // What conditions look into comes along, and takes memory.
        let rows = due.parts.isEmpty ? 5_000 : 50
        for start in stride(from: 0, to: absent.count, by: rows) {
            let part = absent[start..<min(start + rows, absent.count)].map { ledger.positions[$0] }
            let events = try table.batch(await connection.query(table.readIdentities(at: part, with: due.parts)))
            let setAside = try await setAside(part, on: connection)
            for row in events.indices {
                let event = events[row]
                guard let index = ledger.index(at: event.globalPosition) else { continue }
                var absence = Absence(
                    index: index, position: event.globalPosition, id: EventID(event.eventID), kind: .missing)
                if let state = setAside[absence.position] {
                    absence.kind = state == .discarded ? .discarded : .parked
                } else {
                    switch due.judge(event) {
                    case .pending: absence.kind = .pending
                    case .passedOver: absence.kind = .passedOver
                    case .due: place(&absence, event, &router, earlier[index].map { partitions[Int($0)] })
                    case .unrecorded:
                        absence.isUnrecorded = true
                        place(&absence, event, &router, earlier[index].map { partitions[Int($0)] })
                    }
                }
                absences.append(absence)
            }
        }
        return absences
    }

    /// What the topics themselves show about those that are left.
    ///
    /// - Parameters:
    ///   - traces: of the keys of all that are missing so far.
    ///   - holed: partitions that lack offsets between others: they may have been compacted, whatever is set today.
    ///   - open: partitions that end with an open transaction.
    func settle(
        _ absences: inout [Absence], traces: KeyTraces, holed: Set<TopicPartition>, open: Set<TopicPartition>
    ) {
        for index in absences.indices where absences[index].kind == .missing {
            var absence = absences[index]
            if absence.fate == .compacted {
                switch absence.isKeyKnown ? traces.trace(key: absence.key, position: absence.position) : .none {
                case .none: absence.kind = .unproven
                case .earlierOnly: break
                case .replaced: absence.kind = .deleted
                }
            } else if !absence.partitions.isDisjoint(with: holed),
                !absence.isKeyKnown || traces.trace(key: absence.key, position: absence.position) == .replaced
            {
                absence.kind = .unproven
            }
            if absence.kind != .deleted, !absence.partitions.isDisjoint(with: open) { absence.kind = .hidden }
            if absence.kind == .missing, absence.isUnrecorded { absence.kind = .unrecorded }
            absences[index] = absence
        }
    }

    private func setAside(
        _ positions: [Int64], on connection: Connection
    ) async throws(PostgresError) -> [Int64: DeadLetter.State] {
        var states: [Int64: DeadLetter.State] = [:]
        for row in try await connection.query(DeadLettersTable(tables).setAside(consumer, positions)) {
            states[try row.decode(0)] = DeadLetter.State(rawValue: try row.decode(1))
        }
        return states
    }

    private func place(_ absence: inout Absence, _ event: EventView, _ router: inout Router, _ earlier: TopicPartition?)
    {
        guard case .success(let topic) = router.topic(for: event) else { return }
        let name = router.topics[topic].description
        let time = RecordTime.earliest(event.createdAtMicroseconds)
        let deletions = deletions ?? Deletions()
        // The events' documents are not read here.
        let record = route.placesByContents ? nil : try? route.prepare(event)
        if let record {
            if let key = record.key {
                place(&absence, name, key.span.bytes, record.partition, deletions)
            } else {
                place(&absence, name, event.aggregateID, record.partition, deletions)
            }
        } else {
            absence.isKeyKnown = false
            absence.partitions = deletions.partitions(topic: name)
        }
        absence.fate = deletions.fate(
            topic: name, partitions: absence.partitions, milliseconds: time, earlier: earlier)
        if absence.fate == .deleted { absence.kind = .deleted }
    }

    private func place(
        _ absence: inout Absence, _ topic: String, _ key: RawSpan, _ partition: Int32?, _ deletions: Deletions
    ) {
        absence.key = KeyTraces.key(topic, key, partition: partition)
        absence.partitions =
            partition.map { [TopicPartition(topic, $0)] }
            ?? deletions.partitions(topic: topic, key: key, by: route.partitioner)
    }
}
