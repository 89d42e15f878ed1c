import ArgumentParser
import Foundation
import KafkaTestBroker

/// Serves until it is killed.
struct Serve: AsyncParsableCommand {
    @Option(help: "Port to listen on; 0 takes a free one.")
    var port = 0

    @Option(help: "Port that clients are told to come back to, if not that listened on.")
    var advertisedPort: Int?

    @Option(help: "Directory to keep everything in.")
    var data: String?

    @Option(help: "When files are forced to the disk: never, always, or milliseconds.")
    var fsync = "never"

    @Option(help: "Bytes kept per partition; -1 keeps all.")
    var retentionBytes: Int64 = -1

    @Option(help: "Milliseconds after the answer to EndTxn at which a transaction's markers are written.")
    var markerDelay: Int64 = 1

    func run() async throws {
        var configuration = BrokerConfiguration()
        configuration.port = port
        configuration.advertisedPort = advertisedPort
        configuration.dataDirectory = data
        configuration.fsync = try .init(text: fsync)
        configuration.retentionBytes = retentionBytes
        configuration.transactionMarkerDelay = .milliseconds(markerDelay)
        configuration.retentionCheckInterval = .seconds(1)
        let broker = try await KafkaTestBroker.start(configuration)
        // Past the buffering of print: the process that started the broker waits for this line.
        try FileHandle.standardOutput.write(contentsOf: Data("\(broker.bootstrapServers)\n".utf8))
        try await Task.sleep(for: .seconds(86_400))
        await broker.stop()
    }
}
