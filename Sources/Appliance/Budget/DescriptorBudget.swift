import Glibc
import KafkaBridge

/// How many file descriptors the relays of a process need at most, and how many the system allows. A pure value but for
/// ``raiseLimit()``.
///
/// A Kafka client has a thread and a pipe for itself and for each broker, and a connection to each broker that it uses.
/// A session at PostgreSQL has a socket and an `eventfd`.
struct DescriptorBudget: Sendable, Equatable {
    var consumers: Int
    /// Each looks at the brokers.
    var sources = 1
    /// Brokers of the cluster, or those that the configuration names while the cluster is not known.
    var brokers: Int
    /// Sessions at PostgreSQL, at most.
    var sessions: Int
    var hasAdminPort: Bool
    /// Whether deliveries are audited, by one consumer after another.
    var audits = false
    /// Whether jobs are run, one at a time.
    var jobs = false

    /// Standard streams, signals, files that are read for a moment.
    private static let base = 16
    /// Two sessions that look for a pooler, a request that cancels a statement, and a command that gives a password.
    private static let passing = 2 * 2 + 1 + 5
    /// The event loop, its listener, and some requests at a time.
    private static let adminPort = 4 + 8

    /// A reader, one that sees what is behind open transactions, and two that look at topics where something is missing.
    private static let auditClients = 4
    /// A producer, and one that looks at topics.
    private static let jobClients = 2
    /// The lease, what is read, and what exactly-once delivery records.
    private static let jobSessions = 3

    /// Of one Kafka client.
    private var client: Int { 2 + 3 * brokers }

    /// Each consumer has a producer, and, while it looks at topics, a second client; not all look at a time. One more looks
    /// at the brokers at the start.
    var needed: Int {
        let clients =
            consumers + min(consumers, AsyncSemaphore.mostTopicClients) + sources + (audits ? Self.auditClients : 0)
            + (jobs ? Self.jobClients * sources : 0)
        let sessions = sessions + (jobs ? Self.jobSessions * sources : 0)
        return Self.base + Self.passing + 2 * sessions + clients * client + (hasAdminPort ? Self.adminPort : 0)
    }

    private var text: String {
        (consumers == 1 ? "1 consumer and " : "\(consumers) consumers and ")
            + (brokers == 1 ? "1 broker need " : "\(brokers) brokers need ")
    }

    /// - Throws: where the limit is lower than what is needed.
    func check(limit: Int) throws(Failure) {
        guard limit < needed else { return }
        throw Failure(
            .configuration,
            text
                + "\(needed) file descriptors at most, and the limit is \(limit); raise it: ulimit -n \(needed), LimitNOFILE=\(needed) (systemd) or --ulimit nofile=\(needed) "
                + "(containers), or spread the consumers over more processes")
    }

    /// Raises this process's limit as far as it may, and gives the limit that holds.
    static func raiseLimit() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return Int.max }
        if limit.rlim_cur < limit.rlim_max {
            var raised = limit
            raised.rlim_cur = limit.rlim_max
            if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0 { limit = raised }
        }
        return Int(clamping: limit.rlim_cur)
    }
}

extension Configuration {
    /// What the relays of this configuration need at most.
    ///
    /// - Parameter brokers: how many the cluster has; nil while that is not known.
    func descriptorBudget(brokers: Int? = nil) -> DescriptorBudget {
        DescriptorBudget(
            consumers: consumers.count, sources: bySource.count,
            brokers: max(brokers ?? 0, kafka.bootstrapServers.split(separator: ",").count),
            sessions: bySource.reduce(0) { $0 + $1.sessionNeed.count }, hasAdminPort: admin.listen != nil,
            audits: audit.interval != nil, jobs: jobs.isRunning)
    }
}
