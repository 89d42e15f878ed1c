import EventSourcing
import Postgres

/// Decides what it means that no topic has an event: it is missing, not due yet, parked, was never the consumer's to
/// deliver, or nobody can know any more.
struct AbsenceJudge {
    let consumer: String
    let route: Route
    let tables: TableNames
    let due: DuePositions
    let edges: RetentionEdges

    /// - Returns: the positions of those that are missing.
    func judge(
        _ positions: [Int64], _ report: inout VerificationReport, on connection: Connection
    ) async throws(PostgresError) -> [Int64] {
        var router = Router(route)
        var missing: [Int64] = []
        let table = EventsTable(tables.source)
        for start in stride(from: 0, to: positions.count, by: 5_000) {
            let part = Array(positions[start..<min(start + 5_000, positions.count)])
            let events = try EventBatch(await connection.query(table.readIdentities(at: part)))
            let setAside = try await setAside(part, on: connection)
            for index in events.indices {
                let event = events[index]
                let (position, id) = (event.globalPosition, EventID(event.eventID))
                if let state = setAside[position] {
                    if state == .discarded {
                        report.discarded.add(position, id)
                    } else {
                        report.parked.add(position, id)
                    }
                    continue
                }
                switch due.judge(event) {
                case .pending: report.pending.add(position, id)
                case .passedOver: report.passedOver.add(position, id)
                case .due where mayBeDeleted(event, &router), .unrecorded where mayBeDeleted(event, &router):
                    report.unknowable.add(position, id)
                case .unrecorded: report.unrecorded.add(position, id)
                case .due:
                    report.missing.add(position, id)
                    missing.append(position)
                }
            }
        }
        return missing
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

    private func mayBeDeleted(_ event: EventView, _ router: inout Router) -> Bool {
        guard case .success(let topic) = router.topic(for: event) else { return false }
        let name = router.topics[topic].description
        let time = RecordTime.earliest(event.createdAtMicroseconds)
        if let key = route.key.bytes(of: event) {
            return edges.mayBeDeleted(topic: name, key: key.span.bytes, milliseconds: time)
        }
        return edges.mayBeDeleted(topic: name, key: event.aggregateID, milliseconds: time)
    }
}
