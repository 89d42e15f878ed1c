import ArgumentParser
import KafkaTestBroker
import Logging
import UnixSignals

/// Runs the development broker alone, until it is told to stop.
struct BrokerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "broker",
        abstract: "Runs a small Kafka broker for development and tests.",
        discussion: """
            Keeps Apache Kafka's rules for sequences, transactions, groups and limits, on one node and without \
            replication. For production use Apache Kafka.

            Example:
              godwit broker --listen 127.0.0.1:9092 --data ./kafka-data
              kcat -b 127.0.0.1:9092 -L

            Exit codes: 0 stopped, 71 the address cannot be listened on, 74 the data directory cannot be used, \
            78 the options contradict each other.
            """.flowing)

    @Option(help: "Address and port to listen on; port 0 takes a free one.")
    var listen = "127.0.0.1:9092"

    @Option(help: "Address and port that clients are told to come back to, if not those listened on.")
    var advertise: String?

    @Flag(help: "Allow an address that other machines can reach.")
    var allowRemote = false

    @Option(help: "Directory to keep everything in; without it, all is in memory and gone at the end.")
    var data: String?

    @Option(help: "When files are forced to the disk: never, always, or an interval in milliseconds.")
    var fsync = "never"

    @Option(help: "Brokers that the cluster seems to have; they listen on consecutive ports.")
    var nodes = 1

    @Option(help: "Partitions of topics created without a number.")
    var partitions = 1

    @Flag(inversion: .prefixedNo, help: "Create topics when a client asks for them.")
    var autoCreate = true

    @Option(help: "Largest record batch in bytes.")
    var maxMessageBytes = 1_048_588

    @Option(help: "Bytes kept per partition; -1 keeps all.")
    var retentionBytes: Int64 = -1

    @Option(help: "Port of the control endpoint for faults (HTTP and JSON); 0 takes a free one.")
    var control: Int?

    @Option(name: .customLong("user"), help: "A user as NAME:PASSWORD, who must authenticate with SASL; repeatable.")
    var users: [String] = []

    @Option(help: "PEM file with the certificate chain, to serve TLS.")
    var tlsCertificate: String?

    @Option(help: "PEM file with the certificate's key.")
    var tlsKey: String?

    func run() async throws {
        var logger = Logger(label: "godwit.broker")
        logger.logLevel = .notice
        do throws(BrokerError) {
            let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
            let broker = try await KafkaTestBroker.start(try brokerConfiguration(), logger: logger)
            standardOutput("listening on \(broker.bootstrapServers)")
            if let port = broker.controlPort { standardOutput("control on port \(port)") }
            for await _ in signals { break }
            await broker.stop()
        } catch {
            standardError("godwit broker: \(error)")
            throw ExitCode(Self.exitCode(of: error))
        }
    }

    private func brokerConfiguration() throws(BrokerError) -> BrokerConfiguration {
        var configuration = BrokerConfiguration()
        let address = try BrokerConfiguration.address(listen)
        configuration.host = address.host
        configuration.port = address.port
        if let advertise {
            let advertised = try BrokerConfiguration.address(advertise)
            configuration.advertisedHost = advertised.host
            configuration.advertisedPort = advertised.port
        }
        configuration.allowsRemoteConnections = allowRemote
        configuration.dataDirectory = data
        configuration.fsync = try BrokerConfiguration.FsyncPolicy(text: fsync)
        configuration.nodes = nodes
        configuration.defaultPartitions = partitions
        configuration.autoCreateTopics = autoCreate
        configuration.maxMessageBytes = maxMessageBytes
        configuration.retentionBytes = retentionBytes
        configuration.controlPort = control
        configuration.users = try BrokerConfiguration.users(users)
        if let certificate = tlsCertificate, let key = tlsKey {
            configuration.tls = .init(certificateFile: certificate, keyFile: key)
        } else if tlsCertificate != nil || tlsKey != nil {
            throw BrokerError.incompleteTLS
        }
        return configuration
    }

    private static func exitCode(of error: BrokerError) -> Int32 {
        switch error.code {
        case .addressInUse, .cannotListen: 71
        case .storage: 74
        default: 78
        }
    }
}
