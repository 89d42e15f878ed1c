import FoundationEssentials
import Glibc
import Kafka
import KafkaTestBroker
import LocalPostgres
import Postgres
import Synchronization
import TestSupport

/// A real PostgreSQL, brokers, and relays as processes of their own, each behind a proxy of its own.
actor World {
    struct Options: Sendable {
        var relays = 3
        var segments = 4
        var program: String
        /// Brokers of others, as `GODWIT_TEST_KAFKA` names them.
        var outside: String?
    }

    /// A relay's place: the process changes, the proxy before its database stays.
    struct Relay {
        var process: RunningCommand
        let proxy: TestProxy
        let url: String
        var isFrozen = false
    }

    nonisolated let options: Options
    nonisolated let postgres: LocalPostgres
    nonisolated let broker: KafkaTestBroker?
    nonisolated let kafka: TestKafka
    nonisolated let stem: String
    private let folder: TestFolder
    private(set) var relays: [Relay] = []
    /// What all processes wrote to standard error that have ended.
    private(set) var logs: [String] = []
    /// Processes that ended by themselves.
    private(set) var crashes: [String] = []
    private var standby: Standby?
    private nonisolated let primary: Mutex<UInt16>

    /// A word that must not show anywhere.
    static let secret = "torture-s3cret"

    private init(
        _ options: Options, _ postgres: LocalPostgres, _ broker: KafkaTestBroker?, _ kafka: TestKafka,
        _ folder: TestFolder
    ) {
        self.options = options
        self.postgres = postgres
        self.broker = broker
        self.kafka = kafka
        self.folder = folder
        stem = kafka.uniqueTopic("torture")
        primary = Mutex(postgres.port)
    }

    /// Starts servers, migrates, makes topics, and starts the relays; all is gone when the body ends.
    static func with<Value: Sendable>(_ options: Options, _ body: (World) async throws -> Value) async throws -> Value {
        let postgres = try await LocalPostgres.start(LocalPostgres.Options())
        do {
            let folder = try TestFolder()
            let (broker, kafka) = try await brokers(options)
            let world = World(options, postgres, broker, kafka, folder)
            do {
                try await world.begin()
                let value = try await body(world)
                await world.end()
                return value
            } catch {
                await world.end()
                throw error
            }
        } catch {
            await postgres.stop()
            throw error
        }
    }

    private static func brokers(_ options: Options) async throws -> (KafkaTestBroker?, TestKafka) {
        if let outside = options.outside { return (nil, TestKafka(bootstrapServers: outside)) }
        var configuration = BrokerConfiguration()
        configuration.nodes = 3
        configuration.autoCreateTopics = false
        let broker = try await KafkaTestBroker.start(configuration)
        return (broker, TestKafka(bootstrapServers: broker.bootstrapServers))
    }

    private func begin() async throws {
        _ = try folder.write("godwit.yaml", configuration)
        let migrated = try await command(["migrate"], url: url).run()
        guard migrated.exitCode == 0 else { throw TortureError("migrate: \(migrated.standardError)") }
        for consumer in TorturedConsumer.allCases { try await kafka.createTopic(consumer.topic(stem)) }
        for _ in 0..<options.relays {
            let (proxy, url) = try TestProxy.before(url)
            relays.append(Relay(process: try command(["run"], url: url).start(), proxy: proxy, url: url))
        }
    }

    private func end() async {
        for relay in relays {
            relay.process.send(SIGCONT)
            relay.process.send(SIGKILL)
            _ = await relay.process.result()
            relay.proxy.close()
        }
        relays = []
        await standby?.stop()
        await broker?.stop()
        await postgres.stop()
    }

    private var configuration: String {
        """
        kafka:
          bootstrap_servers: "\(kafka.bootstrapServers)"
          topics: { create: true }
          transaction_timeout: 10s
        worker: { total_segments: \(options.segments), shutdown_timeout: 10s }
        log: { level: notice, format: text }
        \(TorturedConsumer.section(stem))
        """
    }

    /// With a password, which the server does not ask for and nobody may see.
    nonisolated var url: String {
        let port = primary.withLock { $0 }
        return "postgres://\(LocalPostgres.superuser):\(Self.secret)@127.0.0.1:\(port)/postgres"
    }

    nonisolated func connect() async throws -> Connection {
        try await Connection.open(try ConnectionConfiguration(url), logger: quiet)
    }

    // MARK: Fail-over

    /// Whether another server is the primary by now.
    var hasFailedOver: Bool { standby != nil }

    /// The primary dies, and its standby takes its place, for relays and writers.
    func failOver() async throws {
        let standby: Standby
        do {
            let connection = try await connect()
            standby = try await Standby.start(of: postgres, connection)
            await connection.close()
        } catch {
            // The other nemesis broke the server meanwhile. No commit may wait for a standby that is not there.
            try await Standby.forget(by: connect)
            throw error
        }
        self.standby = standby
        // Commits go on beside a standby for a moment.
        try await Task.sleep(for: .seconds(1))
        try await postgres.stopServer(.immediate)
        primary.withLock { $0 = standby.port }
        try await standby.promote(url)
        for relay in relays { relay.proxy.retarget(to: standby.port) }
    }

    // MARK: Commands

    func command(_ arguments: [String], url: String) -> Command {
        var command = Command.godwit(environment: ["GODWIT_DATABASE_URL": url])
        command = Command(
            options.program, arguments + ["--config", "\(folder.path)/godwit.yaml"], environment: command.environment,
            without: command.without)
        return command
    }

    func run(_ arguments: String...) async throws -> Command.Result { try await command(arguments, url: url).run() }

    func start(_ arguments: String...) throws -> RunningCommand { try command(arguments, url: url).start() }

    // MARK: Relays

    func signal(_ index: Int, _ signal: Int32) { relays[index].process.send(signal) }

    /// Waits for a process that was told to end, and starts another one in its place.
    func replace(_ index: Int, expected: Set<Int32>) async throws {
        let result = await relays[index].process.result()
        keep(result, of: index, expected: expected)
        relays[index].process = try command(["run"], url: relays[index].url).start()
    }

    private func keep(_ result: Command.Result, of index: Int, expected: Set<Int32>) {
        logs.append(result.standardError + result.standardOutput)
        if !expected.contains(result.exitCode) {
            crashes.append("relay \(index) ended with \(result.exitCode): \(result.standardError.suffix(1_500))")
        }
    }

    /// What each relay that runs wrote last.
    func lastLines(_ count: Int) -> String {
        relays.enumerated().map { index, relay in
            let lines = relay.process.standardError.split(separator: "\n").suffix(count)
            return "relay \(index):\n\(lines.joined(separator: "\n"))"
        }.joined(separator: "\n")
    }

    /// Starts relays anew that have ended by themselves, which none may.
    func restartEnded() async throws {
        for index in relays.indices where kill(relays[index].process.processID, 0) != 0 {
            try await replace(index, expected: [])
        }
    }

    /// Asks all to end, which has to succeed within the time that they have.
    func stopRelays() async {
        for relay in relays { relay.process.send(SIGTERM) }
        for index in relays.indices { keep(await relays[index].process.result(), of: index, expected: [0]) }
    }

    /// Memory in bytes, descriptors and threads of each relay.
    func usage() -> [(memory: Int, descriptors: Int, threads: Int)] {
        relays.compactMap { relay in
            guard let status = try? TestFolder.read("/proc/\(relay.process.processID)/status") else { return nil }
            func number(_ name: String) -> Int {
                let line = status.split(separator: "\n").first { $0.hasPrefix(name) }
                return line?.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Int($0) }
                    ?? 0
            }
            let descriptors =
                (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(relay.process.processID)/fd"))?.count
                ?? 0
            return (number("VmRSS:") * 1_024, descriptors, number("Threads:"))
        }
    }
}

struct TortureError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
