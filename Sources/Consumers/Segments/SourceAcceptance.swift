package import EventSourcing
package import Postgres

/// Lets consumers go on with a source that was refused, because an operator has understood what has happened to it.
///
/// The log as it is now becomes what the checkpoints count in. Segments get new epochs, so that a relay that still works
/// under the old ones loses them, and writes nothing any more.
package struct SourceAcceptance: Sendable {
    private let tables: TableNames

    package init(_ tables: TableNames) {
        self.tables = tables
    }

    /// Where consumers go on.
    package enum Start: Sendable, Hashable {
        /// Behind a position, 0 for the beginning.
        case after(Int64)
        /// Where they are.
        case checkpoints
    }

    /// A consumer as it is before.
    package struct Consumer: Sendable, Hashable {
        package let name: String
        /// The highest checkpoint.
        package let checkpoint: Int64
        /// Why it is refused; `nil` if it is not.
        package let refusal: String?
        /// What was removed before it had it; `nil` if nothing.
        package var missed: MissedRows?
    }

    package struct Plan: Sendable {
        package let consumers: [Consumer]
        /// The last position that the sequence has drawn.
        package let lastDrawn: Int64
        package let start: Start
        /// What retention has removed of this log; `nil` if nothing.
        package let pruned: PruningRecord?
        /// Whether anything of the log has changed since the checkpoints were recorded.
        fileprivate let hasChanged: Bool
        /// Whether positions mean other events than before.
        fileprivate let isOtherLog: Bool
        fileprivate let identity: StoreIdentity
    }

    /// Looks at the log and at what is recorded, and says what would be done.
    ///
    /// - Parameters:
    ///   - consumers: those to let go on.
    ///   - start: `nil` for the start that loses nothing: the beginning.
    /// - Throws: `SourceError` for what no acceptance fixes; ``AcceptanceError``; `PostgresError`.
    package func plan(_ consumers: [String], _ start: Start?, on connection: Connection) async throws -> Plan {
        try await connection.execute(script: EventsTable.readingSettings)
        let query = try await HorizonQuery(tables.source, on: connection)
        // Before the last position is read: relays move checkpoints behind events of this very moment.
        let recorded = try await IdentitiesTable(tables).read(consumers, on: connection)
        let snapshot = try await query.refresh(HorizonQuery.Request(includesWriters: false), on: connection)
        let identity = try query.identity(seen: snapshot.state)
        let known = recorded.compactMap { recorded -> Consumer? in
            guard let checkpoint = recorded.checkpoint else { return nil }
            let comparison = identity.compared(
                to: recorded.identity ?? identity, passed: checkpoint, lastDrawn: snapshot.lastDrawn,
                sequence: query.sequence)
            var refusal: String?
            if case .refused(let error) = comparison { refusal = error.description }
            refusal = refusal ?? recorded.refusal
            return Consumer(name: recorded.consumer, checkpoint: checkpoint, refusal: refusal)
        }
        guard !known.isEmpty else { throw AcceptanceError.noConsumers(consumers) }
        let chosen = start ?? .after(0)
        switch chosen {
        case .after(let position):
            guard (0...snapshot.lastDrawn).contains(position) else {
                throw AcceptanceError.notDrawn(position, lastDrawn: snapshot.lastDrawn)
            }
        case .checkpoints:
            if let ahead = known.first(where: { $0.checkpoint > snapshot.lastDrawn }) {
                throw AcceptanceError.checkpointAhead(ahead.name, ahead.checkpoint, lastDrawn: snapshot.lastDrawn)
            }
        }
        let pruned = try await PruningsTable(tables).read(on: connection)
        let missed = try await MissedRows.read(tables, pruned, on: connection).missed
        let isOtherLog =
            snapshot.lastDrawn < pruned?.through ?? 0
            || recorded.contains { $0.identity.map { !identity.isSameLog(as: $0) } ?? false }
        return Plan(
            consumers: known.sorted { $0.name < $1.name }.map {
                var consumer = $0
                consumer.missed = missed[consumer.name]
                return consumer
            }, lastDrawn: snapshot.lastDrawn, start: chosen,
            pruned: isOtherLog ? nil : pruned,
            hasChanged: isOtherLog || recorded.contains { $0.identity.map { $0 != identity } ?? false },
            isOtherLog: isOtherLog, identity: identity)
    }

    /// Carries the plan out, and audits it in the same transaction.
    ///
    /// - Parameter channel: where relays listen; else they notice within seconds.
    package func accept(_ plan: Plan, by actor: String, channel: String?, on connection: Connection) async throws {
        let names = plan.consumers.map(\.name)
        let position: Int64?
        let details: String
        switch plan.start {
        case .after(let start):
            position = start
            details = "from position \(start)"
        case .checkpoints:
            position = nil
            details = "from the checkpoints"
        }
        try await connection.withTransaction { transaction in
            // Nothing is removed between this and what it needs from now on.
            try await transaction.query(RetentionLock(tables).share)
            if let position { try await transaction.query(PruningsTable(tables).setBack(to: position)) }
            if plan.isOtherLog { _ = try await transaction.pipeline(PruningsTable(tables).forget()) }
            let former = FormerLogTable(tables)
            // Asked first: the role of a relay may not remove them, and needs no right to where there are none.
            let counts = try await transaction.query(former.counts(names)).first
            let (letters, exchanges): (Int64, Int64) = (try counts?.decode(0) ?? 0, try counts?.decode(1) ?? 0)
            if plan.hasChanged, letters > 0 { try await transaction.query(former.forgetLetters(names)) }
            if position != nil, exchanges > 0 { try await transaction.query(former.forgetExchanges(names)) }
            try await transaction.query(SegmentsTable(tables).restart(names, from: position))
            let registrations = RegistrationsTable(tables)
            try await transaction.query(registrations.accept(names, isKept: !plan.isOtherLog))
            if let position { _ = try await transaction.pipeline(ScopesTable(tables).restart(names, from: position)) }
            try await transaction.query(SegmentOwnersTable(tables).restart(names))
            try await transaction.query(IdentitiesTable(tables).record(plan.identity, for: names))
            for consumer in plan.consumers {
                let entry = AuditEntry(
                    actor: actor, action: "accept-source", subject: "consumer \(consumer.name)",
                    details: "\(details), was at \(consumer.checkpoint)"
                        + (consumer.missed.map { "; goes on without \($0)" } ?? ""))
                try await transaction.query(AuditLog(tables).record(entry))
            }
            if let channel { try await transaction.query(ControlsTable(tables).tell(channel)) }
        }
    }
}

/// Why a source cannot be accepted like that.
package enum AcceptanceError: Error, Sendable, Hashable, CustomStringConvertible {
    /// None of the consumers was ever started.
    case noConsumers([String])
    /// The sequence has not drawn the position.
    case notDrawn(Int64, lastDrawn: Int64)
    /// A consumer's checkpoint lies beyond the log.
    case checkpointAhead(String, Int64, lastDrawn: Int64)

    package var description: String {
        switch self {
        case .noConsumers(let names):
            "none of these consumers was ever started: \(names.joined(separator: ", ")); there is nothing to accept"
        case .notDrawn(let position, let lastDrawn):
            "--from \(position): the sequence has drawn positions up to \(lastDrawn); give one from 0 to that"
        case .checkpointAhead(let consumer, let checkpoint, let lastDrawn):
            "consumer \(consumer) is at position \(checkpoint), beyond the last that the sequence has drawn, \(lastDrawn): its "
                + "checkpoints mean nothing in this log; give --from POSITION"
        }
    }
}
