package import Postgres

/// Performs an ``AdoptionPlan``. Each step can be done again, so that what was interrupted goes on with the next attempt.
package struct Adoption: Sendable {
    private let connection: Connection
    private let pause: Duration

    /// - Parameter pause: between two batches of old rows, to let others work.
    package init(_ connection: Connection, pause: Duration = .milliseconds(5)) {
        self.connection = connection
        self.pause = pause
    }

    /// Keeps others from adopting a table until the session ends, before it is surveyed: what two plan, one cannot carry out.
    ///
    /// - Returns: whether no other session is at it.
    package func claim(_ table: TableName) async throws(PostgresError) -> Bool {
        let oid = "coalesce(to_regclass(\(quoteLiteral(table.sql)))::oid::text, '')"
        let sql = "SELECT pg_try_advisory_lock(hashtextextended('godwit adopt ' || \(oid), 0))"
        return try await connection.query(Statement(sql)).first?.decode(0) ?? false
    }

    /// - Parameter report: is told of each step before it begins, and how many old rows were numbered meanwhile.
    package func apply(
        _ plan: AdoptionPlan, report: (AdoptionPlan.Step, _ numbered: Int64?) -> Void
    ) async throws(EventStoreError) {
        do {
            // Indexes and sorts take their time; locks are waited for in short attempts.
            try await connection.execute(script: "SET statement_timeout = 0; SET lock_timeout = 0; SET jit = off")
        } catch {
            throw EventStoreError(error)
        }
        for step in plan.steps {
            report(step, nil)
            switch step.work {
            case .shortLock(let statements):
                try await ShortLocks.withRetries(on: connection) { transaction throws(PostgresError) in
                    for statement in statements { try await transaction.execute(script: statement) }
                }
            case .beside(let statements):
                do {
                    for statement in statements { try await connection.execute(script: statement) }
                } catch {
                    throw EventStoreError(error)
                }
            case .number(let numbering):
                do {
                    try await number(numbering) { report(step, $0) }
                } catch {
                    throw EventStoreError(error)
                }
            }
        }
    }

    private func number(_ numbering: Numbering, _ report: (Int64) -> Void) async throws {
        try await checkRoom(numbering)
        var total: Int64 = 0
        let update = Statement(numbering.update(after: "$1", through: "$2"))
        while try await isTrue(numbering.isOpen) {
            try await order(numbering)
            let ends =
                "SELECT coalesce(min(godwit_number), 1), coalesce(max(godwit_number), 0) FROM \(numbering.work.sql)"
            guard let row = try await connection.query(Statement(ends)).first else { return }
            var position = try row.decode(0, as: Int64.self) - 1
            let last: Int64 = try row.decode(1)
            var isAnyNumbered = false
            while position < last {
                let end = min(position + Numbering.batch, last)
                let count: Int64 =
                    try await connection.query(BoundStatement(update, [position, end])).first?.decode(0) ?? 0
                isAnyNumbered = isAnyNumbered || count > 0
                total += count
                position = end
                report(total)
                try await Task.sleep(for: pause)
            }
            guard !isAnyNumbered else { continue }
            // The rest is locked by others, or came without a position.
            try await connection.execute(script: numbering.addition)
            try await Task.sleep(for: .milliseconds(200))
        }
        try await connection.execute(script: numbering.removal)
    }

    /// Old rows are numbered below what INSERTs draw, and before any consumer has begun: elsewhere they would get positions that
    /// others have, or that consumers have passed.
    private func checkRoom(_ numbering: Numbering) async throws {
        guard try await isTrue(numbering.isOpen),
            let row = try await connection.query(Statement(numbering.room)).first
        else { return }
        let (first, below, open): (Int64, Int64, Int64) = (try row.decode(0), try row.decode(1), try row.decode(2))
        let (highest, drawn): (Int64, Int64) = (try row.decode(3), try row.decode(4))
        let (table, column) = (numbering.table.text, quoteIdentifier(numbering.column))
        let remedy =
            "give each a position of its own, as an INSERT draws it: UPDATE \(numbering.table.sql) SET \(column) = "
            + "nextval(pg_get_serial_sequence(\(quoteLiteral(numbering.table.sql)), \(quoteLiteral(numbering.column)))) "
            + "WHERE \(column) IS NULL"
        if highest > max(drawn, first) {
            throw PostgresError(
                .invalidConfiguration,
                "\(table) has the position \(highest), and its sequence will give it again, as it is at \(drawn): set it first, by "
                    + "SELECT setval(pg_get_serial_sequence(\(quoteLiteral(numbering.table.sql)), "
                    + "\(quoteLiteral(numbering.column))), \(highest))")
        }
        if try await isTrue(numbering.hasIdentities), try await isTrue(numbering.isConsumed) {
            throw PostgresError(
                .invalidConfiguration,
                "\(table) has \(open) rows without a position, and consumers have begun with it, so that rows below their checkpoints would "
                    + "never be delivered: \(remedy)")
        }
        guard below + open < first else {
            throw PostgresError(
                .invalidConfiguration,
                "\(table) has \(open) rows without a position, and there is no room for them below \(first), the first that INSERTs "
                    + "draw: \(remedy)")
        }
    }

    /// Finds the order, unless an earlier attempt has left it.
    private func order(_ numbering: Numbering) async throws {
        let exists = "SELECT to_regclass(\(quoteLiteral(numbering.work.sql))) IS NOT NULL"
        if try await isTrue(exists) { return }
        let schema = quoteIdentifier(numbering.work.schema)
        if try await !isTrue("SELECT to_regnamespace(\(quoteLiteral(schema))) IS NOT NULL") {
            try await connection.execute(script: "CREATE SCHEMA \(schema)")
        }
        try await connection.withTransaction { transaction in
            try await transaction.execute(script: numbering.ordering)
            try await transaction.execute(script: numbering.index)
            try await transaction.execute(script: "ANALYZE \(numbering.work.sql)")
        }
    }

    private func isTrue(_ sql: String) async throws -> Bool {
        try await connection.query(Statement(sql)).first?.decode(0) ?? false
    }
}
