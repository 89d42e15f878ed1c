import EventSourcing
import Foundation
import Glibc
import KafkaBridge
import LocalPostgres
import Postgres
import TestSupport
import Testing

@testable import Appliance

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// What can be changed over the admin port, and by whom.
@Suite struct AdminChangeTests {
    private let form = "application/x-www-form-urlencoded"

    private func audit(_ place: RelayFixture) async throws -> [String] {
        let connection = try await place.test.connect()
        let rows = try await connection.query(AuditLog(place.test.tables).newest(20))
        let lines = try rows.reversed().map { row in
            try (0..<4).map { try row.decode($0, as: String.self) }.joined(separator: "|")
        }
        await connection.close()
        return lines
    }

    private func with(_ more: [String: String] = [:], _ body: (RelayFixture, AdminPort) async throws -> Void)
        async throws
    {
        try await RelayFixture.with { place in
            let admin = try AdminPort()
            // So long a heartbeat that nothing but the port itself can have the relay notice.
            let variables = [
                "GODWIT_ADMIN_TOKEN": "hush-hush", "GODWIT_WORKER_HEARTBEAT_INTERVAL": "300s",
                "GODWIT_WORKER_STALE_THRESHOLD": "900s",
            ].merging(admin.variables) { $1 }.merging(more) { $1 }
            let relay = try place.run(variables)
            try await admin.wait(for: 200, at: "/readyz")
            try await body(place, admin)
            relay.send(SIGTERM)
            let result = await relay.result()
            #expect(result.exitCode == 0 && !result.standardError.contains("hush-hush"), "\(result.standardError)")
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `orders by request hold at once and are audited with name and address`() async throws {
        try await with { place, admin in
            let path = "/api/consumers/identity"
            let paused = try await admin.post("\(path)/pause", #"{"actor":"ada"}"#, token: "hush-hush")
            #expect(paused.status == 200)
            #expect(try paused.json["paused"] == true && paused.json["changed"] == true)
            try await eventually("the relay does not notice") {
                try await admin.metric("godwit_consumer_paused")["{consumer=\"identity\"}"] == 1
            }
            _ = try await place.append(10)
            let rate = try await admin.post("\(path)/rate", #"{"rate":250}"#, token: "hush-hush")
            #expect(try rate.json["rate"] == .number("250.0"))
            #expect(try await admin.post("\(path)/rate/off", token: "hush-hush").json["rate"] == .null)
            #expect(try await place.kafka.readAll([place.topic]).isEmpty)
            let resumed = try await admin.post(
                "\(path)/resume", "token=hush-hush&actor=Ada+%26+co", type: form, followsRedirects: false)
            #expect(resumed.status == 303 && resumed.headers["location"] == "/consumers/identity?done=resume")
            _ = try await place.kafka.read([place.topic]) { $0.count == 10 }
            #expect(
                try await audit(place) == [
                    "ada (admin 127.0.0.1)|pause|consumer identity|",
                    "admin 127.0.0.1|rate|consumer identity|250.0 events/s",
                    "admin 127.0.0.1|rate|consumer identity|off",
                    "Ada & co (admin 127.0.0.1)|resume|consumer identity|",
                ])
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `without the token, or with nonsense, nothing is changed, and the reason is given`() async throws {
        try await with { place, admin in
            let pause = "/api/consumers/identity/pause"
            for token in [nil, "", "hush-hus", "hush-hush2"] {
                for body in ["", "{ nonsense"] {
                    let answer = try await admin.post(pause, body, token: token)
                    #expect(answer.status == 401 && answer.headers["www-authenticate"] == "Bearer")
                }
            }
            let cookie = try await admin.post(pause, headers: ["cookie": "token=hush-hush"])
            #expect(cookie.status == 401)
            let query = try await admin.post(pause + "?token=hush-hush")
            #expect(query.status == 401, "a link must not carry the token")
            let page = try await admin.post(pause, "token=wrong&x=%3Cb%3E", type: form)
            #expect(page.status == 401 && page.headers["content-type"] == "text/html; charset=utf-8")
            #expect(try await admin.get(pause).status == 405)
            #expect(try await admin.get(pause).headers["allow"] == "POST")
            #expect(try await admin.post("/api/consumers/idenity/pause", token: "hush-hush").status == 400)
            #expect(
                try await admin.post("/api/consumers/identity/rate", #"{"rate":-1}"#, token: "hush-hush").status == 400)
            #expect(try await admin.post("/api/consumers/identity/rate", "{", token: "hush-hush").status == 400)
            #expect(try await admin.post("/api/consumers/identity/explode", token: "hush-hush").status == 404)
            #expect(
                try await admin.post("/api/consumers/identity/parked/7/discard", token: "hush-hush").status == 409)
            #expect(try await audit(place).isEmpty)
            #expect(try await admin.metric("godwit_consumer_paused")["{consumer=\"identity\"}"] == 0)
        }
        try await with(["GODWIT_ADMIN_TOKEN": ""]) { place, admin in
            let refused = try await admin.post("/api/consumers/identity/pause", token: "")
            #expect(refused.status == 403)
            #expect(try await admin.get("/consumers/identity").body.contains("no <code>admin.token_file</code>"))
            #expect(try await audit(place).isEmpty)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `what is parked can be redriven and discarded, and the page shows it as text`() async throws {
        try await with { place, admin in
            let connection = try await place.test.connect()
            try await connection.execute(
                script: """
                    INSERT INTO "\(place.test.tables.godwitSchema)".dead_letters (consumer_name, global_position, segment_id,
                        event_id, event_type, bounded_context, aggregate_type, aggregate_id, aggregate_version, state,
                        is_cause, reason, error)
                    SELECT 'identity', i, 0, gen_random_uuid(), '<script>alert(1)</script>', 'Identity', 'User',
                        '"><img src=x onerror=alert(' || i || ')>', 1, 'parked', true, 'too_large', '<b>big</b>'
                    FROM generate_series(7, 8) i
                    """)
            let page = try await ConsoleSession.signIn(admin, token: "hush-hush").get("/consumers/identity").body
            #expect(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"))
            #expect(!page.contains("<script>alert") && !page.contains("<img") && !page.contains("<b>big"))
            #expect(page.contains("/api/consumers/identity/parked/8/discard"))
            let discarded = try await admin.post(
                "/api/consumers/identity/parked/8/discard", #"{"actor":"ada"}"#, token: "hush-hush")
            #expect(try discarded.json["positions"] == [8])
            #expect(try await admin.post("/api/consumers/identity/parked/8/discard", token: "hush-hush").status == 409)
            let redriven = try await admin.post("/api/consumers/identity/parked/7/redrive", token: "hush-hush")
            #expect(redriven.status == 200, "\(redriven.body)")
            let lines = try await audit(place)
            #expect(
                lines.count == 2 && lines[0].hasPrefix("ada (admin 127.0.0.1)|discard|consumer identity|position 8"))
            #expect(lines[1].hasPrefix("admin 127.0.0.1|redrive|consumer identity|position 7"))
            await connection.close()
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `the log says more from now on when told to, and as before afterwards`() async throws {
        try await RelayFixture.with { place in
            let admin = try AdminPort()
            let relay = try place.run(
                ["GODWIT_ADMIN_TOKEN": "hush-hush", "GODWIT_LOG_LEVEL": "error"].merging(admin.variables) { $1 })
            try await admin.wait(for: 200, at: "/readyz")
            #expect(!relay.standardError.contains("admin port is open"))
            #expect(try await admin.post("/api/log-level", #"{"level":"loud"}"#, token: "hush-hush").status == 400)
            #expect(try await admin.post("/api/log-level", #"{"level":"debug"}"#).status == 401)
            let debug = try await admin.post("/api/log-level", #"{"level":"debug"}"#, token: "hush-hush")
            #expect(try debug.json["log_level"] == "debug")
            #expect(await relay.waitForError("the log level is debug now"))
            #expect(try await audit(place).last?.hasSuffix("|debug") == true)
            let back = try await admin.post("/api/log-level", #"{"level":"default"}"#, token: "hush-hush")
            #expect(back.status == 200)
            relay.send(SIGTERM)
            #expect(await relay.result().exitCode == 0)
            #expect(!relay.standardError.contains("stopping: finishing"), "the level is error again")
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `the port opens while neither database nor broker is there, and says what is waited for`() async throws {
        let admin = try AdminPort()
        let relay = try Command.godwit(
            "run",
            environment: [
                "GODWIT_DATABASE_URL": "postgres://x@127.0.0.1:\(try LoopbackPort.free())/x",
                "GODWIT_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:\(try LoopbackPort.free())",
                "GODWIT_CONSUMERS_A_TOPIC": "a",
            ].merging(admin.variables) { $1 }
        ).start()
        try await admin.wait(for: 200, at: "/healthz")
        // The look at the brokers lasts for seconds; on a loaded machine it may be over by now.
        let early = try await admin.get("/readyz").body
        #expect(early.hasPrefix("starting: looks at") || early == "no Kafka broker answers\n")
        try await eventually("it never said that brokers are away") {
            try await admin.get("/readyz").body == "no Kafka broker answers\n"
        }
        let page = try await admin.get("/")
        #expect(page.status == 200 && page.body.contains("the database is away"))
        #expect(try await admin.get("/consumers/a").status == 200)
        #expect(try await admin.get("/api/status").json["healthy"] == false)
        relay.send(SIGTERM)
        #expect(await relay.result().exitCode == 0)
    }
}
