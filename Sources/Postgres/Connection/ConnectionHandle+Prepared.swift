import CLibPQ

extension ConnectionHandle {
    /// Runs the statement, prepared if it has a label; one round trip.
    ///
    /// What the server no longer has, or cannot run any more as it was prepared, is prepared anew and run once more,
    /// unless a transaction block is open: that has failed then, and only the next one works.
    func execute(_ bound: BoundStatement, statements: inout StatementCache) throws(PostgresError) -> ResultSet {
        guard let label = bound.statement.name else { return try executeUnprepared(bound) }
        // One that is to be prepared first is a pipeline of two steps, in one round trip too.
        guard let name = statements.preparedName(of: bound.key) else {
            return try runOne(bound, statements: &statements)
        }
        let sent = unsafe bound.parameters.withUnsafeArrays { types, values, lengths, formats in
            unsafe PQsendQueryPrepared(raw, name, Int32(bound.parameters.count), values, lengths, formats, 1)
        }
        guard sent == 1 else { throw lost(bound) }
        let result = unsafe try lastResult()
        let isStale = unsafe isStale(result)
        do throws(PostgresError) {
            return try unsafe check(result, statement: label)
        } catch {
            guard isStale else { throw error }
            statements.giveUp(name)
            guard transactionStatus == PQTRANS_IDLE else { throw error }
            try checkCancellation()
        }
        return try runOne(bound, statements: &statements)
    }

    private func runOne(_ bound: BoundStatement, statements: inout StatementCache) throws(PostgresError) -> ResultSet {
        try pipeline([bound], statements: &statements)[0]
    }

    /// Runs the statement with its text.
    func executeUnprepared(_ bound: BoundStatement) throws(PostgresError) -> ResultSet {
        let sent = unsafe bound.parameters.withUnsafeArrays { types, values, lengths, formats in
            unsafe PQsendQueryParams(
                raw, bound.statement.sql, Int32(bound.parameters.count), types, values, lengths, formats, 1)
        }
        guard sent == 1 else { throw lost(bound) }
        return try unsafe check(lastResult(), statement: bound.statement.name)
    }

    /// Whether the server refused to run a prepared statement for a reason that a new preparation cures.
    ///
    /// 26000: it does not know the name, since the session was reset. 0A000 out of the plan cache: a table was altered, so
    /// that the columns are others than those announced.
    func isStale(_ result: OpaquePointer?) -> Bool {
        guard let result = unsafe result else { return false }
        switch unsafe sqlState(of: result) {
        case .invalidSQLStatementName: return true
        // 0A000 is also what any unsupported feature gives. The message is translated; the name of the function that
        // raised it is not, and JDBC's driver goes by it too.
        case .featureNotSupported: return unsafe field(result, UInt8(ascii: "R")) == "RevalidateCachedQuery"
        default: return false
        }
    }

    /// Whether the server refused to prepare a statement for a reason that another name cures.
    func isNameTaken(_ result: OpaquePointer) -> Bool {
        unsafe sqlState(of: result) == .duplicatePreparedStatement
    }
}

extension BoundStatement {
    var key: StatementCache.Key { StatementCache.Key(sql: statement.sql, types: parameters.types) }
}
