/// Where a value of the configuration comes from.
package enum ConfigurationSource: Sendable, Hashable {
    case file(String, line: Int)
    case environment(String)
    case standard

    /// For the front of a message: `godwit.yaml:12` or `GODWIT_KAFKA_BOOTSTRAP_SERVERS`.
    package var description: String {
        switch self {
        case .file(let file, let line): "\(file):\(line)"
        case .environment(let variable): variable
        case .standard: "default"
        }
    }
}
