/// Why a broker could not be started or run, and what to do about it.
public struct BrokerError: Error, Hashable, CustomStringConvertible {
    /// The kinds of failure, open for more.
    public struct Code: Hashable, Sendable {
        private let name: String

        /// The port is taken.
        public static let addressInUse = Code(name: "addressInUse")
        /// The address cannot be listened on.
        public static let cannotListen = Code(name: "cannotListen")
        /// The configuration contradicts itself or is not allowed.
        public static let configuration = Code(name: "configuration")
        /// The data directory cannot be used.
        public static let storage = Code(name: "storage")
    }

    /// What kind of failure it is.
    public let code: Code
    /// What happened and what to do.
    public let description: String

    /// TLS was given a certificate without a key, or the other way round.
    public static let incompleteTLS = BrokerError(.configuration, "TLS needs both a certificate and its key")

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}
