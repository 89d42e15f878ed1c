import CLibPQ

/// A `PGconn` and the one place that calls libpq on it.
///
/// `@unchecked Sendable`: libpq allows one thread at a time on a connection. The handle is made on the connection's
/// thread and handed to the actor on the same thread, which alone uses it; nothing else holds it.
@safe final class ConnectionHandle: @unchecked Sendable {
    let raw: OpaquePointer
    private let notices: NoticeReceiver
    let watch: StatementWatch
    /// How long the server may say nothing while it is asked something; `nil` for ever.
    var silenceLimit: Duration?
    /// The server fell silent, and nothing more is asked of it.
    var isGivenUp: Bool { endedBecause != nil }
    var endedBecause: PostgresError?
    /// Whether text comes as it is stored, because the database does not know its encoding.
    var isTextUnchecked = false

    /// Takes ownership of the connection.
    init(taking raw: OpaquePointer, notices: NoticeReceiver, watch: StatementWatch) {
        unsafe self.raw = unsafe raw
        self.notices = notices
        self.watch = watch
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

    var isBroken: Bool { unsafe isGivenUp || PQstatus(raw) != CONNECTION_OK }

    /// The server's process for this connection.
    var backendPID: Int32 { unsafe PQbackendPID(raw) }

    /// The server's version, for example 150018 for 15.18.
    var serverVersion: Int32 { unsafe PQserverVersion(raw) }

    /// Whether the database's encoding is `SQL_ASCII`: it stores any bytes as text.
    var hasNoEncoding: Bool {
        unsafe PQparameterStatus(raw, "server_encoding").map { unsafe String(cString: $0) } == "SQL_ASCII"
    }

    var transactionStatus: PGTransactionStatusType { unsafe PQtransactionStatus(raw) }

    func makeCancelRequest() -> CancelRequest? {
        unsafe PQgetCancel(raw).map { unsafe CancelRequest(taking: $0) }
    }

    // MARK: Statements

    /// Runs several statements without parameters, given as one text, in the server's simple protocol: they form one
    /// transaction unless the text says otherwise.
    func executeScript(_ sql: String) throws(PostgresError) {
        guard unsafe PQsendQuery(raw, sql) == 1 else { throw lost(nil) }
        _ = try unsafe check(lastResult(), statement: nil)
    }

    /// Reads all results of what was sent, and gives the last one, as `PQexec` does.
    func lastResult() throws(PostgresError) -> OpaquePointer? {
        var last: OpaquePointer?
        do throws(PostgresError) {
            while let result = unsafe try nextResult() {
                unsafe PQclear(last)
                unsafe last = unsafe result
                try unsafe refuseCopy(result)
                if isBroken { break }
            }
        } catch {
            unsafe PQclear(last)
            throw error
        }
        return unsafe last
    }

    /// A COPY that streams would go on for ever: nobody here takes or gives its data.
    func refuseCopy(_ result: OpaquePointer) throws(PostgresError) {
        guard unsafe [PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH].contains(PQresultStatus(result)) else { return }
        _ = giveUp("COPY from and to the client is not supported")
        throw PostgresError(.misuse, "COPY from and to the client is not supported; the connection is closed")
    }

    /// What was to be sent could not be.
    func lost(_ bound: BoundStatement?) -> PostgresError {
        PostgresError(.connectionLost, "the connection broke: \(errorText)", statement: bound?.statement.name)
    }

    /// Takes ownership of the result; throws if it is a failure.
    func check(_ result: OpaquePointer?, statement: String?) throws(PostgresError) -> ResultSet {
        guard let result = unsafe result else {
            throw PostgresError(.connectionLost, "the connection broke: \(errorText)", statement: statement)
        }
        let status = unsafe PQresultStatus(result)
        switch status {
        case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY, PGRES_SINGLE_TUPLE, PGRES_PIPELINE_SYNC:
            return unsafe ResultSet(taking: result, statement: statement, isTextUnchecked: isTextUnchecked)
        default:
            defer { unsafe PQclear(result) }
            throw unsafe failure(of: result, statement: statement)
        }
    }

    /// The server's refusal as an error, without detail and whatever else may hold data.
    private func failure(of result: OpaquePointer, statement: String?) -> PostgresError {
        let state = unsafe sqlState(of: result)
        // The server ends the session with it, also if the end has not been read yet.
        let isFatal = unsafe ["FATAL", "PANIC"].contains(field(result, UInt8(ascii: "V")))
        if state == nil { readToEnd() }
        let primary = unsafe field(result, UInt8(ascii: "M")) ?? errorText
        let object = unsafe field(result, UInt8(ascii: "n")) ?? field(result, UInt8(ascii: "t"))
        return unsafe PostgresError(
            isBroken || isFatal ? .connectionLost : .statement,
            state?.quotesData == true ? withoutQuotes(primary) : primary.replacing("\n", with: " "),
            sqlState: state, statement: statement, object: object,
            hint: state?.quotesData == true ? nil : field(result, UInt8(ascii: "H")))
    }

    /// Reads what came in, and with it that no more will come.
    ///
    /// Where a write fails because the server has gone, libpq reports that while the connection still counts as good: what
    /// the server said before is not read yet, and the end behind it not seen.
    func readToEnd() {
        for _ in 0..<16 where !isBroken { _ = unsafe PQconsumeInput(raw) }
    }

    func sqlState(of result: OpaquePointer) -> SQLState? {
        unsafe field(result, UInt8(ascii: "C")).map(SQLState.init(rawValue:))
    }

    func field(_ result: OpaquePointer, _ code: UInt8) -> String? {
        unsafe PQresultErrorField(result, Int32(code)).map { unsafe String(cString: $0) }
    }
}
