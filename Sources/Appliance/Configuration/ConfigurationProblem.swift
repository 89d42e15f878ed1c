/// One thing that is wrong or doubtful in the configuration, where it is, and how to correct it.
package struct ConfigurationProblem: Sendable, Hashable, CustomStringConvertible {
    package enum Level: String, Sendable, CaseIterable {
        /// Nothing starts with it.
        case error
        /// It works, and probably not as it was meant. `run` logs it; `config check --strict` refuses it.
        case warning
    }

    package let code: Code
    /// A file and line, an environment variable, or nothing where something is missing altogether.
    package let source: ConfigurationSource?
    /// What is wrong; it says what to write instead where that depends on the value.
    package let message: String

    init(_ code: Code, source: ConfigurationSource?, _ message: String) {
        self.code = code
        self.source = source
        self.message = message
    }

    package var level: Level { code.level }

    package var description: String {
        source.map { "\($0.description): \(message)" } ?? message
    }

    /// For a terminal or a log: with the column, a warning's level, and the code.
    package var line: String {
        let place = source.map { "\($0.location): " } ?? ""
        return "\(level == .warning ? "warning: " : "")\(place)\(message) [\(code.rawValue)]"
    }

    package var json: JSONValue {
        var members: [JSONValue.Member] = [
            .init("level", .string(level.rawValue)), .init("code", .string(code.rawValue)),
            .init("source", source.map { .string($0.description) } ?? .null),
        ]
        switch source {
        case .file(let file, let line, let column):
            members += [
                .init("file", .string(file)), .init("line", .number(String(line))),
                .init("column", .number(String(column))),
            ]
        case .environment(let variable): members.append(.init("variable", .string(variable)))
        case .standard, nil: break
        }
        members += [.init("message", .string(message)), .init("fix", .string(code.fix))]
        return .object(members)
    }
}

/// Everything that is wrong with the configuration.
package struct ConfigurationError: Error, Sendable, CustomStringConvertible {
    /// In the order of the file, then of the environment, then what is missing; warnings last. Never empty.
    package let problems: [ConfigurationProblem]

    package var description: String { problems.map(\.line).joined(separator: "\n") }
}
