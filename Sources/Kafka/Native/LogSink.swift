internal import Logging

/// Takes librdkafka's log lines into the process's log.
///
/// librdkafka repeats itself while a broker is away; those lines are for debugging only, the transitions are logged by
/// the client that sees them.
final class LogSink: Sendable {
    let logger: Logger

    init(_ logger: Logger) { self.logger = logger }

    func write(_ level: Int32, _ facility: String, _ line: String) {
        let logLevel: Logger.Level =
            switch facility {
            // A certificate that is not accepted is reported with its reason.
            case "SSLCERTVRFY": .debug
            // Connections that come and go, fatal errors (the producer says those), and remarks on properties that
            // the other kind of client uses.
            case "FATAL", "TXNERR", "FAIL", "ERROR", "CONFWARN", "PARTCNT", "GETSOCKET", "CONNECT": .debug
            default:
                switch level {
                case ...2: .critical
                case 3: .error
                case 4: .warning
                case 5: .notice
                case 6: .info
                default: .debug
                }
            }
        logger.log(level: logLevel, "\(line)", metadata: ["librdkafka": "\(facility)"])
    }
}
