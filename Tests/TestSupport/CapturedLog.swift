package import Logging
import Synchronization

/// What a component logs at `info` and above.
package final class CapturedLog: Sendable {
    private let captured = Mutex<[String]>([])

    package init() {}

    package var lines: [String] { captured.withLock { $0 } }

    package var logger: Logger {
        var logger = Logger(label: "captured") { _ in Handler(log: self) }
        logger.logLevel = .info
        return logger
    }

    private struct Handler: LogHandler {
        let log: CapturedLog
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.info

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            log.captured.withLock { $0.append("\(event.level): \(event.message)") }
        }
    }
}
