package import Logging
import Synchronization

/// What the messages of a task are about.
enum LogContext {
    /// Of several sources the one that the task works for.
    @TaskLocal static var source: String?
}

/// Writes messages to standard error, a line each: readable at a terminal, JSON otherwise.
///
/// swift-log's own handler writes no JSON and leaves control characters as they are.
package struct StandardErrorLog: LogHandler {
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    /// As it was made with, unless another one is ordered for all.
    package var logLevel: Logger.Level {
        get { LogLevelSwitch.level ?? ownLevel }
        set { ownLevel = newValue }
    }
    private var ownLevel: Logger.Level
    private let label: String
    private let isJSON: Bool

    init(label: String, level: Logger.Level, isJSON: Bool, metadataProvider: Logger.MetadataProvider?) {
        self.label = label
        self.ownLevel = level
        self.isJSON = isJSON
        self.metadataProvider = metadataProvider
    }

    /// Whether lines are JSON, once it is bootstrapped.
    package static var writesJSON: Bool { format.withLock { $0 } }
    private static let format = Mutex(false)

    /// Makes all loggers of the process write this way. Call it once, before the first logger is made.
    package static func bootstrap(level: Logger.Level, format: LogSection.Format) {
        StandardStream.survivesClosedReaders()
        let isJSON =
            switch format {
            case .auto: !StandardStream.error.isTerminal
            case .text: false
            case .json: true
            }
        Self.format.withLock { $0 = isJSON }
        LoggingSystem.bootstrap(
            { label, provider in
                StandardErrorLog(label: label, level: level, isJSON: isJSON, metadataProvider: provider)
            }, metadataProvider: nil)
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var all = metadata
        if let provided = metadataProvider?.get() { all.merge(provided) { _, new in new } }
        if let source = LogContext.source { all["source"] = "\(source)" }
        if let own = event.metadata { all.merge(own) { _, new in new } }
        if let error = event.error { all["error"] = "\(error)" }
        if event.level >= .warning {
            RecentMessages.shared.note(
                RecentMessages.Message(
                    time: LogTime.utc(), level: event.level, text: event.message.description,
                    consumer: all["consumer"]?.description))
        }
        let message = CommandHints.complete(event.message.description)
        let line =
            isJSON
            ? LogLine.json(time: LogTime.utc(), level: event.level, label: label, message: message, metadata: all)
            : LogLine.text(time: LogTime.local(), level: event.level, label: label, message: message, metadata: all)
        StandardStream.error.write(line)
    }
}
