import EventSourcing
import Foundation
import Glibc
import KafkaBridge
import Postgres
import TestSupport
import Testing

@testable import Appliance

/// What the console shows of real events, and what can be done there.
@Suite(.serialized) struct ConsoleTests {
    private let token = "hush-hush-hush"

    private func with(
        _ more: [String: String] = [:], _ body: (RelayFixture, AdminPort) async throws -> Void
    ) async throws {
        try await RelayFixture.with { place in
            let admin = try AdminPort()
            let relay = try place.run(
                ["GODWIT_ADMIN_TOKEN": token, "GODWIT_WORKER_HEARTBEAT_INTERVAL": "400ms"].merging(admin.variables) {
                    $1
                }
                .merging(more) { $1 })
            try await admin.wait(for: 200, at: "/readyz")
            try await body(place, admin)
            relay.send(SIGTERM)
            let result = await relay.result()
            #expect(result.exitCode == 0, "\(result.standardError)")
        }
    }

    private func positions(_ admin: AdminPort, _ query: String) async throws -> [Int] {
        let answer = try await admin.get("/api/events?\(query)", token: token)
        return try answer.json["events"]?.items.compactMap { $0["position"]?.integer } ?? []
    }

    @Test(.timeLimit(.minutes(2)))
    func `an operator's day: find an event, publish again, stop and resume it, redrive what is parked, read the audit`()
        async throws
    {
        try await with { place, admin in
            _ = try await place.receive(try await place.append(300))
            let topic = try await place.kafka.makeTopic("replay")
            let session = try await ConsoleSession.signIn(admin, token: token)

            // Find an event by its aggregate, and read it.
            let found = try await session.get("/events?aggregate=user-7")
            #expect(found.status == 200)
            let position = try #require(found.body.firstMatch(of: #/href="/events/([0-9]+)"/#)).output.1.description
            let page = try await session.get("/events/\(position)").body
            #expect(page.contains("user-7") && page.contains("<h2 id=\"payload-title\">Payload</h2>"))
            try await eventually("it is never shown as delivered") {
                try await session.get("/events/\(position)").body.contains(
                    "<span class=\"badge good\">delivered</span>")
            }
            #expect(
                page.contains("<code>\(place.topic)</code>") && page.contains("event_id"),
                "the record as it is published")

            // Publish again, watched, stopped, resumed, to its end.
            let made = try await session.post(
                "/api/jobs",
                [
                    ("name", "again"), ("consumer", "identity"), ("since", "1d"), ("topic", topic), ("rate", "60"),
                    ("back", "/jobs"),
                ])
            #expect(made.status == 303 && made.headers["location"] == "/jobs?done=made", "\(made.body)")
            func state() async throws -> String? { try await admin.get("/api/jobs/again").json["state"]?.string }
            try await eventually("it never runs") { try await state() == "running" }
            #expect(try await session.get("/jobs").body.contains("/api/jobs/again/stop"))
            #expect(try await session.post("/api/jobs/again/stop", [("back", "/jobs")]).status == 303)
            try await eventually("it never stops") { try await state() == "stopped" }
            #expect(
                try await session.post("/api/jobs/again/resume", [("back", "/jobs")]).headers["location"]
                    == "/jobs?done=job-resume")
            try await eventually("it never ends") { try await state() == "done" }
            #expect(try await place.kafka.readAll([topic]).eventIDs.count == 300)

            // Redrive what is parked.
            let connection = try await place.test.connect()
            try await connection.execute(
                script: """
                    INSERT INTO "\(place.test.tables.godwitSchema)".dead_letters (consumer_name, global_position, segment_id,
                        event_id, event_type, bounded_context, aggregate_type, aggregate_id, aggregate_version, state,
                        is_cause, reason, error)
                    SELECT 'identity', global_position, 0, event_id, event_type, bounded_context, aggregate_type, aggregate_id,
                        aggregate_version, 'parked', true, 'too_large', 'larger than the topic allows'
                    FROM \(place.test.tables.events.sql) WHERE aggregate_id IN ('user-8', 'user-9')
                    """)
            let parked = try await session.get("/parked").body
            #expect(
                parked.contains("larger than the topic allows") && parked.contains("max.message.bytes")
                    && parked.contains("user-8"))
            let listed = try await admin.get("/api/parked", token: token).json
            let positions = listed["events"]?.items.compactMap { $0["position"]?.integer } ?? []
            #expect(positions.count == 2)
            let redriven = try await session.post(
                "/api/parked/redrive", positions.map { ("event", "\($0):identity") } + [("back", "/parked")])
            #expect(
                redriven.status == 303 && redriven.headers["location"] == "/parked?done=redrive", "\(redriven.body)")
            await connection.close()

            // Read who did what.
            let audit = try await session.get("/audit").body
            for word in ["redrive", "republish", "stop", "resume", "Ada (admin 127.0.0.1)"] {
                #expect(audit.contains(word), "\(word)")
            }
            let entries = try await admin.get("/api/audit?q=ADA", token: token).json["entries"]?.items ?? []
            #expect(
                entries.compactMap { $0["action"]?.string } == ["redrive", "redrive", "resume", "stop", "republish"])
            #expect(try await admin.get("/api/audit?q=nobody", token: token).json["entries"]?.items.isEmpty == true)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `events are found by every way, paged, and never by reading all of them`() async throws {
        try await with { place, admin in
            _ = try await place.receive(try await place.append(120))
            let newest = try await positions(admin, "limit=50")
            #expect(newest.count == 50 && newest == newest.sorted(by: >))
            let answer = try await admin.get("/api/events?limit=50", token: token).json
            let before = try #require(answer["before"]?.integer)
            let next = try await positions(admin, "limit=50&before=\(before)")
            #expect(next.first == newest.last.map { $0 - 1 } && Set(next).isDisjoint(with: newest))
            let one = try #require(newest.first)
            let event = try #require(
                try await admin.get("/api/events?id=\(one)", token: token).json["events"]?.items.first)
            let id = try #require(event["event_id"]?.string)
            let aggregate = try #require(event["aggregate_id"]?.string)
            #expect(try await positions(admin, "id=\(id)") == [one])
            #expect(try await positions(admin, "aggregate=\(aggregate)") == [one])
            #expect(try await positions(admin, "aggregate=nobody").isEmpty)
            #expect(try await positions(admin, "type=\(event["event_type"]?.string ?? "")&limit=500").count == 120)
            #expect(try await positions(admin, "type=Nothing").isEmpty)
            #expect(try await positions(admin, "since=1h&limit=500").count == 120)
            #expect(try await positions(admin, "until=1h&limit=500").isEmpty)
            #expect(try await positions(admin, "aggregate=\(aggregate)&until=1h").isEmpty)
            for wrong in ["id=x", "limit=0", "since=whenever", "color=red", "before=-1", "source=none"] {
                let answer = try await admin.get("/api/events?\(wrong)", token: token)
                #expect(answer.status == 400, "\(wrong): \(answer.status)")
                #expect(try answer.json["error"]?.string?.isEmpty == false)
            }
            #expect(try await admin.get("/api/events/999999", token: token).status == 404)
            let whole = try await admin.get("/api/events/\(one)", token: token).json
            #expect(whole["payload"]?.string != nil && whole["consumers"]?.items.count == 1)
            #expect(whole["consumers"]?.items.first?["record"]?["topic"]?.string == place.topic)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `hostile events are text on every page, and hidden payloads are nowhere`() async throws {
        let hostile = #"<script>alert("owned")</script>"#
        func store(_ place: RelayFixture) async throws -> Int64 {
            let connection = try await place.test.connect()
            let quoted = "'\(hostile)'"
            let position = try await place.insert(
                [
                    "aggregate_id": quoted, "event_type": quoted, "aggregate_type": quoted, "trace_id": quoted,
                    "payload":
                        "convert_to('{\"a\": \"</code></pre><img src=x onerror=alert(1)>\", \"iban\": \"DE89370400440532013000\"}', 'UTF8')",
                    "metadata": "'{\"b\": \"</pre><b>bold\", \"secret\": \"DE02120300000000202051\"}'::jsonb",
                ], on: connection)
            await connection.close()
            return position
        }
        try await with { place, admin in
            let position = try await store(place)
            let session = try await ConsoleSession.signIn(admin, token: token, actor: "<b>Eve")
            for path in [
                "/events", "/events/\(position)", "/events?aggregate=\(PercentCoding.encode(hostile))",
                "/audit?q=%3Cscript%3E",
                "/parked?aggregate=%22%3E%3Cimg%3E", "/?q=%22%3E%3Cscript%3E", "/events?id=%3Cscript%3E",
                "/signin?next=%22%3E%3Cscript%3E",
            ] {
                let body = try await session.get(path).body
                #expect(!body.contains("<script>alert") && !body.contains("<img") && !body.contains("<b>"), "\(path)")
                #expect(body.matches(of: #/<script/#).count <= 1, "\(path)")
            }
            let body = try await session.get("/events/\(position)").body
            #expect(body.contains("&lt;script&gt;alert(&quot;owned&quot;)") && body.contains("DE89370400440532013000"))
        }
        try await with(["GODWIT_ADMIN_PAYLOADS": "hidden"]) { place, admin in
            let position = try await store(place)
            let session = try await ConsoleSession.signIn(admin, token: token)
            let page = try await session.get("/events/\(position)").body
            let json = try await admin.get("/api/events/\(position)", token: token).body
            for text in [page, json] { #expect(!text.contains("DE89") && !text.contains("DE02"), "\(text)") }
            #expect(
                page.contains("hidden by <code>admin.payloads: hidden</code>")
                    && json.contains("\"payload_hidden\": true"))
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func `10,000 parked events are listed in pages, quickly, and decided about at once`() async throws {
        try await with { place, admin in
            let connection = try await place.test.connect()
            try await connection.execute(
                script: """
                    INSERT INTO "\(place.test.tables.godwitSchema)".dead_letters (consumer_name, global_position, segment_id,
                        event_id, event_type, bounded_context, aggregate_type, aggregate_id, aggregate_version, state,
                        is_cause, reason, error)
                    SELECT 'identity', 1000000 + i, i % 4, gen_random_uuid(), 'Happened', 'Identity', 'User', 'user-' || i % 100, i,
                        'parked', i < 100, CASE WHEN i < 100 THEN 'record' ELSE 'follows' END, 'no key'
                    FROM generate_series(0, 9999) i
                    """)
            await connection.close()
            var (seen, next, slowest): (Set<Int>, String?, Duration) = ([], "", .zero)
            var pages = 0
            while let after = next, pages < 50 {
                let began = ContinuousClock.now
                let answer = try await admin.get(
                    "/api/parked?all=true&limit=500" + (after.isEmpty ? "" : "&after=\(PercentCoding.encode(after))"),
                    token: token)
                slowest = max(slowest, .now - began)
                let events = try answer.json["events"]?.items.compactMap { $0["position"]?.integer } ?? []
                #expect(seen.isDisjoint(with: events))
                seen.formUnion(events)
                next = try answer.json["next"]?.string
                pages += 1
            }
            #expect(seen.count == 10_000 && pages == 20)
            // So long only where this machine does much else; the statement's own bound is four seconds.
            #expect(slowest < .seconds(4), "\(slowest)")
            let causes = try await admin.get("/api/parked?limit=500", token: token).json
            #expect(causes["events"]?.items.count == 100 && causes["next"] == .null)
            #expect(causes["counts"]?.items.first?["open"]?.integer == 10_000)
            #expect(causes["events"]?.items.first?["waiting_with_it"]?.integer == 100)
            let session = try await ConsoleSession.signIn(admin, token: token)
            #expect(try await session.get("/parked").body.contains("10,000 events wait"))
            let discarded = try await admin.post(
                "/api/parked/discard", #"{"consumer":"identity","aggregate":"user-7"}"#, token: token)
            #expect(try discarded.json["changed"]?.integer == 100, "\(discarded.body)")
            let some = try await admin.post(
                "/api/parked/discard", #"{"consumer":"identity","positions":[1000008,5]}"#, token: token)
            #expect(try some.json["changed"]?.integer == 1 && some.json["refused"]?.items.count == 1, "\(some.body)")
            #expect(
                try await admin.post("/api/parked/discard", #"{"consumer":"identity","positions":[5]}"#, token: token)
                    .status == 409)
            #expect(
                try await admin.post("/api/parked/park", #"{"consumer":"nobody","every":true}"#, token: token).status
                    == 409)
            let every = try await session.post(
                "/api/parked/redrive", [("consumer", "identity"), ("every", "true"), ("back", "/parked")])
            #expect(every.status == 303, "\(every.body)")
        }
    }
}
