import CLibPQ
import Logging

/// Passes the server's notices to the logger.
final class NoticeReceiver: Sendable {
    private let logger: Logger

    init(logger: Logger) {
        self.logger = logger
    }

    /// Called by libpq, on the connection's thread, with a result that libpq keeps.
    func receive(_ result: OpaquePointer) {
        let severity = unsafe field(result, UInt8(ascii: "V")) ?? "NOTICE"
        let message = unsafe field(result, UInt8(ascii: "M")) ?? ""
        let level: Logger.Level = severity == "WARNING" ? .warning : .debug
        logger.log(level: level, "PostgreSQL: \(message.filter { !$0.isNewline })")
    }

    private func field(_ result: OpaquePointer, _ code: UInt8) -> String? {
        unsafe PQresultErrorField(result, Int32(code)).map { unsafe String(cString: $0) }
    }
}
