/// Where a value of the configuration comes from.
package enum ConfigurationSource: Sendable, Hashable {
    /// Lines and columns are counted from 1.
    case file(String, line: Int, column: Int)
    case environment(String)
    case standard

    /// For the front of a message: `godwit.yaml:12` or `GODWIT_KAFKA_BOOTSTRAP_SERVERS`.
    package var description: String {
        switch self {
        case .file(let file, let line, _): "\(file):\(line)"
        case .environment(let variable): variable
        case .standard: "default"
        }
    }

    /// As ``description``, with the column: `godwit.yaml:12:3`, which editors and terminals can jump to.
    var location: String {
        if case .file(_, _, let column) = self { "\(description):\(column)" } else { description }
    }
}
