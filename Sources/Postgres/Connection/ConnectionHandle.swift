import CLibPQ

/// A `PGconn` and the one place that calls libpq on it.
///
/// `@unchecked Sendable`: libpq allows one thread at a time on a connection. The handle is made on the connection's
/// thread and handed to the actor on the same thread, which alone uses it; nothing else holds it.
@safe final class ConnectionHandle: @unchecked Sendable {
    let raw: OpaquePointer
    private let notices: NoticeReceiver

    /// Takes ownership of the connection.
    init(taking raw: OpaquePointer, notices: NoticeReceiver) {
        unsafe self.raw = unsafe raw
        self.notices = notices
        let context = unsafe Unmanaged.passUnretained(notices).toOpaque()
        // The receiver lives as long as this handle, which ends the connection before it lets go of it.
        unsafe PQsetNoticeReceiver(
            raw,
            { context, result in
                guard let context = unsafe context, let result = unsafe result else { return }
                unsafe Unmanaged<NoticeReceiver>.fromOpaque(context).takeUnretainedValue().receive(result)
            }, context)
    }

    deinit {
        unsafe PQfinish(raw)
    }

    var socket: Int32 { unsafe PQsocket(raw) }

    /// libpq's words about the last failure, without what they quote.
    var errorText: String {
        withoutQuotes(unsafe String(cString: PQerrorMessage(raw)))
    }

    var isBroken: Bool { unsafe PQstatus(raw) != CONNECTION_OK }

    /// The server's process for this connection.
    var backendPID: Int32 { unsafe PQbackendPID(raw) }

    /// The server's version, for example 150018 for 15.18.
    var serverVersion: Int32 { unsafe PQserverVersion(raw) }

    var transactionStatus: PGTransactionStatusType { unsafe PQtransactionStatus(raw) }

    func makeCancelRequest() -> CancelRequest? {
        unsafe PQgetCancel(raw).map { unsafe CancelRequest(taking: $0) }
    }

    // MARK: Statements

    /// Prepares, sends, and waits for the answer. One round trip for a statement that is prepared already.
    func execute(_ bound: BoundStatement, prepared: inout Set<String>) throws(PostgresError) -> ResultSet {
        if let name = bound.statement.name, !prepared.contains(name) {
            try prepare(bound)
            prepared.insert(name)
        }
        let result = unsafe bound.parameters.withUnsafeArrays { types, values, lengths, formats in
            if let name = bound.statement.name {
                unsafe PQexecPrepared(raw, name, Int32(bound.parameters.count), values, lengths, formats, 1)
            } else {
                unsafe PQexecParams(
                    raw, bound.statement.sql, Int32(bound.parameters.count), types, values, lengths, formats, 1)
            }
        }
        return try unsafe check(result, statement: bound.statement.name)
    }

    private func prepare(_ bound: BoundStatement) throws(PostgresError) {
        let name = bound.statement.name ?? ""
        let result = unsafe bound.parameters.types.withUnsafeBufferPointer { types in
            unsafe PQprepare(raw, name, bound.statement.sql, Int32(types.count), types.baseAddress)
        }
        _ = try unsafe check(result, statement: bound.statement.name)
    }

    /// Runs several statements without parameters, given as one text, in the server's simple protocol: they form one
    /// transaction unless the text says otherwise.
    func executeScript(_ sql: String) throws(PostgresError) {
        _ = try unsafe check(PQexec(raw, sql), statement: nil)
    }

    /// Takes ownership of the result; throws if it is a failure.
    func check(_ result: OpaquePointer?, statement: String?) throws(PostgresError) -> ResultSet {
        guard let result = unsafe result else {
            throw PostgresError(.connectionLost, "the connection broke: \(errorText)", statement: statement)
        }
        let status = unsafe PQresultStatus(result)
        switch status {
        case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY, PGRES_SINGLE_TUPLE, PGRES_PIPELINE_SYNC:
            return unsafe ResultSet(taking: result, statement: statement)
        default:
            defer { unsafe PQclear(result) }
            throw unsafe failure(of: result, statement: statement)
        }
    }

    /// The server's refusal as an error, without detail and whatever else may hold data.
    private func failure(of result: OpaquePointer, statement: String?) -> PostgresError {
        let state = unsafe field(result, UInt8(ascii: "C")).map(SQLState.init(rawValue:))
        if state == nil { readToEnd() }
        let primary = unsafe field(result, UInt8(ascii: "M")) ?? errorText
        let object = unsafe field(result, UInt8(ascii: "n")) ?? field(result, UInt8(ascii: "t"))
        return unsafe PostgresError(
            isBroken ? .connectionLost : .statement,
            state?.quotesData == true ? withoutQuotes(primary) : primary.replacing("\n", with: " "),
            sqlState: state, statement: statement, object: object,
            hint: state?.quotesData == true ? nil : field(result, UInt8(ascii: "H")))
    }

    /// Reads what came in, and with it that no more will come.
    ///
    /// Where a write fails because the server has gone, libpq reports that while the connection still counts as good: what
    /// the server said before is not read yet, and the end behind it not seen.
    private func readToEnd() {
        for _ in 0..<16 where !isBroken { _ = unsafe PQconsumeInput(raw) }
    }

    private func field(_ result: OpaquePointer, _ code: UInt8) -> String? {
        unsafe PQresultErrorField(result, Int32(code)).map { unsafe String(cString: $0) }
    }
}
