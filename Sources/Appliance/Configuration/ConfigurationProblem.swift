/// One thing that is wrong with the configuration, and where.
package struct ConfigurationProblem: Sendable, Hashable, CustomStringConvertible {
    /// A file and line, an environment variable, or nothing where something is missing altogether.
    package let source: ConfigurationSource?
    package let message: String

    package var description: String {
        source.map { "\($0.description): \(message)" } ?? message
    }
}

/// Everything that is wrong with the configuration.
package struct ConfigurationError: Error, Sendable, CustomStringConvertible {
    /// In the order of the file, then of the environment, then what is missing; never empty.
    package let problems: [ConfigurationProblem]

    package var description: String { problems.map(\.description).joined(separator: "\n") }
}
