/// Which part of a configuration is read, for a command that works with one that does not run yet.
struct ConfigurationFocus: Sendable {
    /// Only this consumer; nil is all, and everything else too.
    var consumer: String?
    /// Whether `kafka` is read.
    var includesKafka = true

    static let whole = ConfigurationFocus()

    /// Sections that say nothing about the records of a consumer.
    private static let others: Set<String> = ["notify", "horizon", "worker", "audit", "jobs", "admin", "log"]

    func includes(_ path: ConfigurationPath) -> Bool {
        guard let consumer, let section = path.words.first else { return true }
        if section == "consumers" { return path.words.count < 2 || path.words[1] == consumer }
        if section == "kafka" { return includesKafka }
        return !Self.others.contains(section)
    }

    func includes(consumer name: String) -> Bool { consumer == nil || consumer == name }
}
