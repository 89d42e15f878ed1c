package import Consumers
package import EventSourcing
package import Postgres

/// Forgets a consumer for good: everything that is recorded of it goes, in one transaction, and nothing waits for it any more.
package struct Retirement: Sendable {
    /// What is recorded of a consumer.
    package struct Plan: Sendable, Equatable {
        package let consumer: String
        /// The checkpoints of its segments, by segment.
        package internal(set) var checkpoints: [Int: Int64] = [:]
        package internal(set) var isRegistered = false
        /// Workers that serve it now.
        package internal(set) var liveWorkers: [String] = []
        /// How many events of it are parked or halt a segment: nobody will deliver them.
        package internal(set) var openLetters = 0
        /// How many rows of events that were decided about.
        package internal(set) var decidedLetters = 0
        /// Jobs that have not ended.
        package internal(set) var openJobs: [String] = []
        package internal(set) var hasAudit = false
        /// Segments that were delivered exactly once.
        package internal(set) var transactionalSegments = 0
        /// Other rows that go: of controls, identities, scopes, workers that are gone, exchanges.
        package internal(set) var otherRows = 0

        package var isKnown: Bool {
            !checkpoints.isEmpty || isRegistered || openLetters + decidedLetters + otherRows > 0 || hasAudit
        }
    }

    private let tables: TableNames
    private let staleThreshold: Duration
    private let table: RetirementTable

    /// - Parameter staleThreshold: for workers that do not say themselves after how long they are dead.
    package init(_ tables: TableNames, staleThreshold: Duration = .seconds(30)) {
        self.tables = tables
        self.staleThreshold = staleThreshold
        table = RetirementTable(tables)
    }

    /// Looks at what is recorded.
    package func plan(
        _ consumer: String, on session: some PostgresSession
    ) async throws(PostgresError) -> Plan {
        var plan = Plan(consumer: consumer)
        for row in try await session.query(SegmentsTable(tables).checkpoints(consumer)) {
            plan.checkpoints[try row.decode(0)] = try row.decode(1)
        }
        var options = WorkerOptions()
        options.staleThreshold = staleThreshold
        plan.liveWorkers = try await LiveWorkers(tables, options: options).of(consumer, on: session)
        for row in try await session.query(JobsTable(tables).open(of: consumer)) {
            plan.openJobs.append(try row.decode(0))
        }
        guard let row = try await session.query(table.counts(consumer)).first else { return plan }
        plan.isRegistered = try row.decode(0)
        plan.openLetters = try row.decode(1)
        plan.decidedLetters = try row.decode(2)
        plan.hasAudit = try row.decode(3)
        plan.transactionalSegments = try row.decode(4)
        plan.otherRows = try row.decode(5)
        return plan
    }

    /// Removes everything, and audits it in the same transaction.
    ///
    /// - Returns: what went.
    /// - Throws: ``RetirementError``.
    package func carryOut(
        _ consumer: String, discardingParked: Bool, by actor: String, on connection: Connection
    ) async throws -> Plan {
        try await connection.withTransaction { transaction in
            try await transaction.query(RetentionLock(tables).share)
            // Nobody claims a segment of it meanwhile.
            try await transaction.query(table.lockSegments(consumer))
            let plan = try await plan(consumer, on: transaction)
            guard plan.isKnown else { throw RetirementError.unknown(consumer) }
            if let error = RetirementError(plan, discardingParked: discardingParked) { throw error }
            try await transaction.query(DeadLettersTable(tables).forget(consumer))
            try await transaction.query(AuditsTable(tables).end(consumer))
            for statement in table.removals(consumer) { try await transaction.query(statement) }
            // Without any consumer nothing is delivered; one that begins later begins with the time too.
            if try await transaction.query(RetentionConsumers(tables).all).isEmpty {
                try await transaction.query(PruningsTable(tables).setBack(to: 0))
            }
            let entry = AuditEntry(
                actor: actor, action: "retire", subject: "consumer \(consumer)", details: plan.summary)
            try await transaction.query(AuditLog(tables).record(entry))
            return plan
        }
    }
}

extension Retirement.Plan {
    /// One line, for the audit log.
    var summary: String {
        var parts: [String] = []
        if let low = checkpoints.values.min(), let high = checkpoints.values.max() {
            parts.append("\(checkpoints.count) segments at positions \(low) to \(high)")
        } else {
            parts.append("never started")
        }
        if openLetters > 0 { parts.append("\(openLetters) parked events discarded") }
        if decidedLetters > 0 { parts.append("\(decidedLetters) decided events") }
        if hasAudit { parts.append("its audit") }
        if transactionalSegments > 0 { parts.append("\(transactionalSegments) segments of exactly-once delivery") }
        return parts.joined(separator: ", ")
    }
}

/// Why a consumer cannot be retired.
package enum RetirementError: Error, Sendable, Equatable, CustomStringConvertible {
    case unknown(String)
    case served(String, workers: [String])
    case jobs(String, names: [String])
    case parked(String, count: Int)

    /// What keeps it; `nil` if nothing does.
    package init?(_ plan: Retirement.Plan, discardingParked: Bool) {
        if !plan.liveWorkers.isEmpty {
            self = .served(plan.consumer, workers: plan.liveWorkers)
        } else if !plan.openJobs.isEmpty {
            self = .jobs(plan.consumer, names: plan.openJobs)
        } else if plan.openLetters > 0, !discardingParked {
            self = .parked(plan.consumer, count: plan.openLetters)
        } else {
            return nil
        }
    }

    package var description: String {
        switch self {
        case .unknown(let consumer): "nothing is recorded of a consumer \(consumer)"
        case .served(let consumer, let workers):
            "consumer \(consumer) is served by \(workers.joined(separator: ", ")): remove it from the configuration there and "
                + "restart, or stop the process; one that was killed counts for some seconds yet"
        case .jobs(let consumer, let names):
            "jobs publish events of consumer \(consumer) and have not ended: \(names.joined(separator: ", ")); run them to their "
                + "end, or `godwit republish --cancel \(names.first ?? "")`"
        case .parked(let consumer, let count):
            "\(count) \(count == 1 ? "event" : "events") of consumer \(consumer) \(count == 1 ? "waits" : "wait") undelivered "
                + "(`godwit parked list --consumer \(consumer)`), and nobody would deliver them any more: decide about them, or add "
                + "--discard-parked"
        }
    }
}
