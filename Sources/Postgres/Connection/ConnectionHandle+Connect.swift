import CLibPQ
import Glibc

extension ConnectionHandle {
    /// Connects, within the configuration's time, and applies the session's settings. Blocks.
    static func connect(
        _ configuration: ConnectionConfiguration, notices: NoticeReceiver, watch: StatementWatch
    ) throws(PostgresError) -> ConnectionHandle {
        let keywords = configuration.effectiveKeywords
        guard let raw = unsafe startConnecting(keywords) else {
            throw PostgresError(.connectionFailed, "libpq is out of memory")
        }
        let handle = unsafe ConnectionHandle(taking: raw, notices: notices, watch: watch)
        // libpq gives no SQLSTATE for a refused connection but in verbose messages.
        unsafe PQsetErrorVerbosity(raw, PQERRORS_VERBOSE)
        try handle.finishConnecting(configuration)
        unsafe PQsetErrorVerbosity(raw, PQERRORS_DEFAULT)
        // Every wait is one of its own, with a bound.
        unsafe PQsetnonblocking(raw, 1)
        handle.silenceLimit = configuration.connectTimeout
        try handle.applySessionSettings(configuration)
        handle.silenceLimit = configuration.silenceLimit
        return handle
    }

    private static func startConnecting(_ keywords: [(keyword: String, value: String)]) -> OpaquePointer? {
        let keys = unsafe keywords.map { unsafe strdup($0.keyword) }
        let values = unsafe keywords.map { unsafe strdup($0.value) }
        defer {
            unsafe (keys + values).forEach { unsafe free($0) }
        }
        let keyPointers = unsafe keys.map { unsafe UnsafePointer<CChar>($0) } + [nil]
        let valuePointers = unsafe values.map { unsafe UnsafePointer<CChar>($0) } + [nil]
        return unsafe PQconnectStartParams(keyPointers, valuePointers, 0)
    }

    private func finishConnecting(_ configuration: ConnectionConfiguration) throws(PostgresError) {
        let deadline = ContinuousClock.now.advanced(by: configuration.connectTimeout)
        var state = PGRES_POLLING_WRITING
        while state != PGRES_POLLING_OK {
            if state == PGRES_POLLING_FAILED || socket < 0 { throw connectionFailure(configuration) }
            let events = state == PGRES_POLLING_READING ? Int16(POLLIN) : Int16(POLLOUT)
            switch wait(for: events, until: deadline) {
            case .ready: break
            case .woken: throw PostgresError(.cancelled, "connecting was cancelled")
            case .timedOut:
                throw PostgresError(
                    .connectionFailed,
                    "no answer from \(configuration.redactedDescription) within \(configuration.connectTimeout)")
            }
            state = unsafe PQconnectPoll(raw)
        }
    }

    private func connectionFailure(_ configuration: ConnectionConfiguration) -> PostgresError {
        let text = unsafe String(cString: PQerrorMessage(raw))
        let place = configuration.redactedDescription
        let state = Self.sqlState(inVerbose: text)
        if let state, state.isAuthentication {
            return PostgresError(
                .authentication, "\(place): \(Self.reason(inVerbose: text, after: state))", sqlState: state)
        }
        // A missing or unusable password, certificate or encryption is libpq's own refusal, without SQLSTATE.
        let isRefusal =
            ["no password supplied", "certificate", "SSL", "channel binding", "authentication"]
            .contains { text.contains($0) }
            // A server that goes away in the middle of the handshake comes back.
            && !["SSL SYSCALL error", "closed unexpectedly", "unexpected eof"].contains { text.contains($0) }
        let reason = state.map { Self.reason(inVerbose: text, after: $0) } ?? Self.lastReason(text)
        return PostgresError(
            state == nil && isRefusal ? .authentication : .connectionFailed, "\(place): \(reason)", sqlState: state)
    }

    /// Finds `: 28P01: ` in a verbose message, whatever the language of the words around it.
    static func sqlState(inVerbose text: String) -> SQLState? {
        for part in text.split(separator: ":", omittingEmptySubsequences: false) {
            let word = part.drop { $0 == " " }
            let isCode =
                word.utf8.count == 5 && word.utf8.allSatisfy { (48...57).contains($0) || (65...90).contains($0) }
            // FATAL and ERROR are words of five capitals too; every code holds a digit.
            if isCode, word.utf8.contains(where: { (48...57).contains($0) }) { return SQLState(rawValue: String(word)) }
        }
        return nil
    }

    /// The server's sentence, which follows the code; it names user and database, never a password.
    private static func reason(inVerbose text: String, after state: SQLState) -> String {
        guard let range = text.firstRange(of: "\(state.rawValue):") else { return lastReason(text) }
        return String(text[range.upperBound...].drop { $0 == " " }.prefix { $0 != "\n" })
    }

    /// libpq's sentence about the last address it tried.
    private static func lastReason(_ text: String) -> String {
        let lines = text.split(separator: "\n")
        let line = lines.last { $0.contains("failed:") } ?? lines.first
        guard let line else { return "the connection failed" }
        guard let range = line.firstRange(of: "failed:") else { return String(line) }
        return String(line[range.upperBound...].drop { $0 == " " })
    }

    private func applySessionSettings(_ configuration: ConnectionConfiguration) throws(PostgresError) {
        var settings = configuration.sessionSettings
        // The server would check the text of such a database against UTF-8, and refuse to send any row of a read in which
        // one byte is not. Text is sent to it as UTF-8 all the same; what comes is checked by its reader.
        isTextUnchecked = hasNoEncoding
        if isTextUnchecked { settings.append(("client_encoding", "SQL_ASCII")) }
        let calls = settings.indices.map { "pg_catalog.set_config($\($0 * 2 + 1), $\($0 * 2 + 2), false)" }
        let statement = Statement("SELECT \(calls.joined(separator: ", "))")
        let values = settings.flatMap { [$0.name, $0.value] }
        do {
            _ = try executeUnprepared(BoundStatement(statement, values))
        } catch {
            // The server may go away right after it let us in; that is one more failure to connect.
            throw error.isConnectionFailure
                ? PostgresError(.connectionFailed, error.message, sqlState: error.sqlState) : error
        }
    }
}
