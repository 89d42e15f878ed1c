import EventSourcing
import Logging
import Postgres

/// Says in the log what a step of an audit has found, with the first events of each kind.
struct AuditNotices {
    let tables: TableNames
    let logger: Logger

    /// So many events of a finding are named.
    private static let examples = 5

    func report(_ findings: AuditState.Findings, on connection: Connection) async throws {
        try await warn(findings.missing, "in no topic, and missing", on: connection)
        try await warn(findings.disordered, "delivered first behind a later event of their aggregate", on: connection)
        try await warn(findings.misplaced, "in a topic that they do not belong to", on: connection)
        if !findings.recovered.isEmpty {
            logger.notice("the audit has found \(findings.recovered.count) events that were missing before")
        }
        if findings.doubled > 0 {
            logger.notice("the audit has found \(findings.doubled) events delivered more than once")
        }
        if findings.suspects > 0 {
            logger.info("the audit has not found \(findings.suspects) events yet, and looks for them again")
        }
    }

    private func warn(_ positions: [Int64], _ what: String, on connection: Connection) async throws {
        guard !positions.isEmpty else { return }
        let table = EventsTable(tables.source)
        let events = try table.batch(
            await connection.query(table.readIdentities(at: Array(positions.prefix(Self.examples)))))
        let examples = events.indices.map { index in
            let event = events[index]
            return
                "position \(event.globalPosition), event \(EventID(event.eventID).text), \(String(copying: event.boundedContext)) "
                + "\(String(copying: event.aggregateType)) \(String(copying: event.aggregateID))"
        }
        let more = positions.count > examples.count ? "; …" : ""
        logger.warning(
            "the audit has found \(positions.count) events \(what): \(examples.joined(separator: "; "))\(more)")
    }
}
