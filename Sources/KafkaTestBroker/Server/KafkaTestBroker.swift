public import Logging
import NIOCore
import NIOHTTP1
import NIOPosix

/// A Kafka broker inside this process, for tests and development.
///
/// It keeps Apache Kafka's rules for sequences, transactions, groups and limits, so that what is tested on it holds there. It has
/// no replication and is no place for data that matters: production is Apache Kafka.
///
/// ```swift
/// let broker = try await KafkaTestBroker.start()
/// // connect any Kafka client to broker.bootstrapServers
/// await broker.stop()
/// ```
public final class KafkaTestBroker: Sendable {
    /// Where clients connect: `host:port`, one for each node, separated by commas.
    public let bootstrapServers: String
    /// The ports of the nodes, in the order of their ids, which count from 1.
    public let ports: [Int]
    /// The port of the control endpoint, if there is one.
    public let controlPort: Int?

    private let group: MultiThreadedEventLoopGroup
    private let listeners: [any Channel]
    private let broker: NIOLoopBound<Broker>

    private init(
        group: MultiThreadedEventLoopGroup, listeners: [any Channel], broker: NIOLoopBound<Broker>, host: String,
        ports: [Int], controlPort: Int?
    ) {
        self.controlPort = controlPort
        self.group = group
        self.listeners = listeners
        self.broker = broker
        self.ports = ports
        bootstrapServers = ports.map { "\(host):\($0)" }.joined(separator: ",")
    }

    /// Starts a broker and returns once clients can connect.
    public static func start(
        _ configuration: BrokerConfiguration = BrokerConfiguration(),
        logger: Logger = Logger(label: "godwit.broker", factory: { _ in SwiftLogNoOpLogHandler() })
    ) async throws(BrokerError) -> KafkaTestBroker {
        try configuration.validate()
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        var listeners: [any Channel] = []
        do {
            let broker = try await loop.submit {
                let broker = Broker(configuration: configuration, loop: loop, logger: logger)
                broker.tls = try configuration.tls.map { settings in try TLSContext(settings) }
                try broker.openStorage()
                return NIOLoopBound(broker, eventLoop: loop)
            }.get()
            for index in 0..<configuration.nodes {
                let port = configuration.port == 0 ? 0 : configuration.port + index
                let listener = try await listen(group, host: configuration.host, port: port) { pipeline in
                    if let tls = broker.value.tls { try pipeline.addHandler(TLSHandler(tls)) }
                    try pipeline.addHandler(ConnectionHandler(broker: broker.value, node: Int32(index) + 1))
                }
                listeners.append(listener)
            }
            let ports = listeners.map { $0.localAddress?.port ?? 0 }
            var controlPort: Int?
            if let port = configuration.controlPort {
                let control = try await listen(group, host: configuration.host, port: port) { pipeline in
                    try pipeline.configureHTTPServerPipeline()
                    try pipeline.addHandler(ControlHandler(broker: broker.value))
                }
                listeners.append(control)
                controlPort = control.localAddress?.port
            }
            try await loop.submit {
                broker.value.endpoints = configuration.advertisedEndpoints(listening: ports)
                broker.value.startHousekeeping()
            }.get()
            for listener in listeners { try await listener.setOption(.autoRead, value: true).get() }
            return KafkaTestBroker(
                group: group, listeners: listeners, broker: broker, host: configuration.host, ports: ports,
                controlPort: controlPort)
        } catch {
            for listener in listeners { try? await listener.close() }
            try? await group.shutdownGracefully()
            throw BrokerError(starting: error, configuration)
        }
    }

    /// Listens without letting anybody in, before the broker knows where its nodes listen.
    private static func listen(
        _ group: MultiThreadedEventLoopGroup, host: String, port: Int,
        _ addHandlers: @escaping @Sendable (ChannelPipeline.SynchronousOperations) throws -> Void
    ) async throws -> any Channel {
        try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.autoRead, value: false)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(
                .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 4096, initial: 65536, maximum: 1 << 20)
            )
            .childChannelOption(.maxMessagesPerRead, value: 4)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try addHandlers(channel.pipeline.syncOperations) }
            }
            .bind(host: host, port: port).get()
    }

    /// Does something with the broker's state where it lives; nil if the broker has stopped.
    func onLoop<Value: Sendable>(_ work: @escaping @Sendable (Broker) -> Value) async -> Value? {
        let broker = self.broker
        return try? await group.next().submit { work(broker.value) }.get()
    }

    /// Closes all connections and ends the broker's thread. What a data directory holds stays.
    public func stop() async {
        for listener in listeners { try? await listener.close() }
        let broker = self.broker
        try? await group.next().submit {
            broker.value.shutdown()
        }.get()
        try? await group.shutdownGracefully()
    }
}
