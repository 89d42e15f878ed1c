package import Logging

/// `log`: what is written to standard error, and how.
package struct LogSection: Sendable {
    package enum Format: String, Sendable {
        /// By whether standard error is a terminal.
        case auto
        case text, json
    }

    package var level: Logger.Level
    package var format: Format

    init(_ values: inout ConfigurationValues) {
        level = Logger.Level(rawValue: values.text("log.level")) ?? .info
        format = Format(rawValue: values.text("log.format")) ?? .auto
    }
}
