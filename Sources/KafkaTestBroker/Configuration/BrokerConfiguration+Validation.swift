import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension BrokerConfiguration {
    /// Refuses what contradicts itself or would open the broker to other machines by accident.
    func validate() throws(BrokerError) {
        func require(_ condition: Bool, _ message: String) throws(BrokerError) {
            guard condition else { throw BrokerError(.configuration, message) }
        }
        try require((0...65535).contains(port), "the port must lie between 0 and 65535")
        try require((1...16).contains(nodes), "the number of nodes must lie between 1 and 16")
        try require(defaultPartitions > 0, "the default number of partitions must be at least 1")
        try require(transactionStatePartitions > 0, "the topic of transactions must have at least 1 partition")
        try require(
            (1...nodes).contains(transactionStateReplicas),
            "the topic of transactions cannot be kept on \(transactionStateReplicas) nodes of \(nodes)")
        try require(
            transactionStateInsyncReplicas > 0, "the topic of transactions must need at least 1 in-sync replica")
        try require(transactionMarkerDelay >= .zero, "the delay of transaction markers must not be negative")
        try require(maxMessageBytes > 0, "the largest message must have at least 1 byte")
        try require(
            allowsRemoteConnections || isLoopback,
            "the broker listens on loopback only; \(host) needs the explicit permission, --allow-remote")
    }

    /// Where clients are told to find the nodes that listen on these ports.
    func advertisedEndpoints(listening ports: [Int]) -> [(host: String, port: Int)] {
        ports.enumerated().map { index, port in
            (advertisedHost ?? host, advertisedPort.map { $0 + index } ?? port)
        }
    }

    /// `127.example.org` is a name like any other.
    private var isLoopback: Bool {
        if host == "localhost" || host == "::1" { return true }
        guard case .v4? = try? SocketAddress(ipAddress: host, port: 0) else { return false }
        return host.hasPrefix("127.")
    }
}

extension BrokerError {
    /// The failure of a start, as something a person can act on.
    init(starting error: any Error, _ configuration: BrokerConfiguration) {
        let address = "\(configuration.host):\(configuration.port)"
        if let error = error as? BrokerError {
            self = error
        } else if let error = error as? StorageError {
            self.init(.storage, "\(error); check the data directory and its rights")
        } else if let error = error as? IOError, error.errnoCode == EADDRINUSE {
            self.init(
                .addressInUse,
                "\(address) is in use; stop what listens there, or choose another port (0 takes a free one)")
        } else {
            self.init(.cannotListen, "cannot listen on \(address): \(error)")
        }
    }
}
