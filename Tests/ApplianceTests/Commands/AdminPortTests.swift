import EventSourcing
import Glibc
import LocalPostgres
import Postgres
import Telemetry
import TestSupport
import Testing

@testable import Appliance

@Suite struct AdminPortTests {
    @Test(.timeLimit(.minutes(2)))
    func `a relay that works is healthy and ready, and its metrics and status tell what it did`() async throws {
        try await RelayFixture.with { place in
            let admin = try AdminPort()
            let relay = try place.run(
                ["GODWIT_KAFKA_PROPERTIES_STATISTICS_INTERVAL_MS": "50"].merging(admin.variables) { $1 })
            try await admin.wait(for: 200, at: "/readyz")
            #expect(try await admin.get("/healthz").body == "ok\n")
            _ = try await place.receive(try await place.append(120))
            let consumer = "{consumer=\"identity\"}"
            try await eventually("the checkpoint is behind all events") {
                let checkpoint = try await admin.metric("godwit_consumer_checkpoint_position")[consumer] ?? 0
                return try await admin.metric("godwit_consumer_lag_events")[consumer] == 0 && checkpoint >= 120
            }
            #expect(try await admin.metric("godwit_consumer_events_done_total")[consumer] == 120)
            #expect(try await admin.metric("godwit_consumer_events_handed_over_total")[consumer] == 120)
            #expect(try await admin.metric("godwit_consumer_batch_events_sum")[consumer] == 120)
            #expect(try await admin.metric("godwit_kafka_records_published_total")[consumer] == 120)
            #expect(try await admin.metric("godwit_kafka_acknowledge_seconds_count")[consumer] ?? 0 > 0)
            #expect(try await admin.metric("godwit_log_read_seconds_count")["{by=\"head\"}"] ?? 0 > 0)
            #expect(try await admin.metric("godwit_kafka_produce_seconds_count")[consumer] ?? 0 > 0)
            let batches = try await admin.metric("godwit_consumer_batch_events_count")[consumer]
            #expect(try await admin.metric("godwit_consumer_latency_seconds_count")[consumer] == batches)
            #expect(try await admin.metric("godwit_consumer_latency_seconds_sum")[consumer] ?? 1e9 < 600)
            #expect(try await admin.metric("godwit_consumer_batch_bytes_sum")[consumer] ?? 0 > 1_000)
            #expect(try await admin.metric("godwit_kafka_records_sent_again_total")[consumer] == 0)
            try await eventually("the client's statistics never came") {
                try await admin.metric("godwit_kafka_payload_bytes")[consumer] ?? 0 > 0
            }
            #expect(try await admin.metric("godwit_kafka_sent_bytes")[consumer] ?? 0 > 1_000)
            #expect(try await admin.metric("godwit_kafka_queue_records")[consumer] == 0)
            #expect(try await admin.metric("godwit_consumer_lag_seconds")[consumer] == 0)
            let segments = try await admin.metric("godwit_segment_lag_events")
            #expect(segments.count == 4 && segments["{consumer=\"identity\",segment=\"3\"}"] == 0)
            #expect(try await admin.metric("godwit_consumer_paused")[consumer] == 0)
            #expect(try await admin.metric("godwit_consumer_parked_events")[consumer] == 0)
            #expect(try await admin.metric("godwit_consumer_checkpoint_seconds_count")[consumer] ?? 0 > 0)
            #expect(try await admin.metric("godwit_consumer_owned_segments")[consumer] == 4)
            #expect(try await admin.metric("godwit_consumer_rebalances_total")[consumer] == 1)
            #expect(try await admin.metric("godwit_kafka_producer_runs_total")[consumer] == 1)
            #expect(try await admin.metric("godwit_wakeups_total")["{source=\"poll\"}"] ?? 0 > 0)
            #expect(try await admin.metric("godwit_database_connected")[""] == 1)
            #expect(try await admin.metric("process_resident_memory_bytes")[""] ?? 0 > 1_000_000)
            let statuses = try await admin.metric("godwit_kafka_delivery_status").filter { $0.value == 1 }
            #expect(statuses.keys.map { $0 } == ["{consumer=\"identity\",status=\"flowing\"}"])

            let status = try await admin.get("/api/status")
            #expect(status.headers["content-type"] == "application/json")
            let json = try status.json
            #expect(json["ready"] == true && json["not_ready"] == [])
            #expect(json["database"]?["connected"] == true)
            guard case .array(let consumers)? = json["consumers"], let identity = consumers.first,
                case .array(let segments)? = identity["segments"]
            else { throw Failure(.internalError, status.body) }
            #expect(identity["name"] == "identity" && identity["lag_events"] == 0)
            #expect(identity["delivery"]?["status"] == "flowing" && identity["delivery"]?["reason"] == .null)
            #expect(segments.count == 4 && segments.allSatisfy { $0["owner"] == json["worker"] })
            relay.send(SIGTERM)
            #expect(await relay.result().exitCode == 0)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `metrics have every name of the table, and nothing else is served nor can be changed`() async throws {
        try await RelayFixture.with { place in
            let admin = try AdminPort()
            let relay = try place.run(admin.variables)
            try await admin.wait(for: 200, at: "/readyz?from=probe")
            let metrics = try await admin.get("/metrics")
            #expect(metrics.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
            let types = metrics.body.split(separator: "\n").filter { $0.hasPrefix("# TYPE ") }
            #expect(
                types.map(String.init)
                    == Metric.allCases.map { "# TYPE \($0.rawValue) \($0.definition.kind.name)" }.sorted())
            #expect(try await admin.get("/nothing").status == 404)
            #expect(try await admin.get("/healthz/../api/status2").status == 404)
            let post = try await admin.get("/api/status", method: "POST")
            #expect(post.status == 405 && post.headers["allow"] == "GET, HEAD")
            let head = try await admin.get("/metrics", method: "HEAD")
            #expect(head.status == 200 && head.body.isEmpty)
            relay.send(SIGTERM)
            #expect(await relay.result().exitCode == 0)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `it is healthy but not ready while the database is away, answers all the same, and gets ready again`()
        async throws
    {
        let cluster = try await LocalPostgres.start()
        let kafka = try await TestKafka()
        let topic = try await kafka.makeTopic("identity")
        let connection = try await Connection.open(ConnectionConfiguration(cluster.url))
        _ = try await Schema().migrate(on: connection)
        await connection.close()
        let admin = try AdminPort()
        let relay = try Command.godwit(
            "run",
            environment: [
                "GODWIT_DATABASE_URL": cluster.url, "GODWIT_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrapServers,
                "GODWIT_CONSUMERS_IDENTITY_TOPIC": topic, "GODWIT_WORKER_HEARTBEAT_INTERVAL": "400ms",
            ].merging(admin.variables) { $1 }
        ).start()
        try await admin.wait(for: 200, at: "/readyz")
        try await cluster.stopServer(.fast)
        try await admin.wait(for: 503, at: "/readyz")
        // On a busy machine the lease may be the first to be missed.
        try await eventually("the reason is not said") {
            try await admin.get("/readyz").body == "the database is away\n"
        }
        #expect(try await admin.get("/healthz").status == 200)
        #expect(try await admin.get("/api/status").json["ready"] == false)
        #expect(try await admin.metric("godwit_database_connected")[""] == 0)
        try await cluster.startServer()
        try await admin.wait(for: 200, at: "/readyz")
        relay.send(SIGTERM)
        #expect(await relay.result().exitCode == 0)
        await cluster.stop()
    }

    @Test(.timeLimit(.minutes(2)))
    func `a worker that finds no segment left is rightly idle, and ready`() async throws {
        try await RelayFixture.with { place in
            let (first, second) = (try AdminPort(), try AdminPort())
            let one = ["GODWIT_WORKER_TOTAL_SEGMENTS": "1", "GODWIT_WORKER_HEARTBEAT_INTERVAL": "400ms"]
            let relays = [
                try place.run(one.merging(first.variables) { $1 }), try place.run(one.merging(second.variables) { $1 }),
            ]
            try await first.wait(for: 200, at: "/readyz")
            try await second.wait(for: 200, at: "/readyz")
            let name = "godwit_consumer_owned_segments"
            try await eventually("one of them owns the segment") {
                let owned = [try await first.metric(name), try await second.metric(name)].flatMap(\.values)
                return owned.sorted() == [0, 1]
            }
            #expect(try await first.get("/readyz").status == 200)
            #expect(try await second.get("/readyz").status == 200)
            for relay in relays { relay.send(SIGTERM) }
            for relay in relays { #expect(await relay.result().exitCode == 0) }
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `an address that others reach is refused without a token, and one that is taken is reported`() async throws {
        try await RelayFixture.with { place in
            let open = try await Command.godwit(
                "run", environment: place.variables.merging(["GODWIT_ADMIN_LISTEN": "0.0.0.0:9464"]) { $1 }
            ).run()
            #expect(open.exitCode == 78)
            #expect(open.standardError.contains("is not a loopback address: set \"admin.token_file\" too"))

            let admin = try AdminPort()
            let relay = try place.run(admin.variables)
            try await admin.wait(for: 200, at: "/healthz")
            let taken = try await Command.godwit(
                "run", environment: place.variables.merging(admin.variables) { $1 }
            ).run()
            #expect(taken.exitCode == 71, "\(taken.standardError)")
            #expect(taken.standardError.contains("cannot listen on 127.0.0.1:\(admin.port)"))

            let reachable = try AdminPort()
            let guarded = try place.run([
                "GODWIT_ADMIN_LISTEN": "0.0.0.0:\(reachable.port)", "GODWIT_ADMIN_TOKEN": "hush",
            ])
            try await reachable.wait(for: 200, at: "/healthz")
            for relay in [relay, guarded] {
                relay.send(SIGTERM)
                let result = await relay.result()
                #expect(result.exitCode == 0 && !result.standardError.contains("hush"))
            }
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `who is silent, breaks off or talks nonsense keeps nobody else from being answered`() async throws {
        try await RelayFixture.with { place in
            let admin = try AdminPort()
            let relay = try place.run(admin.variables)
            try await admin.wait(for: 200, at: "/healthz")
            let silent = try (0..<20).map { _ in try RawConnection(port: admin.port) }
            for (index, connection) in silent.enumerated() where index.isMultiple(of: 2) {
                connection.send(index.isMultiple(of: 4) ? "\u{1}\u{2} nonsense\r\n\r\n" : "GET /metr")
            }
            #expect(try await admin.get("/healthz").status == 200)
            #expect(silent.count == 20)
            // Sooner than the silent ones are closed for their age, however many there are.
            let many = try (0..<200).map { _ in try RawConnection(port: admin.port) }
            for connection in many {
                connection.send("POST /api/consumers/x/pause HTTP/1.1\r\nContent-Length: 60000\r\n\r\n{")
            }
            for path in ["/healthz", "/readyz", "/metrics"] {
                try await deadline(.seconds(6)) { _ = try await admin.get(path) }
            }
            #expect(many.count == 200)
            relay.send(SIGTERM)
            #expect(await relay.result().exitCode == 0)
        }
    }
}

/// A connection that does what no HTTP client does; closed when it goes.
private final class RawConnection: Sendable {
    private let socket: Int32

    init(port: Int) throws {
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                connect(socket, pointer, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw Failure(.internalError, "no connection") }
    }

    func send(_ text: String) {
        let bytes = Array(text.utf8)
        _ = Glibc.send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    deinit { close(socket) }
}
