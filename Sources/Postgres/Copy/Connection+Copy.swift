import CLibPQ

extension Connection {
    /// Reads rows in bulk, in one round trip: first some single rows, then the rows of a query by `COPY` in binary form.
    ///
    /// A `COPY` costs the client less time and memory than a prepared query, and the server one more planning. It takes no
    /// parameters, so that the caller writes values into the text.
    ///
    /// All go to the server as one text and are one implicit transaction. Under READ COMMITTED each has a snapshot of its
    /// own: the query sees what was committed before it, also if that was while an earlier one ran. Locks are held to the
    /// end. The session's statement timeout is for all of them together.
    ///
    /// The rows are held in memory as a whole: the query must bound them. A cancelled task cancels the statement.
    ///
    /// - Parameters:
    ///   - preceding: queries that give one row each.
    ///   - query: the query whose rows are copied.
    ///   - types: the object ids of the types of its columns, see ``describe(_:)``; the stream does not name them.
    /// - Returns: the columns of the preceding rows as PostgreSQL's text form, and the copied rows.
    /// - Throws: `decoding` if a preceding query does not give one row, or the copied rows have another number of columns.
    ///   After any error the connection is as good as before, unless it broke.
    package nonisolated func copyRows(
        preceding: [String], query: String, types: [UInt32]
    ) async throws(PostgresError) -> (texts: [[String?]], cells: ResultCells) {
        try await cancellable(in: nil) { connection, handle throws(PostgresError) in
            try handle.copyRows(preceding: preceding, query: query, types: types)
        }
    }

    /// The object ids of the types of the query's columns; none for a statement that gives no rows.
    ///
    /// The query is not run, but the server must be able to prepare it, without parameters.
    package nonisolated func describe(_ sql: String) async throws(PostgresError) -> [UInt32] {
        try await cancellable(in: nil) { connection, handle throws(PostgresError) in
            try handle.describe(sql)
        }
    }
}

extension ConnectionHandle {
    fileprivate func describe(_ sql: String) throws(PostgresError) -> [UInt32] {
        _ = try unsafe check(PQprepare(raw, "", sql, 0, nil), statement: nil)
        let description = try unsafe check(PQdescribePrepared(raw, ""), statement: nil)
        return (0..<description.columnCount).map { description.type(column: $0) }
    }

    fileprivate func copyRows(
        preceding: [String], query: String, types: [UInt32]
    ) throws(PostgresError) -> (texts: [[String?]], cells: ResultCells) {
        // The line breaks end a comment that a text may end with.
        let text = preceding.map { "\($0)\n;\n" }.joined() + "COPY (\(query)\n) TO STDOUT (FORMAT binary)"
        guard unsafe PQsendQuery(raw, text) == 1 else {
            readToEnd()
            throw PostgresError(.connectionLost, "the connection broke: \(errorText)")
        }
        var arena = CopyArena(columnCount: types.count)
        var texts: [[String?]] = []
        var failure: PostgresError?
        // All answers are read, also after a failure: until the last one the connection takes nothing else.
        while let result = unsafe PQgetResult(raw) {
            do throws(PostgresError) {
                switch unsafe PQresultStatus(result) {
                case PGRES_COPY_OUT:
                    unsafe PQclear(result)
                    try receiveCopy(into: &arena)
                case PGRES_COPY_IN:
                    unsafe PQclear(result)
                    // Otherwise the server would wait for data, and libpq answer the same again and again.
                    _ = unsafe PQputCopyEnd(raw, "no data is to be copied in")
                default:
                    let rows = try unsafe check(result, statement: nil)
                    if rows.columnCount > 0 { texts.append(try singleText(rows)) }
                }
            } catch {
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
        guard texts.count == preceding.count else {
            throw PostgresError(.decoding, "\(preceding.count) queries gave \(texts.count) rows")
        }
        return (texts, try arena.finish(types: types, isTextUnchecked: isTextUnchecked))
    }

    /// The one row of a query that was sent as a text, and whose columns are texts therefore.
    private func singleText(_ rows: ResultSet) throws(PostgresError) -> [String?] {
        guard rows.count == 1 else {
            throw PostgresError(.decoding, "a query gave \(rows.count) rows instead of one")
        }
        return (0..<rows.columnCount).map { column in
            guard !rows.isNull(row: 0, column: column) else { return nil }
            return unsafe rows.bytes(row: 0, column: column).withUnsafeBytes {
                unsafe String(decoding: $0, as: UTF8.self)
            }
        }
    }

    /// Reads the copied rows to their end; what cannot be read is thrown after that.
    private func receiveCopy(into arena: inout CopyArena) throws(PostgresError) {
        var failure: PostgresError?
        var buffer: UnsafeMutablePointer<CChar>? = nil
        // Below zero at the end and after an error, which the next result tells.
        while true {
            let count = unsafe PQgetCopyData(raw, &buffer, 0)
            guard count > 0 else { break }
            // One buffer a row, which libpq has allocated.
            defer { unsafe PQfreemem(buffer) }
            guard failure == nil else { continue }
            do throws(PostgresError) {
                try unsafe arena.append(UnsafeRawBufferPointer(start: buffer, count: Int(count)))
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }
}
