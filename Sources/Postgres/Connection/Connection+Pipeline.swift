import CLibPQ

extension Connection {
    /// Runs the statements in one round trip, each in a transaction of its own.
    ///
    /// - Returns: the results in order. The first failure is thrown, after the statements behind it have run too.
    @discardableResult
    public nonisolated func pipeline(_ statements: [BoundStatement]) async throws(PostgresError) -> [ResultSet] {
        try await pipeline(statements, in: nil)
    }

    nonisolated func pipeline(
        _ statements: [BoundStatement], in transaction: UInt64?
    ) async throws(PostgresError) -> [ResultSet] {
        try await cancellable(in: transaction) { connection, handle throws(PostgresError) in
            try handle.pipeline(statements, prepared: &connection.prepared)
        }
    }
}

extension ConnectionHandle {
    /// Sends all statements, a sync behind each, then reads all answers.
    ///
    /// A sync after each statement ends its implicit transaction, so that outside of a transaction block each
    /// statement sees what was committed before it. In a failed block the server refuses the later ones by itself.
    fileprivate func pipeline(
        _ statements: [BoundStatement], prepared: inout Set<String>
    ) throws(PostgresError) -> [ResultSet] {
        guard unsafe PQenterPipelineMode(raw) == 1 else {
            throw PostgresError(.misuse, "cannot enter pipeline mode: \(errorText)")
        }
        // Leaving fails only on a connection that is broken anyhow.
        defer { _ = unsafe PQexitPipelineMode(raw) }
        var preparedHere: [Int: String] = [:]
        for (index, bound) in statements.enumerated() {
            if let name = bound.statement.name, !prepared.contains(name) {
                try sendPrepare(bound)
                preparedHere[index] = name
                prepared.insert(name)
            }
            try send(bound)
        }
        var results: [ResultSet] = []
        var failure: PostgresError?
        for (index, bound) in statements.enumerated() {
            do throws(PostgresError) {
                results.append(try receiveUpToSync(bound, isPrepared: preparedHere[index] == nil))
            } catch {
                if let name = preparedHere[index] { prepared.remove(name) }
                if isBroken { throw failure ?? error }
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
        return results
    }

    private func sendPrepare(_ bound: BoundStatement) throws(PostgresError) {
        let sent = unsafe bound.parameters.types.withUnsafeBufferPointer { types in
            unsafe PQsendPrepare(
                raw, bound.statement.name ?? "", bound.statement.sql, Int32(types.count), types.baseAddress)
        }
        guard sent == 1 else { throw sendFailure(bound) }
    }

    private func send(_ bound: BoundStatement) throws(PostgresError) {
        let sent = unsafe bound.parameters.withUnsafeArrays { types, values, lengths, formats in
            if let name = bound.statement.name {
                unsafe PQsendQueryPrepared(raw, name, Int32(bound.parameters.count), values, lengths, formats, 1)
            } else {
                unsafe PQsendQueryParams(
                    raw, bound.statement.sql, Int32(bound.parameters.count), types, values, lengths, formats, 1)
            }
        }
        guard sent == 1, unsafe PQpipelineSync(raw) == 1 else { throw sendFailure(bound) }
    }

    private func sendFailure(_ bound: BoundStatement) -> PostgresError {
        PostgresError(.connectionLost, "the connection broke: \(errorText)", statement: bound.statement.name)
    }

    /// Reads the answers of one statement, its preparation included, and the sync behind it, also after a failure:
    /// libpq answers `PGRES_PIPELINE_ABORTED` for what a failure skipped.
    private func receiveUpToSync(_ bound: BoundStatement, isPrepared: Bool) throws(PostgresError) -> ResultSet {
        var answer: ResultSet?
        var failure: PostgresError?
        for _ in 0..<(isPrepared ? 1 : 2) {
            do throws(PostgresError) {
                answer = try receiveOne(bound)
            } catch {
                failure = failure ?? error
                if isBroken { throw error }
            }
        }
        let sync = unsafe PQgetResult(raw)
        let isSync = unsafe sync != nil && PQresultStatus(sync) == PGRES_PIPELINE_SYNC
        unsafe PQclear(sync)
        if let failure { throw failure }
        guard isSync, let answer else { throw sendFailure(bound) }
        return answer
    }

    /// Reads one answer and the end mark behind it.
    private func receiveOne(_ bound: BoundStatement) throws(PostgresError) -> ResultSet {
        let result = unsafe PQgetResult(raw)
        defer {
            // nil ends the answer; anything else would belong to a statement that answers twice, which none does.
            // A broken connection in pipeline mode answers with one error after the other, without end.
            while !isBroken, let extra = unsafe PQgetResult(raw) { unsafe PQclear(extra) }
        }
        return try unsafe check(result, statement: bound.statement.name)
    }
}
