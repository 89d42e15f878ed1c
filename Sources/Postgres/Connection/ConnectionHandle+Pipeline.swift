import CLibPQ
import Glibc

extension ConnectionHandle {
    /// Sends all statements, a sync behind each, then reads all answers.
    ///
    /// A sync after each statement ends its implicit transaction, so that outside of a transaction block each
    /// statement sees what was committed before it. In a failed block the server refuses the later ones by itself.
    func pipeline(
        _ bounds: [BoundStatement], statements: inout StatementCache
    ) throws(PostgresError) -> [ResultSet] {
        var outcomes = try runPipeline(bounds, syncing: .each, statements: &statements)
        let stale = outcomes.indices.filter { outcomes[$0].isStale }
        if !stale.isEmpty, transactionStatus == PQTRANS_IDLE {
            try checkCancellation()
            let again = try runPipeline(stale.map { bounds[$0] }, syncing: .each, statements: &statements)
            for (index, outcome) in zip(stale, again) { outcomes[index] = outcome }
        }
        return try outcomes.results()
    }

    /// Sends all statements with one sync behind the last, then reads all answers.
    func implicitTransaction(
        _ bounds: [BoundStatement], statements: inout StatementCache
    ) throws(PostgresError) -> [ResultSet] {
        var outcomes = try runPipeline(bounds, syncing: .once, statements: &statements)
        // Nothing of the first attempt has committed.
        if outcomes.contains(where: \.isStale), transactionStatus == PQTRANS_IDLE {
            try checkCancellation()
            outcomes = try runPipeline(bounds, syncing: .once, statements: &statements)
        }
        return try outcomes.results()
    }

    /// The request to cancel may have met the first attempt, and would not come a second time.
    func checkCancellation() throws(PostgresError) {
        if Task.isCancelled { throw PostgresError(.cancelled, "the task was cancelled") }
    }
}

/// What became of one statement of a pipeline.
private enum PipelineOutcome {
    case result(ResultSet)
    case failure(PostgresError, isStale: Bool)
    /// It did not run, because an earlier statement of the same transaction failed.
    case skipped

    var isStale: Bool {
        if case .failure(_, true) = self { true } else { false }
    }
}

extension [PipelineOutcome] {
    /// All results, or the first failure.
    fileprivate func results() throws(PostgresError) -> [ResultSet] {
        var results: [ResultSet] = []
        results.reserveCapacity(count)
        for outcome in self {
            switch outcome {
            case .result(let result): results.append(result)
            case .failure(let error, _): throw error
            case .skipped: continue
            }
        }
        guard results.count == count else {
            throw PostgresError(.connectionLost, "the server answered less than it was asked")
        }
        return results
    }
}

/// Where the implicit transactions of a pipeline end.
private enum PipelineSync {
    case each, once
}

// MARK: One round trip

extension ConnectionHandle {
    /// One statement as it was sent.
    private struct Step {
        let bound: BoundStatement
        let use: StatementCache.Use
    }

    /// What a new preparation may cure.
    private enum Request {
        case preparation
        /// Of what was prepared before.
        case execution
    }

    /// Sends the statements and reads their answers; throws only if the connection broke.
    ///
    /// Names that no statement uses any more are closed on the way, each in a transaction of its own, as libpq 15 has no
    /// way to send the protocol's Close. The cache says what the server has when this returns.
    private func runPipeline(
        _ bounds: [BoundStatement], syncing: PipelineSync, statements: inout StatementCache
    ) throws(PostgresError) -> [PipelineOutcome] {
        if bounds.contains(where: { $0.parameters.count > Int(UInt16.max) }) {
            throw PostgresError(.misuse, "a statement has more parameters than the protocol can carry")
        }
        let isIdle = transactionStatus == PQTRANS_IDLE
        guard unsafe PQenterPipelineMode(raw) == 1 else {
            throw PostgresError(.misuse, "cannot enter pipeline mode: \(errorText)")
        }
        defer { leavePipeline() }
        let surplus = isIdle ? statements.takeSurplus() : []
        for name in surplus {
            try send(BoundStatement(Statement("DEALLOCATE \(quoteIdentifier(name))")), as: .unprepared)
            try sendSync()
        }
        var steps: [Step] = []
        steps.reserveCapacity(bounds.count)
        for bound in bounds {
            let use = bound.statement.name.map { statements.use(of: bound.key, label: $0) } ?? .unprepared
            steps.append(Step(bound: bound, use: use))
            if case .prepare(let name) = use { try sendPrepare(bound, name: name) }
            try send(bound, as: use)
            if syncing == .each { try sendSync() }
        }
        if syncing == .once, !bounds.isEmpty { try sendSync() }

        for name in surplus { try receiveClosing(of: name, statements: &statements) }
        var outcomes: [PipelineOutcome] = []
        outcomes.reserveCapacity(bounds.count)
        for step in steps {
            var outcome = try receive(step, statements: &statements)
            if syncing == .each, let error = try receiveSync(), case .result = outcome {
                outcome = .failure(error, isStale: false)
            }
            outcomes.append(outcome)
        }
        if syncing == .once, !bounds.isEmpty, let error = try receiveSync(), case .result = outcomes[bounds.count - 1] {
            outcomes[bounds.count - 1] = .failure(error, isStale: false)
        }
        return outcomes
    }

    /// Leaving fails where answers are still under way, after a failure to send. Nothing more can be asked then, and the
    /// connection is broken off, so that nobody goes on with it.
    private func leavePipeline() {
        guard unsafe PQexitPipelineMode(raw) != 1, !isBroken else { return }
        shutdown(socket, Int32(SHUT_RDWR))
        readToEnd()
    }

    // MARK: Sending

    private func sendPrepare(_ bound: BoundStatement, name: String) throws(PostgresError) {
        let sent = unsafe bound.parameters.types.withUnsafeBufferPointer { types in
            unsafe PQsendPrepare(raw, name, bound.statement.sql, Int32(types.count), types.baseAddress)
        }
        guard sent == 1 else { throw lost(bound) }
    }

    private func send(_ bound: BoundStatement, as use: StatementCache.Use) throws(PostgresError) {
        let sent = unsafe bound.parameters.withUnsafeArrays { types, values, lengths, formats in
            switch use {
            case .prepared(let name), .prepare(let name):
                unsafe PQsendQueryPrepared(raw, name, Int32(bound.parameters.count), values, lengths, formats, 1)
            case .unprepared:
                unsafe PQsendQueryParams(
                    raw, bound.statement.sql, Int32(bound.parameters.count), types, values, lengths, formats, 1)
            }
        }
        guard sent == 1 else { throw lost(bound) }
    }

    private func sendSync() throws(PostgresError) {
        guard unsafe PQpipelineSync(raw) == 1 else { throw lost(nil) }
    }

    // MARK: Receiving

    /// Reads the answers of one statement, its preparation included.
    private func receive(_ step: Step, statements: inout StatementCache) throws(PostgresError) -> PipelineOutcome {
        let label = step.bound.statement.name
        switch step.use {
        case .unprepared: return try receiveAnswer(label)
        case .prepared(let name):
            let outcome = try receiveAnswer(label, to: .execution)
            if outcome.isStale { statements.giveUp(name) }
            return outcome
        case .prepare:
            let preparation = try receiveAnswer(label, to: .preparation)
            if case .result = preparation {
                statements.confirm(step.bound.key)
                return try receiveAnswer(label)
            }
            statements.refuse(step.bound.key)
            // The execution was skipped.
            _ = try receiveAnswer(label)
            return preparation
        }
    }

    /// Reads the answer to a `DEALLOCATE`. A name that the server does not know is as good as closed.
    private func receiveClosing(of name: String, statements: inout StatementCache) throws(PostgresError) {
        let outcome = try receiveAnswer(nil, to: .execution)
        if case .failure(_, isStale: false) = outcome { statements.restore(name) }
        _ = try receiveSync()
    }

    /// Reads one answer and the end mark behind it; throws only if the connection broke.
    private func receiveAnswer(
        _ label: String?, to request: Request? = nil
    ) throws(PostgresError) -> PipelineOutcome {
        guard let result = unsafe try nextResult() else { throw lost(nil) }
        do throws(PostgresError) {
            try unsafe refuseCopy(result)
            // nil ends the answer; anything else would belong to a statement that answers twice, which none does.
            // A broken connection in pipeline mode answers with one error after the other, without end.
            while !isBroken, let extra = unsafe try nextResult() { unsafe PQclear(extra) }
        } catch {
            unsafe PQclear(result)
            throw error
        }
        guard unsafe PQresultStatus(result) != PGRES_PIPELINE_ABORTED else {
            unsafe PQclear(result)
            return .skipped
        }
        let isStale =
            switch request {
            case .preparation: unsafe isNameTaken(result)
            case .execution: unsafe isStale(result)
            case nil: false
            }
        do throws(PostgresError) {
            return .result(try unsafe check(result, statement: label))
        } catch {
            if isBroken || error.code == .connectionLost { throw error }
            return .failure(error, isStale: isStale)
        }
    }

    /// Reads up to the sync, behind which the transaction has ended.
    ///
    /// - Returns: the failure of the implicit commit: a constraint checked at the end, a serialization failure.
    private func receiveSync() throws(PostgresError) -> PostgresError? {
        var failure: PostgresError?
        var isMissing = false
        while true {
            guard let result = unsafe try nextResult() else {
                // One end mark follows a failed commit; a second one would mean that no sync comes.
                if isMissing || isBroken { throw lost(nil) }
                isMissing = true
                continue
            }
            if unsafe PQresultStatus(result) == PGRES_PIPELINE_SYNC {
                unsafe PQclear(result)
                return failure
            }
            isMissing = false
            do throws(PostgresError) {
                _ = try unsafe check(result, statement: nil)
            } catch {
                if isBroken { throw failure ?? error }
                failure = failure ?? error
            }
        }
    }
}
