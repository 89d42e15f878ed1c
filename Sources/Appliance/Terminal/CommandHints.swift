import Synchronization

/// Completes the commands that messages name, so that they can be pasted as they stand: with the configuration file that this
/// command was given.
package enum CommandHints {
    private static let file = Mutex<String?>(nil)

    /// Commands that take no configuration.
    private static let without: Set<Substring> = ["dev", "demo", "broker", "exit-codes", "help"]

    /// - Parameter file: as `--config` names it; nil where commands find it without.
    package static func configure(file: String?) { self.file.withLock { $0 = file } }

    /// The text with each command in backticks completed.
    package static func complete(_ text: String) -> String {
        file.withLock { $0 }.map { complete(text, file: $0) } ?? text
    }

    static func complete(_ text: String, file: String) -> String {
        text.replacing(#/`godwit ([^`]*)`/#) { match in
            let words = match.1.split(separator: " ")
            // A word alone may be meant in general, and what ends in an ellipsis is no whole command.
            guard let command = words.first, !without.contains(command), !words.contains("--config"),
                !match.1.contains("…"), !match.1.contains("...")
            else { return String(match.0) }
            return "`godwit \(match.1) --config \(quoted(file))`"
        }
    }

    private static func quoted(_ path: String) -> String {
        let isPlain = path.unicodeScalars.allSatisfy { scalar in
            scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || "/._-+".unicodeScalars.contains(scalar)
        }
        return isPlain
            ? path
            : "'" + path.split(separator: "'", omittingEmptySubsequences: false).joined(separator: #"'\''"#) + "'"
    }
}
